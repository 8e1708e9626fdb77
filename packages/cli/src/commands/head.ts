// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { HeadFile } from '@spanseal/core'
import {
  AuditError,
  formatHeadFile,
  formatHeadLine,
  printable,
  printableJson,
} from '@spanseal/core'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import { journalsGiven } from '../journals-given.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { verdictText } from '../verdict-text.ts'
import { verifyJournals } from './verify-journals.ts'
import type { TrustOptions } from './verify-options.ts'
import { addTrustOptions } from './verify-options.ts'

interface Options extends TrustOptions {
  readonly out?: string
  readonly line?: true
  readonly json?: true
}

export function addHead(program: Command, session: Session): void {
  const head = program
    .command('head')
    .summary('take heads along, to be kept where the journal cannot be reached')
    .description('Heads show later what was changed, cut off or taken away since.')
    .addHelpText(
      'after',
      '\nExample:\n  spanseal head export ./audit --key tenant.vkey --out heads-of-monday.txt',
    )
  const command = head
    .command('export')
    .summary('verify, then write the heads that were reached')
    .description(
      'Verifies journals, and writes the head of each epoch and of the tenant log: for --head, and ' +
        'for --since, which reads only what is new. Nothing signs the file: keep it where those who ' +
        'can write the journal cannot. Writes nothing where the journal does not hold.',
    )
    .argument(
      '<folder|file...>',
      'journal folders, epoch folders, segment files or exports, taken together',
    )
  addTrustOptions(command)
    .option('--out <file>', 'write the head file there, in the place of an older one')
    .option('--line', 'head lines only, one an epoch: short, and of no use for --since')
    .option('--json', 'print what was done, and the heads, as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal head export ./audit --key tenant.vkey --out heads-of-monday.txt
  spanseal head export ./audit --key tenant.vkey --line
  spanseal head export ./audit --key tenant.vkey --live \\
    --since heads-of-monday.txt --out heads-of-tuesday.txt

Exit status: 0 written; 1 the journal does not hold; 2 it could not be checked.`,
    )
    .action(async (paths: readonly string[], options: Options) => {
      session.exitCode = await exportHeads(journalsGiven(paths), options, session.terminal)
    })
}

async function exportHeads(
  paths: readonly string[],
  options: Options,
  terminal: Terminal,
): Promise<ExitCode> {
  if (options.out !== undefined) replaceable(options.out)
  const { frame, head, verdict } = await verifyJournals(paths, options, terminal)
  if (head === undefined) {
    if (options.json === true) terminal.print(`${printableJson({ ...verdict, heads: [] }, 2)}\n`)
    else terminal.print(verdictText(verdict, frame, terminal))
    return EXIT.faults
  }
  const text = formatHeadFile(head, { linesOnly: options.line === true })
  if (options.out !== undefined) replaceFile(options.out, text)
  if (options.json === true) {
    const lines = headsOf(head).map(formatHeadLine)
    const { level, ok } = verdict
    terminal.print(`${printableJson({ ok, level, heads: lines, file: options.out ?? null }, 2)}\n`)
  } else if (options.out === undefined) {
    terminal.print(text)
  } else {
    const count = headsOf(head).length
    terminal.print(
      `Wrote ${count} ${count === 1 ? 'head' : 'heads'} to ${printable(options.out)}, at level ${verdict.level} of 5.\n`,
    )
  }
  return EXIT.holds
}

function headsOf({ epochs, tenant }: HeadFile): HeadFile['epochs'][number]['head'][] {
  const heads = epochs.map(({ head }) => head)
  return tenant === undefined ? heads : [...heads, tenant]
}

/** Whole or not at all: the old file is all that is known of the past. */
function replaceFile(out: string, text: string): void {
  const path = replaceable(out)
  const fresh = `${path}.tmp-${process.pid}`
  try {
    const fd = openSync(fresh, 'wx', 0o600)
    try {
      const bytes = Buffer.from(text, 'utf8')
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, path)
    const folder = openSync(dirname(path), 'r')
    fsyncSync(folder)
    closeSync(folder)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw unwritable(out, `cannot be written (${(error as NodeJS.ErrnoException).code})`, error)
  }
}

/** Where a link leads to; never a device, a pipe or a folder, which a rename would take away. */
function replaceable(out: string): string {
  if (out === '') throw unwritable(out, 'is empty; name a file')
  try {
    const found = statSync(out, { throwIfNoEntry: false })
    if (found === undefined) return out
    if (found.isFile()) return realpathSync(out)
  } catch (error) {
    throw unwritable(out, `cannot be written (${(error as NodeJS.ErrnoException).code})`, error)
  }
  throw unwritable(out, 'is no regular file; name another, or leave --out out to print')
}

function unwritable(out: string, why: string, cause?: unknown): AuditError {
  const details = { option: '--out', file: out }
  return new AuditError('INVALID_OPTION', `--out: ${out} ${why}`, { cause, details })
}
