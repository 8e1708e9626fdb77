// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { printable } from '@spanseal/core'
import type { CheckedCheckpoint, CheckedRecord, EpochSummary } from './epoch-watch.ts'

/** How what is seen is shown: lines for people, or JSON, one object a line. */
export interface Show {
  record(checked: CheckedRecord): string
  checkpoint(epoch: string, checked: CheckedCheckpoint): string
  summary(summary: EpochSummary): string
}

interface Seen {
  readonly at: string
  readonly type: string
  readonly tool: string | undefined
  readonly status: string | undefined
  readonly traceId: string | undefined
}

/** What a line shows of a record. */
function look({ record, fields }: CheckedRecord): Seen {
  const text = (block: string, name: string): string | undefined => {
    const value = (fields[block] as Readonly<Record<string, unknown>> | undefined)?.[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    at: text('time', 'at') ?? '-',
    type: record.type,
    tool: text('tool', 'name'),
    status: text('invocation', 'status') ?? text('authorization', 'decision'),
    traceId: text('trace', 'trace_id'),
  }
}

const faultText = (faults: readonly string[]): string =>
  faults.map((fault) => `\n  FAULT ${fault}`).join('')

const SIGNED = {
  pinned: 'signed, by a pinned key',
  unpinned: 'signed by a key that nobody vouches for here (--key pins one)',
  unknown: 'signature not checked: the start of the epoch was not seen',
} as const

/** For people; whatever a terminal might act on is escaped. */
export const asText: Show = {
  record: (checked) => {
    const { at, type, tool, status, traceId } = look(checked)
    const columns = [at, type.padEnd(15), (tool ?? '-').padEnd(20), (status ?? '-').padEnd(9)]
    const again = checked.again ? ' (again)' : ''
    return printable(`${columns.join('  ')}  ${traceId ?? '-'}${again}`) + faultText(checked.faults)
  },
  checkpoint: (epoch, { size, signed, faults }) =>
    `checkpoint ${epoch}: ${size} records, ${SIGNED[signed]}${faultText(faults)}`,
  summary: ({ epoch, from, records, confirmed, closed, faults }) =>
    `epoch ${epoch}: ${records} records${from > 0 ? ` from ${from} on` : ''}, ` +
    `${confirmed} confirmed by checkpoints, ${closed ? 'closed' : 'open'}, ` +
    `${faults === 0 ? 'no faults' : `${faults} FAULTS`}`,
}

/** For programs. */
export const asJson: Show = {
  record: (checked) => {
    const { epoch, seq, leaf } = checked.record
    const { again, faults } = checked
    return JSON.stringify({ kind: 'record', epoch, seq, leaf, ...look(checked), again, faults })
  },
  checkpoint: (epoch, checked) => JSON.stringify({ kind: 'checkpoint', epoch, ...checked }),
  summary: (summary) => JSON.stringify({ kind: 'epoch', ...summary }),
}
