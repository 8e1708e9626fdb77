// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { printableJson } from '@spanseal/core'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import { journalsGiven } from '../journals-given.ts'
import { wholeNumber } from '../option-values.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { verdictText } from '../verdict-text.ts'
import { verifyJournals } from './verify-journals.ts'
import type { TrustOptions } from './verify-options.ts'
import { addTrustOptions } from './verify-options.ts'

interface Options extends TrustOptions {
  readonly level?: number
  readonly json?: true
}

export function addVerify(program: Command, session: Session): void {
  const command = program
    .command('verify')
    .summary('check whether the evidence holds')
    .description(
      'Checks journals as they lie there: bytes, schema, order, links, calls, times and signed ' +
        'checkpoints, and with --log whether all is there that the tenant log names. Says which ' +
        'level of proof holds, what that does not prove, and where faults are.',
    )
    .argument(
      '<folder|file...>',
      'journal folders, epoch folders, segment files or exports, taken together',
    )
  addTrustOptions(command)
    .option(
      '--level <n>',
      'the level that must hold, 1 to 5: with a lower one the status is 1',
      wholeNumber('--level', 1, 5),
    )
    .option('--json', 'print the verdict as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal verify ./audit
  spanseal verify ./audit --key "$(cat tenant.vkey)"
  spanseal verify ./audit --key tenant.vkey --head heads-of-monday.txt --json
  spanseal verify ./audit --key tenant.vkey --log ./tenant-log \\
    --witness 2/3 --witness-key witnesses.txt --tsa authority.pem --level 5
  spanseal verify ./audit --key tenant.vkey --since heads-of-monday.txt
  spanseal verify ./audit --live

Exit status: 0 it holds; 1 there are faults, it is not what the given keys and
heads vouch for, or a lower level holds than --level asks for; 2 it could not be
checked.`,
    )
    .action(async (paths: readonly string[], options: Options) => {
      session.exitCode = await verifyPaths(journalsGiven(paths), options, session.terminal)
    })
}

async function verifyPaths(
  paths: readonly string[],
  options: Options,
  terminal: Terminal,
): Promise<ExitCode> {
  const { frame, verdict } = await verifyJournals(paths, options, terminal)
  if (options.json === true) {
    terminal.print(`${printableJson({ ...verdict, ignored: frame.ignored }, 2)}\n`)
  } else {
    terminal.print(verdictText(verdict, frame, terminal))
  }
  if (!verdict.ok || verdict.checked + verdict.heldByHead === 0) return EXIT.faults
  const { level: wanted = 0 } = options
  if (verdict.level >= wanted) return EXIT.holds
  terminal.note(`level ${wanted} was asked for, and level ${verdict.level} holds`)
  return EXIT.faults
}
