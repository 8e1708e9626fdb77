// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import type { Timeline } from '@spanseal/core'
import {
  AuditError,
  buildTimeline,
  buildTimelines,
  printable,
  printableJson,
  renderTimeline,
} from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { KeyringOptions } from '@spanseal/keys'
import { defaultKeyringFolder, openKeyring } from '@spanseal/keys'
import type { Command } from 'commander'
import { logsOfJournal } from '../journal-logs.ts'
import { existingFolder } from '../option-values.ts'
import { countBytes, journalBytes, progressOf } from '../progress.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import type { Dialogue, OpenEpochs, ReadCounts } from '../trace-records.ts'
import { newestTrace, recordsOfDialogue, recordsOfTrace } from '../trace-records.ts'

const TRACE_PREFIX = /^[0-9a-f]{4,32}$/

interface TimelineOptions {
  readonly journal: string
  readonly last?: true
  readonly session?: string
  readonly conversation?: string
  readonly keys?: string
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
    .option('--session <id>', 'every trace of a session, by its id or pseudonym')
    .option('--conversation <id>', 'every trace of a conversation, by its id or pseudonym')
    .option('--keys <folder>', 'the keyring that knows the ids (default: <folder>.keys)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal timeline --last --journal ./audit
  spanseal timeline 4bf92f3577b34da6a3ce929d0e0e4736 --journal ./audit
  spanseal timeline 4bf92f --journal ./audit --json | jq '.toolCalls'
  spanseal timeline --session s-1 --journal ./audit`,
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
  const wanted = wantedOf(traceId, options)
  const folder = existingFolder(options.journal)
  const counts: ReadCounts = { skipped: 0 }
  const total = journalBytes([folder])
  const open: OpenEpochs = () => {
    const progress = progressOf('reading', total, terminal)
    return countBytes(readJournal(folder), progress)
  }
  const built = await timelinesOf(wanted, open, counts)
  if (options.json === true) {
    terminal.print(`${printableJson('kind' in wanted ? built : built[0], 2)}\n`)
  } else {
    const { color, paint, width } = terminal
    const how = `Read as it stands, not verified: spanseal verify ${printable(folder)}`
    const texts = built.map((one) => renderTimeline(one, { color, width }))
    terminal.print(`${texts.join('\n')}\n${paint('dim', how)}\n`)
  }
  if (counts.skipped > 0) {
    const lines = counts.skipped === 1 ? '1 line' : `${counts.skipped} lines`
    terminal.note(`spanseal: ${lines} cannot be read as records; see spanseal verify`)
  }
}

/** A trace by the beginning of its id, the newest one, or all of a session or conversation. */
type Wanted = { readonly prefix: string | undefined } | Dialogue

async function timelinesOf(
  wanted: Wanted,
  open: OpenEpochs,
  counts: ReadCounts,
): Promise<Timeline[]> {
  if ('kind' in wanted) return buildTimelines(await recordsOfDialogue(open, wanted, counts))
  const prefix = wanted.prefix ?? (await newestTrace(open, counts))
  return [buildTimeline(await recordsOfTrace(open, prefix, counts))]
}

function wantedOf(traceId: string | undefined, options: TimelineOptions): Wanted {
  const { conversation, last, session } = options
  const given = [traceId, last, session, conversation].filter((one) => one !== undefined)
  if (given.length !== 1) {
    throw new AuditError(
      'INVALID_OPTION',
      'give one of: a trace id, --last for the newest trace, --session or --conversation',
    )
  }
  if (session !== undefined) return { kind: 'session', refs: refsOf('session', session, options) }
  if (conversation !== undefined) {
    return { kind: 'conversation', refs: refsOf('conversation', conversation, options) }
  }
  return { prefix: traceId === undefined ? undefined : checkedPrefix(traceId) }
}

/** The id itself, and what the keyring makes of it where there is one. */
function refsOf(
  kind: Dialogue['kind'],
  id: string,
  {
    journal,
    keys = process.env['SPANSEAL_KEYS'] ?? defaultKeyringFolder(journal),
  }: TimelineOptions,
): string[] {
  if (id.startsWith('p1:') || !existsSync(keys)) return [id]
  const logs = logsOfJournal(existingFolder(journal))
  return [id, ...logs.flatMap((log) => knownPseudonyms({ log, folder: keys, journal }, kind, id))]
}

/** What the id was called in each period; nothing where the keyring never knew this log. */
function knownPseudonyms(where: KeyringOptions, kind: Dialogue['kind'], id: string): string[] {
  try {
    return openKeyring({ ...where, create: false }).pseudonyms(kind, id)
  } catch (error) {
    if (error instanceof AuditError && error.code === 'NOT_FOUND') return []
    throw error
  }
}

function checkedPrefix(traceId: string): string {
  const prefix = traceId.toLowerCase()
  if (TRACE_PREFIX.test(prefix)) return prefix
  throw new AuditError(
    'INVALID_OPTION',
    `trace id: ${JSON.stringify(traceId.slice(0, 80))} is not usable; give 4 to 32 hexadecimal digits`,
  )
}
