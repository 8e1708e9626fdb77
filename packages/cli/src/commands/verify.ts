// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, printableJson, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import { headsGiven, keysGiven } from '../given-files.ts'
import { collect } from '../option-values.ts'
import { journalBytes, progressOf } from '../progress.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import type { Ignored } from '../verdict-text.ts'
import { verdictText } from '../verdict-text.ts'

/** What lies beside a journal's files is named as far as a person would read. */
const IGNORED_MAX = 100

interface VerifyOptions {
  readonly key?: readonly string[]
  readonly head?: readonly string[]
  readonly live?: true
  readonly json?: true
}

export function addVerify(program: Command, session: Session): void {
  program
    .command('verify')
    .summary('check whether the evidence holds')
    .description(
      'Checks journals as they lie there: bytes, schema, order, links, calls, times and signed ' +
        'checkpoints. Says which level of proof holds, what that does not prove, and where faults are.',
    )
    .argument('<folder|file...>', 'journal folders, epoch folders or segment files, taken together')
    .option(
      '--key <vkey|file>',
      'a key you trust, from elsewhere than the journal; repeatable',
      collect,
    )
    .option('--head <file>', 'signed checkpoints kept elsewhere; repeatable', collect)
    .option('--live', 'a writer is at work: epochs without an end are no fault')
    .option('--json', 'print the verdict as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal verify ./audit
  spanseal verify ./audit --key "$(cat issuer.vkey)"
  spanseal verify ./audit --key issuer.vkey --head heads-of-monday.txt --json
  spanseal verify ./audit --live

Exit status: 0 it holds; 1 there are faults, or it is not what the given keys
and heads vouch for; 2 it could not be checked.`,
    )
    .action(async (paths: readonly string[], options: VerifyOptions) => {
      session.exitCode = await verifyPaths(paths, options, session.terminal)
    })
}

async function verifyPaths(
  paths: readonly string[],
  options: VerifyOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  if (paths.includes('')) {
    throw new AuditError('INVALID_OPTION', 'a path is empty; name a journal folder or a file')
  }
  const keys = keysGiven(options.key ?? [])
  const heads = headsGiven(options.head ?? [])
  const progress = progressOf('verifying', journalBytes(paths), terminal)
  const ignored: Ignored[] = []
  const onIgnored = (path: string, reason: string): void => {
    if (ignored.length < IGNORED_MAX) ignored.push({ path, reason })
  }
  const verdict = await verify(readJournal(paths, { onIgnored }), {
    keys,
    heads,
    live: options.live === true,
    onProgress: (bytes) => progress.reach(bytes),
  })
  terminal.clearStatus()
  if (options.json === true) {
    terminal.print(`${printableJson({ ...verdict, ignored }, 2)}\n`)
  } else {
    const { bytes, millis } = progress
    const frame = {
      paths,
      keysPinned: keys.length,
      headsGiven: heads.length,
      ignored,
      bytes,
      millis,
    }
    terminal.print(verdictText(verdict, frame, terminal))
  }
  return verdict.ok && verdict.checked > 0 ? EXIT.holds : EXIT.faults
}
