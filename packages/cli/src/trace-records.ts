// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditRecord, EpochBytes } from '@spanseal/core'
import { AuditError, readRecords } from '@spanseal/core'

/** Distinct traces that a prefix may fit before looking further is of no use. */
const CANDIDATES_MAX = 10
/** A trace is kept in memory; this many records are more than a person can read. */
const RECORDS_MAX = 1_000_000

/** What the log says of itself may concern any trace: the timeline takes what does. */
const CIRCUMSTANCES = ['"type":"erasure.done"', '"type":"gap"', '"type":"breakglass.']

/** What was read on the way to a trace. */
export interface ReadCounts {
  /** Lines that are no records of a known revision. */
  skipped: number
}

/** Opens the epochs of a journal; called once for each pass over it. */
export type OpenEpochs = () => AsyncIterable<EpochBytes>

/**
 * The records of the one trace whose id begins with `prefix`, in constant memory but for them.
 *
 * @throws AuditError `NOT_FOUND` where no trace begins so, `INVALID_OPTION` where several do
 */
export async function recordsOfTrace(
  open: OpenEpochs,
  prefix: string,
  counts: ReadCounts,
): Promise<AuditRecord[]> {
  const found = new Set<string>()
  let records: AuditRecord[] = []
  // In a canonical line the id stands exactly so; parsing is for lines that have it.
  const circumstances: AuditRecord[] = []
  const mentioning = [`"trace_id":"${prefix}`, ...CIRCUMSTANCES]
  for await (const record of recordsWith(open(), mentioning, counts)) {
    const traceId = traceOf(record)
    if (traceId === undefined) circumstances.push(record)
    if (traceId === undefined || !traceId.startsWith(prefix)) continue
    found.add(traceId)
    if (found.size === 1) records.push(record)
    else records = []
    if (found.size > CANDIDATES_MAX) break
    if (records.length > RECORDS_MAX) throw tooMany(traceId)
  }
  if (found.size === 1) return [...records, ...circumstances]
  if (found.size === 0) {
    throw new AuditError(
      'NOT_FOUND',
      `no record of trace ${prefix} is in this journal; see the newest traces with spanseal tail`,
    )
  }
  const listed = [...found].slice(0, CANDIDATES_MAX).join(', ')
  const more = found.size > CANDIDATES_MAX ? ', …' : ''
  throw new AuditError(
    'INVALID_OPTION',
    `trace id: ${prefix} is the beginning of several: ${listed}${more}; give more of it`,
  )
}

function tooMany(traceId: string): AuditError {
  return new AuditError(
    'INVALID_OPTION',
    `trace ${traceId} has more than ${RECORDS_MAX} records; a timeline of it could not be read`,
  )
}

/**
 * The id of the trace whose task began last; where no task is recorded, of the newest record.
 *
 * @throws AuditError `NOT_FOUND` where there is no trace
 */
export async function newestTrace(open: OpenEpochs, counts: ReadCounts): Promise<string> {
  const newest =
    (await newestOf(open(), '"type":"task.start"', counts)) ??
    (await newestOf(open(), '"trace_id":"', counts))
  if (newest !== undefined) return newest
  throw new AuditError('NOT_FOUND', 'this journal holds no trace yet')
}

async function newestOf(
  epochs: AsyncIterable<EpochBytes>,
  needle: string,
  counts: ReadCounts,
): Promise<string | undefined> {
  let newest: string | undefined
  let newestAt = ''
  for await (const record of recordsWith(epochs, needle, counts)) {
    const traceId = traceOf(record)
    if (traceId === undefined || record.time.at < newestAt) continue
    newest = traceId
    newestAt = record.time.at
  }
  return newest
}

/** What a person or program was talking in; the ids under which records may have it. */
export interface Dialogue {
  readonly kind: 'session' | 'conversation'
  /** As the agent named it, and as its pseudonym. */
  readonly refs: readonly string[]
}

/**
 * The records of every trace that belongs to a session or conversation, in their order, in constant
 * memory but for them.
 *
 * @throws AuditError `NOT_FOUND` where no record belongs to it
 */
export async function recordsOfDialogue(
  open: OpenEpochs,
  { kind, refs }: Dialogue,
  counts: ReadCounts,
): Promise<AuditRecord[]> {
  const traces = new Set<string | undefined>()
  for await (const record of recordsWith(open(), `"${kind}":"`, counts)) {
    const ref = 'actor' in record ? record.actor[kind] : undefined
    if (ref !== undefined && refs.includes(ref)) traces.add(traceOf(record))
  }
  const records: AuditRecord[] = []
  for await (const record of recordsWith(open(), ['"trace_id":"', ...CIRCUMSTANCES], counts)) {
    const traceId = traceOf(record)
    if (traceId !== undefined && !traces.has(traceId)) continue
    records.push(record)
    if (records.length > RECORDS_MAX) throw tooMany(String(traceId))
  }
  if (traces.size > 0) return records
  throw new AuditError(
    'NOT_FOUND',
    `no record of this ${kind} is in this journal; its id is only known to the keyring that wrote ` +
      'it: run this on that host, or give the pseudonym (p1:…)',
  )
}

function traceOf(record: AuditRecord): string | undefined {
  return 'trace' in record ? record.trace.trace_id : undefined
}

function recordsWith(
  epochs: AsyncIterable<EpochBytes>,
  mentioning: string | readonly string[],
  counts: ReadCounts,
): AsyncGenerator<AuditRecord> {
  const onSkipped = (): void => void counts.skipped++
  return readRecords(epochs, { mentioning, onSkipped })
}
