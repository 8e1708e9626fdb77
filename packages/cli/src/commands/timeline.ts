// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, buildTimeline, printable, printableJson, renderTimeline } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Command } from 'commander'
import { existingFolder } from '../option-values.ts'
import type { Session } from '../program.ts'
import { countBytes, journalBytes, progressOf } from '../progress.ts'
import type { Terminal } from '../terminal.ts'
import type { OpenEpochs, ReadCounts } from '../trace-records.ts'
import { newestTrace, recordsOfTrace } from '../trace-records.ts'

const TRACE_PREFIX = /^[0-9a-f]{4,32}$/

interface TimelineOptions {
  readonly journal: string
  readonly last?: true
  readonly json?: true
}

export function addTimeline(program: Command, session: Session): void {
  program
    .command('timeline')
    .summary('print what happened in a trace')
    .description(
      'Prints a trace as a tree: tasks, thoughts, tool calls, hand-overs and outputs, with times, ' +
        'outcomes, who acted, and what was committed. It reads and does not verify.',
    )
    .argument('[trace id]', 'the trace, or the beginning of its id where that is unique')
    .requiredOption('--journal <folder>', 'the journal folder')
    .option('--last', 'the trace whose task began last')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal timeline --last --journal ./audit
  spanseal timeline 4bf92f3577b34da6a3ce929d0e0e4736 --journal ./audit
  spanseal timeline 4bf92f --journal ./audit --json | jq '.toolCalls'`,
    )
    .action(async (traceId: string | undefined, options: TimelineOptions) => {
      await timeline(traceId, options, session.terminal)
    })
}

async function timeline(
  traceId: string | undefined,
  options: TimelineOptions,
  terminal: Terminal,
): Promise<void> {
  const prefix = wantedPrefix(traceId, options)
  const folder = existingFolder(options.journal)
  const counts: ReadCounts = { skipped: 0 }
  const total = journalBytes([folder])
  const open: OpenEpochs = () => {
    const progress = progressOf('reading', total, terminal)
    return countBytes(readJournal(folder), progress)
  }
  const wanted = prefix ?? (await newestTrace(open, counts))
  const built = buildTimeline(await recordsOfTrace(open, wanted, counts))
  if (options.json === true) {
    terminal.print(`${printableJson(built, 2)}\n`)
  } else {
    const { color, paint, width } = terminal
    const how = `Read as it stands, not verified: spanseal verify ${printable(folder)}`
    terminal.print(`${renderTimeline(built, { color, width })}\n${paint('dim', how)}\n`)
  }
  if (counts.skipped > 0) {
    const lines = counts.skipped === 1 ? '1 line' : `${counts.skipped} lines`
    terminal.note(`spanseal: ${lines} cannot be read as records; see spanseal verify`)
  }
}

function wantedPrefix(traceId: string | undefined, { last }: TimelineOptions): string | undefined {
  if ((traceId === undefined) === (last !== true)) {
    throw new AuditError('INVALID_OPTION', 'give a trace id, or --last for the newest trace')
  }
  if (traceId === undefined) return undefined
  const prefix = traceId.toLowerCase()
  if (TRACE_PREFIX.test(prefix)) return prefix
  throw new AuditError(
    'INVALID_OPTION',
    `trace id: ${JSON.stringify(traceId.slice(0, 80))} is not usable; give 4 to 32 hexadecimal digits`,
  )
}
