// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, fitText, pause, printableJson } from '@spanseal/core'
import type { Command } from 'commander'
import { JournalTail } from '../journal-tail.ts'
import { existingFolder, wholeNumber } from '../option-values.ts'
import { parseLine } from '../record-lines.ts'
import type { RecordSummary } from '../record-summary.ts'
import { summarize } from '../record-summary.ts'
import type { Session } from '../session.ts'
import { stopSignal } from '../stop-signal.ts'
import type { Terminal } from '../terminal.ts'

const POLL_MILLIS = 250
const LINES_MAX = 10_000
/** Columns from which a line has room for everything. */
const WIDE = 110

interface TailOptions {
  readonly follow?: true
  readonly lines: number
  readonly json?: true
}

/** A line with what decides its place among those of other epochs. */
interface Entry {
  readonly record: unknown
  readonly summary: RecordSummary
}

export function addTail(program: Command, session: Session): void {
  program
    .command('tail')
    .summary('print the newest records')
    .description('Prints the newest records of a journal, one line each, across all its epochs.')
    .argument('<folder>', 'the journal folder')
    .option('-f, --follow', 'go on with records as they are written, until SIGINT or SIGTERM')
    .option(
      '-n, --lines <count>',
      'how many to begin with',
      wholeNumber('--lines', 1, LINES_MAX),
      20,
    )
    .option('--json', 'print each record as JSON, one a line')
    .addHelpText(
      'after',
      `
Columns: time (UTC), epoch (its last six digits) and seq, type, what and how it
went, agent, trace.

Examples:
  spanseal tail ./audit
  spanseal tail ./audit --follow
  spanseal tail ./audit -n 1000 --json | jq -c 'select(.type == "authz.denied")'`,
    )
    .action(async (folder: string, options: TailOptions) => {
      await tail(existingFolder(folder), options, session.terminal)
    })
}

async function tail(folder: string, options: TailOptions, terminal: Terminal): Promise<void> {
  const source = new JournalTail(folder)
  const newest = inOrder(source.newest(options.lines).flatMap(toEntries)).slice(-options.lines)
  if (newest.length === 0 && options.follow !== true) {
    throw new AuditError('NOT_FOUND', `${folder} holds no records; name the journal folder`)
  }
  for (const entry of newest) printEntry(entry, options, terminal)
  if (options.follow === true) await follow(source, options, terminal)
  if (source.counts.unreadable > 0) {
    terminal.note(
      `spanseal: some files of ${folder} cannot be read as segments; see spanseal verify`,
    )
  }
}

async function follow(
  source: JournalTail,
  options: TailOptions,
  terminal: Terminal,
): Promise<void> {
  const stop = stopSignal(terminal.closed)
  try {
    while (!stop.signal.aborted) {
      for (const entry of inOrder(toEntries([...source.fresh()]))) {
        printEntry(entry, options, terminal)
      }
      await pause(POLL_MILLIS, stop.signal)
    }
  } finally {
    stop.dispose()
  }
}

function toEntries(lines: readonly Buffer[]): Entry[] {
  return lines.flatMap((bytes) => {
    const record = parseLine(bytes)
    const summary = summarize(record)
    return summary === undefined ? [] : [{ record, summary }]
  })
}

/** By time, and within an epoch by `seq`: no record stands before its predecessor. */
function inOrder(entries: readonly Entry[]): Entry[] {
  const latest = new Map<string, string>()
  const timed = entries.map((entry) => {
    const { at, epoch } = entry.summary
    const before = latest.get(epoch) ?? ''
    const time = at > before ? at : before
    latest.set(epoch, time)
    return { entry, time }
  })
  // The sort is stable: records of one epoch keep their order.
  return timed.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time))).map((t) => t.entry)
}

function printEntry({ record, summary }: Entry, options: TailOptions, terminal: Terminal): void {
  if (options.json === true) {
    terminal.print(`${printableJson(record)}\n`)
    return
  }
  const { isTerminal, paint, print, width } = terminal
  const line = entryLine(summary, isTerminal && width < WIDE)
  const shown = isTerminal ? fitText(line, width) : line
  print(`${summary.failed ? paint('red', shown) : shown}\n`)
}

function entryLine(summary: RecordSummary, isNarrow: boolean): string {
  const { agent, at, epoch, seq, traceId, type, what } = summary
  // On a narrow terminal neither year nor milliseconds: whoever looks there looks at today.
  const time = isNarrow ? at.slice(5, 19) : at.slice(0, 23)
  const place = `${epoch.slice(-6)}/${seq}`.padEnd(11)
  const rest = [what, agent, traceId.slice(0, 8)].filter((part) => part !== '')
  return `${time.replace('T', ' ')} ${place} ${type.padEnd(15)} ${rest.join(' · ')}`.trimEnd()
}
