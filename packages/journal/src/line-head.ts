// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isEpochId } from '@spanseal/core'

/** What filing a record takes, read from its line. */
export interface LineHead {
  readonly log: string
  readonly epoch: string
  readonly seq: number
  readonly prev: string
  readonly type: string
  readonly at: string
  readonly traceparent?: string
  readonly detail: unknown
}

const HASH = /^[0-9a-f]{64}$/
const TRACE_ID = /^[0-9a-f]{32}$/
const SPAN_ID = /^[0-9a-f]{16}$/

/** Parses a line, or undefined where it is no record. */
export function parseLineHead(line: Uint8Array): LineHead | undefined {
  let record: unknown
  try {
    record = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8'))
  } catch {
    return undefined
  }
  const { chain, type, trace, time, detail } = fields(record)
  const { log, epoch, seq, prev } = fields(chain)
  const wellFormed =
    typeof log === 'string' &&
    typeof epoch === 'string' &&
    isEpochId(epoch) &&
    Number.isSafeInteger(seq) &&
    typeof prev === 'string' &&
    HASH.test(prev) &&
    typeof type === 'string'
  if (!wellFormed) return undefined
  const { at } = fields(time)
  const head = { log, epoch, seq: seq as number, prev, type, detail }
  const traceparent = traceparentOf(trace)
  return {
    ...head,
    at: typeof at === 'string' ? at : '',
    ...(traceparent === undefined ? {} : { traceparent }),
  }
}

function traceparentOf(trace: unknown): string | undefined {
  const { trace_id: traceId, span_id: spanId } = fields(trace)
  const wellFormed =
    typeof traceId === 'string' &&
    TRACE_ID.test(traceId) &&
    typeof spanId === 'string' &&
    SPAN_ID.test(spanId)
  // Sampled: the record exists, whatever became of the span.
  return wellFormed ? `00-${traceId}-${spanId}-01` : undefined
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
