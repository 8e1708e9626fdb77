// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditParts } from './audit-parts.ts'
import { within } from './close-audit.ts'
import { reasonOf } from './counters.ts'
import type { ProviderState } from './provider.ts'
import type { Runtime } from './runtime.ts'
import type { Shipping } from './shipping.ts'
import { stuckReason } from './shipping.ts'

/** What `drain()` left behind. */
export interface DrainReport {
  /** Everything recorded before the call is on disk, at every sink, and its values in the vault. */
  readonly ok: boolean
  /** Records that a sink has not acknowledged, by its name; sinks without any are left out. */
  readonly pending: Readonly<Record<string, number>>
  /** Why records could not be written, synced or read on for a sink; absent where all could be. */
  readonly failure?: string
  /** Values that are not in the vault yet; absent where there are none. */
  readonly unkept?: number
}

/** A sick endpoint must not cost every invocation the whole time-out: spans are a view. */
const SPANS_MILLIS_MAX = 1_000

/** Syncs and delivers what was recorded so far; see `Audit.drain`. Never rejects. */
export async function drainAudit(
  { runtime, shippings, exporter }: AuditParts,
  provider: ProviderState,
  timeoutMillis: number,
): Promise<DrainReport> {
  const { records, vault } = runtime
  records.writeRemembered()
  const spans = provider.forceFlush().then(() => exporter.forceFlush())
  const [unsynced] = await Promise.all([
    syncFailure(runtime, timeoutMillis),
    within(vault?.drained() ?? Promise.resolve(), timeoutMillis),
    within(spans, Math.min(timeoutMillis, SPANS_MILLIS_MAX)),
    ...shippings.map((shipping) => delivered(runtime, shipping, timeoutMillis)),
  ])
  const pending: Record<string, number> = {}
  for (const shipping of shippings) {
    const count = shipping.pending()
    if (count > 0) pending[shipping.name] = count
  }
  const unkept = vault?.health.waiting ?? 0
  const failure = unsynced ?? missing(runtime) ?? stuckReason(shippings)
  return {
    ok: failure === undefined && unkept === 0 && Object.keys(pending).length === 0,
    pending,
    ...(failure !== undefined && { failure }),
    ...(unkept > 0 && { unkept }),
  }
}

/** Why what was recorded is not on disk, or not in the journal at all. */
async function syncFailure({ writer }: Runtime, millis: number): Promise<string | undefined> {
  let failure: string | undefined = `records could not be synced within ${millis} ms`
  const synced = writer.synced().then(
    () => {
      failure = undefined
    },
    (error: unknown) => {
      failure = reasonOf(error)
    },
  )
  await within(synced, millis)
  return failure
}

/** What was to be recorded and stands neither in the journal nor in a gap. */
function missing({ writer, records }: Runtime): string | undefined {
  const { gap, failure } = writer.health()
  const what = [
    ...counted(gap?.records, 'records could not be written'),
    ...counted(gap?.refused, 'calls were refused'),
  ]
  if (gap !== undefined) return `${what.join(' and ')} since ${gap.since}, which no gap says so far`
  if (records.late > 0) return `${records.late} records came after the audit was shut down`
  if (failure !== undefined) return failure.message
  const [waiting] = counted(records.remembered, 'records about the audit itself wait to be written')
  return waiting
}

function counted(count: number | undefined, what: string): string[] {
  return count === undefined || count === 0 ? [] : [`${count} ${what}`]
}

/** Told by the sink for what this process wrote last; what dead processes left is looked for. */
async function delivered(
  { records }: Runtime,
  shipping: Shipping,
  timeoutMillis: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMillis
  try {
    if (records.last !== undefined) await shipping.acknowledged(records.last, timeoutMillis)
  } catch {
    return // `pending` counts what is not delivered
  }
  await shipping.drained(Math.max(0, deadline - performance.now()))
}
