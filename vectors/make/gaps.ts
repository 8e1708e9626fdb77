// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { block } from '@spanseal/core'
import type { BreakglassCloseDetail, GapDetail, RecordDraft } from '@spanseal/core'
import { EpochFiles } from './epoch-files.ts'
import { journalFiles } from './journal.ts'
import { LOG, period, subjects, tenant } from './keys.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

/** A journal that says what it lacks, and when tools ran although nobody could be sure of their record. */

const attributed = {
  severity: 'info',
  actor: block({ agent: { id: 'support-1' }, user: { ref: `p1:${subjects.john.kid}` } }),
  context: block({ data_classifications: [], environment: 'production', task_id: 'task-1' }),
} as const
const authorization = block({
  decision: 'not_required' as const,
  method: 'none' as const,
  permissions_denied: [],
  permissions_used: [],
})
const tool = block({
  name: 'refund_order',
  publisher: 'example.com',
  trust_level: 'verified',
  type: 'function' as const,
  version: '2.1.0',
})

function span(id: number): NonNullable<RecordDraft['trace']> {
  return { span_id: id.toString(16).padStart(16, '0'), trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' }
}

function gap(epoch: EpochFiles, detail: GapDetail): void {
  epoch.append({ type: 'gap', severity: 'error', detail })
  epoch.checkpoint()
}

function closeGlass(epoch: EpochFiles, detail: BreakglassCloseDetail): void {
  epoch.append({ type: 'breakglass.close', severity: 'critical', detail })
  epoch.checkpoint()
}

function call(epoch: EpochFiles, id: number): void {
  const common = { ...attributed, authorization, tool, trace: span(id) }
  const input = epoch.commit('/invocation/input', { amount: id })
  const start = epoch.append({ ...common, type: 'tool.start', invocation: { input, status: 'started' } })
  const invocation = { duration_ns: '250000000', input, start, status: 'success' } as const
  epoch.append({ ...common, type: 'tool.end', invocation })
}

function closeEpoch(epoch: EpochFiles): void {
  const detail = { open: [], reason: 'shutdown', records: epoch.size + 1 } as const
  epoch.append({ type: 'epoch.close', severity: 'info', detail })
  epoch.checkpoint()
}

/** The disk is full for a minute; a person breaks the glass, and closes it when there is room again. */
function fullDisk(): EpochFiles {
  const epoch = new EpochFiles({ words: 'gaps, epoch 1', openedAt: '2026-11-21T09:00:00.000Z' })
  call(epoch, 1)
  epoch.wait(60_000)
  gap(epoch, {
    first_at: '2026-11-21T09:00:05.250Z',
    last_at: '2026-11-21T09:00:58.000Z',
    reason: 'journal_full',
    records: 5,
    refused: 1,
    types: { 'agent.reasoning': 1, 'tool.end': 2, 'tool.start': 2 },
  })
  epoch.append({
    type: 'breakglass.open',
    severity: 'critical',
    detail: {
      by: `p1:${subjects.jane.kid}`,
      id: '00c0ffee00c0ffee',
      reason: epoch.commit('/detail/reason', 'Refunds must go out today; the disk is being cleared.', [subjects.jane]),
      until: '2026-11-21T09:15:40.000Z',
    },
  })
  epoch.checkpoint()
  call(epoch, 2)
  closeGlass(epoch, { calls: 1, id: '00c0ffee00c0ffee', reason: 'closed' })
  closeEpoch(epoch)
  return epoch
}

/** Writing fails; the writer goes on in a new epoch, and says there what was lost. Nobody ran anything. */
function failedDisk(before: EpochFiles): EpochFiles {
  const epoch = new EpochFiles({
    words: 'gaps, epoch 2',
    openedAt: '2026-11-21T09:30:00.000Z',
    observed: [before.observedAs('closed')],
    remote: ['critical'],
  })
  gap(epoch, {
    first_at: '2026-11-21T09:29:58.000Z',
    last_at: '2026-11-21T09:29:58.000Z',
    reason: 'write_failed',
    records: 0,
    refused: 2,
    types: {},
  })
  epoch.append({
    type: 'breakglass.open',
    severity: 'critical',
    detail: { id: '00c0ffee00c0ffef', until: '2026-11-21T09:45:00.000Z' },
  })
  closeGlass(epoch, { calls: 0, id: '00c0ffee00c0ffef', reason: 'shutdown' })
  closeEpoch(epoch)
  return epoch
}

/** `gaps/`, and beside it `gaps.json`: its key, and what to expect. */
export function gapsVectors(): Files {
  const first = fullDisk()
  const epochs = [first, failedDisk(first)]
  return new Map([
    ...journalFiles(epochs, 'gaps'),
    jsonFile('gaps.json', {
      about:
        'gaps/ is a whole journal that says what could not be written, and when glass was broken. With ' +
        'pinned as the only key it verifies at the time now; expect is part of the verdict.',
      log: LOG,
      now: '2026-11-21T10:00:00.000Z',
      pinned: [tenant.vkey],
      blinding: [period, subjects.jane].map(({ kid, hex }) => ({ kid, key: hex })),
      expect: {
        ok: true,
        level: 2,
        ends: { closed: 2, headed: 0, crashed: 0, open: 0 },
        checked: 14,
        epochs: 2,
        gaps: { count: 2, records: 5, refused: 3 },
        breakglass: { opened: 2, closed: 2, calls: 1 },
        counts: { gap: 2 },
      },
      heads: epochs.map(({ notes }) => notes.at(-1)),
    }),
  ])
}
