// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditRecord } from '../record.ts'
import type { Circumstance } from './circumstances.ts'
import { circumstancesOf, isCircumstance } from './circumstances.ts'
import type { EntryDraft, TracedRecord } from './entry.ts'
import { isTraced, mergeEntry, startEntry } from './entry.ts'
import type { Timeline, TimelineEntry, TimelineStatus } from './timeline.ts'

/**
 * The timeline of one trace, from its records in any order; records of other traces are left out,
 * and of two with one `<epoch>/<seq>` the first is taken. Pure, linear but for one sort, never
 * recursive over what records claim: a parent that leads back to its child is cut. Of what the log says
 * of itself, erasures are told of where the trace names their keys, gaps and break-glass where they
 * fall into its time.
 *
 * @param traceId the first traced record's where it is not given
 */
export function buildTimeline(records: Iterable<AuditRecord>, traceId?: string): Timeline {
  let wanted = traceId
  const traced: TracedRecord[] = []
  const circumstances: Circumstance[] = []
  for (const record of records) {
    if (isCircumstance(record)) circumstances.push(record)
    if (!isTraced(record)) continue
    wanted ??= record.trace.trace_id
    if (record.trace.trace_id === wanted) traced.push(record)
  }
  return timelineOf(wanted ?? '', inOrder(traced), circumstances)
}

/** A timeline for each trace, in the order in which they begin. */
export function buildTimelines(records: Iterable<AuditRecord>): Timeline[] {
  const byTrace = new Map<string, TracedRecord[]>()
  const circumstances: Circumstance[] = []
  for (const record of records) {
    if (isCircumstance(record)) circumstances.push(record)
    if (!isTraced(record)) continue
    const { trace_id: traceId } = record.trace
    const known = byTrace.get(traceId)
    if (known === undefined) byTrace.set(traceId, [record])
    else known.push(record)
  }
  const timelines = Array.from(byTrace, ([traceId, list]) =>
    timelineOf(traceId, inOrder(list), circumstances),
  )
  return timelines.sort((a, b) => compare(a.from, b.from))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Within an epoch `seq` is the order, whatever the clock did; between epochs there is only the
 * clock, and a record is never put before its predecessor.
 */
function inOrder(records: readonly TracedRecord[]): TracedRecord[] {
  const bySeq = records.toSorted(
    (a, b) => compare(a.chain.epoch, b.chain.epoch) || a.chain.seq - b.chain.seq,
  )
  const latest = new Map<string, string>()
  const seen = new Set<string>()
  const timed = bySeq.flatMap((record) => {
    const id = recordId(record)
    if (seen.has(id)) return []
    seen.add(id)
    const before = latest.get(record.chain.epoch) ?? ''
    const at = record.time.at > before ? record.time.at : before
    latest.set(record.chain.epoch, at)
    return [{ at, record }]
  })
  // Array sort is stable, so `seq` decides where times are equal.
  return timed.sort((a, b) => compare(a.at, b.at)).map(({ record }) => record)
}

function recordId({ chain }: AuditRecord): string {
  return `${chain.epoch}/${chain.seq}`
}

function timelineOf(
  traceId: string,
  records: readonly TracedRecord[],
  circumstances: readonly Circumstance[],
): Timeline {
  const times = records.map((record) => record.time.at)
  const from = times.reduce((a, b) => (a < b ? a : b), times[0] ?? '')
  const entries = toEntries(records, Date.parse(from))
  const to = times.reduce((a, b) => (a > b ? a : b), '')
  const isOver = entries.every(({ status }) => status !== 'open')
  const span = { from, ...(isOver && { to }) }
  return {
    traceId,
    taskIds: distinct(records.map((r) => r.context.task_id)),
    environments: distinct(records.map((r) => r.context.environment)),
    dataClassifications: distinct(records.flatMap((r) => r.context.data_classifications)),
    from,
    to,
    records: records.length,
    epochs: distinct(records.map((r) => r.chain.epoch)),
    toolCalls: countToolCalls(entries),
    roots: toTree(entries),
    ...circumstancesOf(records, circumstances, span),
  }
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}

function countToolCalls(entries: readonly EntryDraft[]): Partial<Record<TimelineStatus, number>> {
  const counts: Partial<Record<TimelineStatus, number>> = {}
  for (const { kind, status } of entries) {
    if (kind === 'tool') counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}

/** Starts and their ends become one entry, and so do a call and the decision about it. */
function toEntries(records: readonly TracedRecord[], fromMillis: number): EntryDraft[] {
  const entries: EntryDraft[] = []
  const byRecord = new Map<string, EntryDraft>()
  const toolBySpan = new Map<string, EntryDraft>()
  for (const record of records) {
    const start = startOf(record)
    const known =
      start === undefined
        ? toolBySpan.get(decisionSpan(record) ?? '')
        : unanswered(byRecord.get(start))
    if (known !== undefined) {
      mergeEntry(known, record)
      continue
    }
    const entry = startEntry(record, fromMillis)
    entries.push(entry)
    byRecord.set(recordId(record), entry)
    if (entry.kind === 'tool') toolBySpan.set(entry.spanId, entry)
  }
  return joinEarlyDecisions(entries, toolBySpan)
}

/** The first end that names a start wins; another one stands on its own. */
function unanswered(entry: EntryDraft | undefined): EntryDraft | undefined {
  return entry?.status === 'open' ? entry : undefined
}

function startOf(record: TracedRecord): string | undefined {
  return record.type === 'tool.end' || record.type === 'task.end'
    ? record.invocation.start
    : undefined
}

function decisionSpan(record: TracedRecord): string | undefined {
  return record.type.startsWith('authz.') ? record.trace.span_id : undefined
}

/** A decision is recorded before the call that it is about: it joins the call of its span. */
function joinEarlyDecisions(
  entries: readonly EntryDraft[],
  toolBySpan: ReadonlyMap<string, EntryDraft>,
): EntryDraft[] {
  return entries.filter((entry) => {
    const call = entry.kind === 'authorization' ? toolBySpan.get(entry.spanId) : undefined
    if (call === undefined) return true
    call.records.unshift(...entry.records)
    call.committed.push(...entry.committed)
    Object.assign(call.clear, entry.clear)
    return false
  })
}

/** Hangs every entry under the owner of its parent span; what has none there is a root. */
function toTree(entries: readonly EntryDraft[]): TimelineEntry[] {
  const owners = ownersOfSpans(entries)
  const parents = new Map<EntryDraft, EntryDraft>()
  for (const entry of entries) {
    const owner = owners.get(entry.spanId)
    const parent = owner === entry ? owners.get(entry.parentSpanId ?? '') : owner
    if (parent !== undefined && parent !== entry) parents.set(entry, parent)
  }
  cutCycles(entries, parents)
  const roots: EntryDraft[] = []
  for (const entry of entries) {
    const siblings = parents.get(entry)?.children ?? roots
    siblings.push(entry)
  }
  return roots
}

/** A span belongs to its call; where it has none, to the first record that carries it. */
function ownersOfSpans(entries: readonly EntryDraft[]): Map<string, EntryDraft> {
  const owners = new Map<string, EntryDraft>()
  const calls = entries.filter(({ kind }) => kind === 'task' || kind === 'tool')
  for (const entry of [...calls, ...entries]) {
    if (!owners.has(entry.spanId)) owners.set(entry.spanId, entry)
  }
  return owners
}

function cutCycles(entries: readonly EntryDraft[], parents: Map<EntryDraft, EntryDraft>): void {
  const visitedBy = new Map<EntryDraft, EntryDraft>()
  for (const origin of entries) {
    let entry: EntryDraft | undefined = origin
    while (entry !== undefined && !visitedBy.has(entry)) {
      visitedBy.set(entry, origin)
      const parent: EntryDraft | undefined = parents.get(entry)
      if (parent !== undefined && visitedBy.get(parent) === origin) parents.delete(entry)
      entry = parents.get(entry)
    }
  }
}
