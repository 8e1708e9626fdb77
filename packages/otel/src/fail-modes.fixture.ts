// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EventType, GapDetail } from '@spanseal/core'

/** What keeps an intent from being durable. */
export type Failing = 'open' | 'append' | 'sync' | 'budget' | 'acknowledgement'

/** What is to happen then. */
export type FailMode = 'closed' | 'closed, glass broken' | 'open'

/** What a call comes to whose intent cannot be made durable. */
export interface FailModeRow {
  readonly fails: Failing
  readonly mode: FailMode
  readonly runs: boolean
  /** Of what the caller gets instead of the tool's value. */
  readonly error?: 'INTENT_NOT_DURABLE'
  /** What of the call stands in the journal: its intent, and the status of its outcome. */
  readonly start: boolean
  readonly end?: 'denied' | 'success'
  /** What the gap says that is the first record written afterwards; absent where nothing is missing. */
  readonly gap?: {
    readonly reason: GapDetail['reason']
    readonly types: { readonly [T in EventType]?: number }
    readonly refused?: number
  }
}

const refused = { runs: false, error: 'INTENT_NOT_DURABLE' } as const
const runs = { runs: true } as const
const lacksEnd = { reason: 'write_failed', types: { 'tool.end': 1 } } as const

/** The tested table: `fail-modes.test.ts` runs every row, `docs/fail-modes.md` shows it. */
export const FAIL_MODES: readonly FailModeRow[] = [
  ...unwritten('open', 'write_failed'),
  ...unwritten('append', 'write_failed'),
  ...unwritten('budget', 'journal_full'),
  // The end could not be written, since no other epoch could be opened and synced either.
  { fails: 'sync', mode: 'closed', ...refused, start: true, gap: { ...lacksEnd, refused: 1 } },
  { fails: 'sync', mode: 'closed, glass broken', ...runs, start: true, gap: lacksEnd },
  { fails: 'sync', mode: 'open', ...runs, start: true, gap: lacksEnd },
  { fails: 'acknowledgement', mode: 'closed', ...refused, start: true, end: 'denied' },
  { fails: 'acknowledgement', mode: 'closed, glass broken', ...runs, start: true, end: 'success' },
  { fails: 'acknowledgement', mode: 'open', ...runs, start: true, end: 'success' },
]

/** Where not even the intent is written, the call leaves nothing but its part of the gap. */
function unwritten(fails: Failing, reason: GapDetail['reason']): readonly FailModeRow[] {
  const types = { 'tool.start': 1 } as const
  return [
    { fails, mode: 'closed', ...refused, start: false, gap: { reason, types, refused: 1 } },
    { fails, mode: 'closed, glass broken', ...runs, start: false, gap: { reason, types } },
    { fails, mode: 'open', ...runs, start: false, gap: { reason, types } },
  ]
}

const WHAT_FAILS: Readonly<Record<Failing, string>> = {
  open: 'no epoch can be opened',
  append: 'records cannot be written',
  budget: 'the budget is used up',
  sync: 'records cannot be synced (`group`)',
  acknowledgement: 'no sink acknowledges (`remote`)',
}

/** The table as `docs/fail-modes.md` has it. */
export function failModesTable(): string {
  const rows = FAIL_MODES.map((row) => [
    WHAT_FAILS[row.fails],
    row.mode,
    row.runs ? 'runs' : 'does not run',
    row.error === undefined ? 'what the tool gives' : `\`${row.error}\``,
    ofCall(row),
    ofGap(row),
  ])
  const head = [
    'what fails',
    'fail mode',
    'the tool',
    'its caller gets',
    'the call in the journal',
    'gap afterwards',
  ]
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function ofCall({ start, end }: FailModeRow): string {
  if (!start) return 'nothing'
  return end === undefined ? '`tool.start`' : `\`tool.start\`, \`tool.end\` \`${end}\``
}

function ofGap({ gap }: FailModeRow): string {
  if (gap === undefined) return 'none: nothing is missing'
  const types = Object.entries(gap.types).map(([type, count]) => `${count} \`${type}\``)
  const calls = gap.refused === undefined ? [] : [`${gap.refused} refused`]
  return `\`${gap.reason}\`: ${[...types, ...calls].join(', ')}`
}
