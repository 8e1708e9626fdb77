// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { TraceRef } from '@spanseal/core'
import { BAGGAGE_TASK_ID } from '@spanseal/core'
import { isId } from './guards.ts'
import type { OutsideNames } from './outside-names.ts'

/** What travels to another agent or process: W3C Trace Context and Baggage. */
export interface TraceCarrier {
  traceparent?: string
  tracestate?: string
  baggage?: string
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)/
const BAGGAGE_LENGTH_MAX = 8_192 // W3C Baggage §3.3.2

/** The context in a carrier; what is malformed is left out, as the W3C texts ask. */
export interface CarriedContext {
  readonly traceId?: string
  readonly spanId?: string
  readonly sampled: boolean
  readonly taskId?: string
}

/** Writes trace ids and task id into a fresh carrier. */
export function toCarrier(trace: TraceRef, taskId: string, sampled: boolean): TraceCarrier {
  return {
    traceparent: `00-${trace.trace_id}-${trace.span_id}-${sampled ? '01' : '00'}`,
    baggage: `${BAGGAGE_TASK_ID}=${encodeURIComponent(taskId)}`,
  }
}

/** Reads a carrier that came from outside; never throws. */
export function fromCarrier(carrier: TraceCarrier, names: OutsideNames): CarriedContext {
  const match = TRACEPARENT.exec(typeof carrier.traceparent === 'string' ? carrier.traceparent : '')
  const carriedId = taskIdIn(carrier.baggage)
  const taskId = carriedId === undefined ? undefined : names.id(carriedId)
  const [, traceId = '', spanId = '', flags = '00'] = match ?? []
  const valid = match !== null && !/^0+$/.test(traceId) && !/^0+$/.test(spanId)
  return {
    ...(valid ? { traceId, spanId } : {}),
    sampled: valid && (Number.parseInt(flags, 16) & 1) === 1,
    ...(taskId === undefined ? {} : { taskId }),
  }
}

function taskIdIn(baggage: unknown): string | undefined {
  if (typeof baggage !== 'string' || baggage.length > BAGGAGE_LENGTH_MAX) return undefined
  for (const member of baggage.split(',')) {
    const [key = '', value = ''] = (member.split(';')[0] as string).split('=')
    if (key.trim() !== BAGGAGE_TASK_ID) continue
    try {
      const id = decodeURIComponent(value.trim())
      return isId(id) ? id : undefined
    } catch {
      return undefined
    }
  }
  return undefined
}
