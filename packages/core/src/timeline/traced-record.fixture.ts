// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Commitment } from '../commitment.ts'
import type { AuditRecord } from '../record.ts'
import { NO_PREV } from '../record.ts'

export const TRACE = '0af7651916cd43dd8448eb211c80319c'
export const EPOCH = '019aa500-0000-7000-8000-000000000001'

/** 16 hex digits that name a span in a test. */
export function spanId(n: number): string {
  return n.toString(16).padStart(16, '0')
}

export function committed(digit: string): Commitment {
  return { alg: 'blinded-sha256', kid: '3fa91c0027d24b11', enc: 'json', c: digit.repeat(64) }
}

/** What a test says about a record; the rest is filled in. */
export interface Sketch {
  readonly type: AuditRecord['type']
  readonly seq: number
  readonly span?: number
  readonly parent?: number
  readonly epoch?: string
  readonly trace?: string
  /** Milliseconds after 2026-11-21T09:15:02.123Z. */
  readonly after?: number
  readonly [block: string]: unknown
}

const TOOL = {
  name: 'refund_order',
  publisher: 'shop.example',
  trust_level: 'verified',
  type: 'function',
  version: '2.1.0',
}
const NOT_REQUIRED = {
  decision: 'not_required',
  method: 'none',
  permissions_denied: [],
  permissions_used: [],
}
const BEGIN_MILLIS = Date.parse('2026-11-21T09:15:02.123Z')

/** A record as the schema has it, linked to nothing. */
export function aRecord(sketch: Sketch): AuditRecord {
  const {
    type,
    seq,
    span = 1,
    parent,
    epoch = EPOCH,
    trace = TRACE,
    after = seq,
    ...blocks
  } = sketch
  const aboutTool = type.startsWith('tool.') || type.startsWith('authz.')
  const aboutTask = type.startsWith('task.')
  const record: unknown = {
    actor: { agent: { id: 'support-1', name: 'support' }, user: { ref: 'p1:1c2d3e4f50617283' } },
    ...(aboutTool ? { authorization: NOT_REQUIRED, tool: TOOL } : {}),
    ...(aboutTask ? { detail: { name: 'refund' } } : {}),
    context: { data_classifications: [], environment: 'test', task_id: 'task-1' },
    ...blocks,
    chain: { epoch, log: 'localhost/support', prev: NO_PREV, seq },
    rev: 0,
    severity: 'info',
    time: { at: new Date(BEGIN_MILLIS + after).toISOString(), mono_ns: String(after * 1_000_000) },
    trace: {
      ...(parent === undefined ? {} : { parent_span_id: spanId(parent) }),
      span_id: spanId(span),
      trace_id: trace,
    },
    type,
    v: 1,
  }
  return record as AuditRecord
}

/** A task with input, thought, a failed tool call and its retry, a hand-over, a refusal, an output. */
export function aTask(): AuditRecord[] {
  const tool = { type: 'tool.start' as const, parent: 2 }
  const billing = {
    agent: { id: 'billing-2', name: 'billing' },
    user: { ref: 'p1:1c2d3e4f50617283' },
  }
  const start = (seq: number): string => `${EPOCH}/${seq}`
  const observed = { flags: [], input_bytes: 64, input_shape: '00'.repeat(8), output_bytes: 1420 }
  return [
    aRecord({
      type: 'task.start',
      seq: 1,
      after: 0,
      invocation: { input: committed('a'), status: 'started' },
    }),
    aRecord({ type: 'user.input', seq: 2, detail: { bytes: 128, content: committed('b') } }),
    aRecord({
      type: 'agent.reasoning',
      seq: 3,
      span: 2,
      parent: 1,
      detail: { chars: 42, confidence: '0.9', text: committed('c') },
    }),
    aRecord({ ...tool, seq: 4, span: 3, invocation: { input: committed('d'), status: 'started' } }),
    aRecord({
      ...tool,
      type: 'tool.end',
      seq: 5,
      span: 3,
      after: 416,
      invocation: {
        duration_ns: '412345678',
        error: {
          code: 'E_BUSY',
          fingerprint: '0011223344556677',
          message: committed('e'),
          type: 'TypeError',
        },
        input: committed('d'),
        observed: { ...observed, flags: ['sql_injection'] },
        start: start(4),
        status: 'error',
      },
    }),
    aRecord({
      ...tool,
      seq: 6,
      span: 4,
      after: 417,
      invocation: { attempt: 2, input: committed('d'), status: 'started' },
    }),
    aRecord({
      ...tool,
      type: 'tool.end',
      seq: 7,
      span: 4,
      after: 500,
      invocation: {
        attempt: 2,
        duration_ns: '82000000',
        input: committed('d'),
        observed,
        output: committed('f'),
        recovery: 'retry',
        start: start(6),
        status: 'success',
      },
    }),
    aRecord({
      type: 'agent.handoff',
      seq: 8,
      span: 5,
      parent: 1,
      after: 501,
      detail: { from: 'support', summary: committed('1'), to: 'billing' },
    }),
    aRecord({
      type: 'authz.denied',
      seq: 9,
      span: 6,
      parent: 5,
      after: 510,
      actor: billing,
      authorization: {
        decision: 'denied',
        method: 'policy',
        permissions_denied: ['data_access:write'],
        permissions_used: [],
        policy: { id: 'refunds', version: '4' },
      },
      detail: { reason: committed('2') },
    }),
    aRecord({
      type: 'tool.start',
      seq: 10,
      span: 7,
      parent: 5,
      after: 520,
      actor: billing,
      invocation: { status: 'started' },
    }),
    aRecord({
      type: 'agent.output',
      seq: 11,
      after: 1200,
      detail: { bytes: 300, content: committed('3') },
    }),
    aRecord({
      type: 'task.end',
      seq: 12,
      after: 1250,
      invocation: {
        duration_ns: '1250000000',
        input: committed('a'),
        start: start(1),
        status: 'success',
      },
    }),
  ]
}
