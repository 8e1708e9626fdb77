// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditRecord, RecordDraft } from '@spanseal/core'
import { block } from '@spanseal/core'
import type { AppendedRecord, EpochWriter } from '@spanseal/journal'
import { completeRecords } from '../../packages/core/src/record-samples.fixture.ts'

/** The event time that the complete records have. */
const EVENT_AT = '2026-11-21T08:59:59.250Z'

/** Appends a record of every type that callers write, with every field that it can have. */
export function appendCompleteRecords(writer: EpochWriter, variants: readonly number[]): void {
  for (const variant of variants) {
    const records = Object.values(completeRecords()[variant] ?? {}) as readonly AuditRecord[]
    const own = records.filter(({ type }) => !type.startsWith('epoch.'))
    // Starts first: an end names its start.
    const starts = own.filter(({ type }) => type.endsWith('.start'))
    const others = own.filter(({ type }) => !type.endsWith('.start'))
    const started = new Map<string, AppendedRecord>()
    for (const record of starts) {
      started.set(
        record.type,
        writer.append(() => draftOf(record), { eventAt: EVENT_AT }),
      )
    }
    for (const record of others) {
      const start = started.get(record.type.replace(/\.end$/, '.start'))
      writer.append(() => draftOf(record, start), { eventAt: EVENT_AT })
    }
  }
}

/** What of a record its caller writes; the rest is the chain's. */
const BLOCKS = ['actor', 'authorization', 'context', 'ext', 'retention', 'tool'] as const

function draftOf(record: AuditRecord, start?: AppendedRecord): RecordDraft {
  const { chain: _chain, rev: _rev, time: _time, v: _v, ...rest } = record
  const draft: Record<string, unknown> = { ...rest }
  for (const name of BLOCKS) if (draft[name] !== undefined) draft[name] = block(draft[name])
  if (start !== undefined) {
    draft['invocation'] = {
      ...(draft['invocation'] as object),
      start: `${start.epoch}/${start.seq}`,
    }
  }
  return draft as unknown as RecordDraft
}
