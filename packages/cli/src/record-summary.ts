// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatDuration, printable } from '@spanseal/core'

/** What one line about a record says; read without trust in its shape, of any revision. */
export interface RecordSummary {
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`, or empty. */
  readonly at: string
  readonly epoch: string
  readonly seq: number
  readonly type: string
  /** Tool, task, hand-over or reason, and how it went. */
  readonly what: string
  readonly failed: boolean
  readonly agent: string
  readonly traceId: string
}

const FAILED = new Set(['error', 'denied', 'timeout', 'cancelled'])

/** The summary of a parsed line, or undefined where it is no record. Everything in it is printable. */
export function summarize(record: unknown): RecordSummary | undefined {
  const seq = at(record, 'chain', 'seq')
  const epoch = text(record, 'chain', 'epoch')
  const type = text(record, 'type')
  if (typeof seq !== 'number' || epoch === '' || type === '') return undefined
  const status = text(record, 'invocation', 'status')
  return {
    at: text(record, 'time', 'at'),
    epoch,
    seq,
    type,
    what: [subject(record, type), ...outcome(record, status)].filter((s) => s !== '').join(' '),
    failed: FAILED.has(status) || type === 'authz.denied',
    agent: text(record, 'actor', 'agent', 'id'),
    traceId: text(record, 'trace', 'trace_id'),
  }
}

function subject(record: unknown, type: string): string {
  if (type.startsWith('tool.') || type.startsWith('authz.')) return text(record, 'tool', 'name')
  if (type.startsWith('task.')) return text(record, 'detail', 'name')
  if (type === 'agent.handoff') {
    return `${text(record, 'detail', 'from')} → ${text(record, 'detail', 'to')}`
  }
  if (type === 'epoch.open') return text(record, 'detail', 'service', 'name')
  if (type === 'epoch.close') return text(record, 'detail', 'reason')
  if (type === 'erasure.done') {
    const kids = at(record, 'detail', 'kids')
    return Array.isArray(kids)
      ? kids.map((_, i) => text(record, 'detail', 'kids', `${i}`)).join(' ')
      : ''
  }
  if (type === 'gap') return gapText(record)
  if (type === 'breakglass.open') return `until ${text(record, 'detail', 'until')}`
  if (type === 'breakglass.close') {
    const ran = counted(record, 'calls', 'tool')
    return `${text(record, 'detail', 'reason')}, ${ran} ran not durable`
  }
  return ''
}

function gapText(record: unknown): string {
  const lost = `${counted(record, 'records', 'record')} not written`
  const unmade = `${counted(record, 'refused', 'call')} not made`
  return `${lost}, ${unmade}, ${text(record, 'detail', 'reason')}`
}

function counted(record: unknown, key: string, noun: string): string {
  const found = at(record, 'detail', key)
  const count = typeof found === 'number' ? found : 0
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function outcome(record: unknown, status: string): string[] {
  if (status === '' || status === 'started') return []
  const duration = text(record, 'invocation', 'duration_ns')
  return [
    status,
    /^\d{1,19}$/.test(duration) ? formatDuration(BigInt(duration)) : '',
    text(record, 'invocation', 'error', 'type'),
  ]
}

function text(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path)
  return typeof found === 'string' ? printable(found) : ''
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<string, unknown>)[key]
        : undefined,
    value,
  )
}
