// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditParts } from './audit-parts.ts'
import { reasonOf } from './counters.ts'
import type { ShutdownReport } from './health.ts'
import type { ProviderState } from './provider.ts'
import type { Runtime } from './runtime.ts'
import { stuckReason } from './shipping.ts'

/** What is left of the shutdown time-out is at least this, for each thing that has to be closed. */
const LEFT_MILLIS_MIN = 100

/** Closes epoch, provider and sinks; see `Audit.shutdown`. Never rejects. */
export async function closeAudit(
  { runtime, shippings, exporter, metrics }: AuditParts,
  provider: ProviderState,
): Promise<ShutdownReport> {
  const { options, recorder } = runtime
  const deadline = performance.now() + options.shutdownTimeoutMillis
  const left = (): number => Math.max(LEFT_MILLIS_MIN, deadline - performance.now())
  const openCalls = recorder.open.size
  for (const call of recorder.open) call.abandon?.()
  runtime.glass.shutdown()
  runtime.records.writeRemembered(false)
  const unclosed = closeEpoch(runtime)
  const drains = shippings.map((shipping) => shipping.drained(left()))
  const spans = provider.shutdown().then(() => exporter.forceFlush())
  const kept = runtime.vault?.drained() ?? Promise.resolve()
  await Promise.all([within(spans, left()), within(kept, left()), ...drains])
  const unkept = runtime.vault?.close() ?? 0
  const failure = unclosed ?? stuckReason(shippings)
  const undelivered: Record<string, number> = {}
  for (const shipping of shippings) {
    const pending = shipping.pending()
    if (pending > 0) undelivered[shipping.name] = pending
  }
  await Promise.all(shippings.map((shipping) => within(shipping.close(left()), left())))
  for (const [name, count] of Object.entries(undelivered)) {
    const what = `${count} records were not delivered to ${name}; they are in ${options.journal}`
    runtime.counters.warnOnce(`undelivered ${name}`, what)
  }
  metrics.close()
  return {
    openCalls,
    undelivered,
    ...(failure !== undefined && { failure }),
    ...(unkept > 0 && { unkept }),
  }
}

/** Why the epoch could not be closed. */
function closeEpoch({ writer, counters }: Runtime): string | undefined {
  try {
    writer.close()
    return undefined
  } catch (error) {
    const failure = `the epoch could not be closed: ${reasonOf(error)}`
    counters.recordsFailed++
    counters.warnOnce('close', failure)
    return failure
  }
}

/** Waits for `work`, whatever becomes of it, but not longer. Who waits keeps the process alive. */
export async function within(work: Promise<unknown>, millis: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, millis)
  })
  await Promise.race([work.catch(() => {}), late])
  clearTimeout(timer)
}
