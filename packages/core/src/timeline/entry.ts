// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Commitment } from '../commitment.ts'
import type {
  AuditRecord,
  BreakglassClose,
  BreakglassOpen,
  CallError,
  EpochClose,
  EpochObserved,
  EpochOpen,
  ErasureDone,
  FreeText,
  Gap,
  Invocation,
} from '../record.ts'
import type { CommittedContent, TimelineEntry, TimelineKind, TimelineStatus } from './timeline.ts'

/** A record that belongs to a trace: every type but the log's own. */
export type TracedRecord = Exclude<
  AuditRecord,
  EpochOpen | EpochObserved | EpochClose | ErasureDone | Gap | BreakglassOpen | BreakglassClose
>

/** An entry while its records come in. */
export interface EntryDraft
  extends Omit<
    { -readonly [K in keyof TimelineEntry]: TimelineEntry[K] },
    'records' | 'committed' | 'clear' | 'children'
  > {
  readonly records: string[]
  readonly committed: CommittedContent[]
  readonly clear: Record<string, string>
  readonly children: EntryDraft[]
}

const KINDS: Readonly<Record<TracedRecord['type'], TimelineKind>> = {
  'agent.handoff': 'handoff',
  'agent.output': 'output',
  'agent.reasoning': 'reasoning',
  'authz.denied': 'authorization',
  'authz.granted': 'authorization',
  'task.end': 'task',
  'task.start': 'task',
  'tool.end': 'tool',
  'tool.start': 'tool',
  'user.input': 'input',
}

/** Whether the record belongs to a trace and its type is known; a newer revision may have more. */
export function isTraced(record: AuditRecord): record is TracedRecord {
  return Object.hasOwn(KINDS, record.type)
}

/** An entry made of its first record. */
export function startEntry(record: TracedRecord, fromMillis: number): EntryDraft {
  const { actor, time, trace, type } = record
  const isEnd = type === 'task.end' || type === 'tool.end'
  const entry: EntryDraft = {
    kind: KINDS[type],
    name: nameOf(record),
    status: statusOf(record),
    at: time.at,
    offsetMillis: Date.parse(time.at) - fromMillis,
    actor,
    spanId: trace.span_id,
    ...(trace.parent_span_id === undefined ? {} : { parentSpanId: trace.parent_span_id }),
    records: [],
    ...(isEnd ? { startMissing: true } : {}),
    flags: [],
    committed: [],
    clear: {},
    children: [],
  }
  mergeEntry(entry, record)
  return entry
}

/** Takes a further record of the same call, or the first one's content, into the entry. */
export function mergeEntry(entry: EntryDraft, record: TracedRecord): void {
  entry.records.push(`${record.chain.epoch}/${record.chain.seq}`)
  if ('tool' in record) entry.tool = record.tool
  if ('authorization' in record) entry.authorization = record.authorization
  if (record.type === 'task.end' || record.type === 'tool.end') {
    entry.status = statusOf(record)
    entry.endedAt = record.time.at
  }
  if ('invocation' in record) takeInvocation(entry, record.invocation)
  takeDetail(entry, record)
}

function nameOf(record: TracedRecord): string {
  switch (record.type) {
    case 'task.start':
    case 'task.end':
      return record.detail.name
    case 'agent.handoff':
      return `${record.detail.from} → ${record.detail.to}`
    case 'agent.output':
    case 'agent.reasoning':
    case 'user.input':
      return KINDS[record.type]
    case 'authz.denied':
    case 'authz.granted':
    case 'tool.end':
    case 'tool.start':
      return record.tool.name
  }
}

function statusOf(record: TracedRecord): TimelineStatus {
  switch (record.type) {
    case 'task.end':
    case 'tool.end':
      return record.invocation.status
    case 'task.start':
    case 'tool.start':
      return 'open'
    case 'authz.denied':
      return 'denied'
    case 'authz.granted':
      return 'granted'
    case 'agent.handoff':
    case 'agent.output':
    case 'agent.reasoning':
    case 'user.input':
      return 'recorded'
  }
}

function takeInvocation(entry: EntryDraft, invocation: Invocation): void {
  const { attempt, duration_ns: durationNanos, error, observed, recovery, summary } = invocation
  if (durationNanos !== undefined) entry.durationNanos = durationNanos
  if (attempt !== undefined) entry.attempt = attempt
  if (recovery !== undefined) entry.recovery = recovery
  if (error !== undefined) takeError(entry, error)
  if (observed !== undefined) entry.flags = observed.flags
  takeCommitment(entry, 'input', { commitment: invocation.input, bytes: observed?.input_bytes })
  takeCommitment(entry, 'output', { commitment: invocation.output, bytes: observed?.output_bytes })
  for (const [name, value] of Object.entries(summary?.fields ?? {})) {
    entry.clear[name] = String(value)
  }
}

function takeError(entry: EntryDraft, { code, fingerprint, message, type }: CallError): void {
  entry.error = {
    type,
    ...(code === undefined ? {} : { code }),
    fingerprint,
    ...(typeof message === 'string' ? { message } : {}),
  }
  takeText(entry, 'message', { text: message })
}

function takeDetail(entry: EntryDraft, record: TracedRecord): void {
  switch (record.type) {
    case 'agent.reasoning': {
      const { confidence, plan, plan_steps: planSteps, text } = record.detail
      if (confidence !== undefined) entry.clear['confidence'] = confidence
      if (planSteps !== undefined) entry.clear['plan steps'] = String(planSteps)
      takeText(entry, 'thought', { text })
      if (plan !== undefined) takeText(entry, 'plan', { text: plan })
      return
    }
    case 'agent.handoff':
      if (record.detail.summary !== undefined)
        takeText(entry, 'summary', { text: record.detail.summary })
      return
    case 'agent.output':
    case 'user.input': {
      const { bytes, content } = record.detail
      takeText(entry, 'content', { text: content, bytes })
      return
    }
    case 'authz.denied':
    case 'authz.granted':
      if (record.detail !== undefined) takeText(entry, 'reason', { text: record.detail.reason })
      return
    case 'task.start':
    case 'task.end':
    case 'tool.start':
    case 'tool.end':
  }
}

/** Clear text, a commitment, or cut text with one. */
function takeText(
  entry: EntryDraft,
  field: string,
  { text, bytes }: { readonly text: FreeText; readonly bytes?: number },
): void {
  if (typeof text === 'string') {
    if (field !== 'message') entry.clear[field] = text
  } else if ('cut' in text) {
    takeCommitment(entry, field, { commitment: text.commitment, bytes: text.bytes })
  } else {
    takeCommitment(entry, field, { commitment: text, bytes })
  }
}

interface MaybeCommitted {
  readonly commitment: Commitment | undefined
  readonly bytes: number | undefined
}

/** An end repeats the start's input; what it adds is the size. */
function takeCommitment(entry: EntryDraft, field: string, content: MaybeCommitted): void {
  const { bytes, commitment } = content
  if (commitment === undefined) return
  const at = entry.committed.findIndex((known) => known.field === field)
  const committed = { field, commitment, ...(bytes === undefined ? {} : { bytes }) }
  if (at < 0) entry.committed.push(committed)
  else entry.committed[at] = committed
}
