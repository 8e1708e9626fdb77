// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { VerifyOptions as CoreOptions, Verdict } from '@spanseal/core'
import { printableJson, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import { journalsGiven } from '../journals-given.ts'
import { wholeNumber } from '../option-values.ts'
import { journalBytes, progressOf } from '../progress.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import type { Ignored } from '../verdict-text.ts'
import { verdictText } from '../verdict-text.ts'
import { defaultThreads, VerifyThreads } from '../verify-threads.ts'
import type { TrustOptions } from './verify-options.ts'
import { addTrustOptions, verifyOptions } from './verify-options.ts'

/** What lies beside a journal's files is named as far as a person would read. */
const IGNORED_MAX = 100

interface Options extends TrustOptions {
  readonly level?: number
  readonly threads?: number
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
    .option(
      '--threads <n>',
      'epochs checked at once (default: one a core where the journal has over 64 MiB, at most 8)',
      wholeNumber('--threads', 1, 64),
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
  const given = verifyOptions(paths, options)
  // Of what a head stands for only the end is read.
  const total = given.since === undefined ? journalBytes(paths) : 0
  const progress = progressOf('verifying', total, terminal)
  const ignored: Ignored[] = []
  const onIgnored = (path: string, reason: string): void => {
    if (ignored.length < IGNORED_MAX) ignored.push({ path, reason })
  }
  const threads = options.threads ?? defaultThreads(total)
  const runner = threads > 1 ? new VerifyThreads(threads) : undefined
  const verdict = await verifyOn(runner, readJournal(paths, { onIgnored }), {
    ...given,
    onProgress: (bytes) => progress.reach(bytes),
  })
  terminal.clearStatus()
  if (options.json === true) {
    terminal.print(`${printableJson({ ...verdict, ignored }, 2)}\n`)
  } else {
    const { bytes, millis } = progress
    const frame = {
      paths,
      keysPinned: given.keys?.length ?? 0,
      headsGiven: given.heads?.length ?? 0,
      ignored,
      bytes,
      millis,
    }
    terminal.print(verdictText(verdict, frame, terminal))
  }
  if (!verdict.ok || verdict.checked + verdict.heldByHead === 0) return EXIT.faults
  const { level: wanted = 0 } = options
  if (verdict.level >= wanted) return EXIT.holds
  terminal.note(`level ${wanted} was asked for, and level ${verdict.level} holds`)
  return EXIT.faults
}

/** Verifies, and ends the threads, if there are any. */
async function verifyOn(
  runner: VerifyThreads | undefined,
  epochs: ReturnType<typeof readJournal>,
  options: CoreOptions,
): Promise<Verdict> {
  if (runner === undefined) return verify(epochs, options)
  try {
    return await verify(epochs, { ...options, runner })
  } finally {
    await runner.close()
  }
}
