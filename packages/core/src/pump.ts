// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from './errors.ts'
import type { Batch, BatchLimits, RecordSink, RecordSource } from './ports.ts'
import { DEFAULT_BATCH_LIMITS } from './ports.ts'

export interface PumpOptions {
  /** Ends the pump; what is being delivered then is not committed and comes again. */
  readonly signal: AbortSignal
  /** Return once the source has nothing more, instead of waiting for more; default false. */
  readonly untilDrained?: boolean
  readonly limits?: BatchLimits
  /** First pause after a failed delivery; doubles up to `retryPauseMillisMax`. Default 100. */
  readonly retryPauseMillis?: number
  /** Default 5,000. */
  readonly retryPauseMillisMax?: number
  /** How long to wait for more when nothing tells; default 250. */
  readonly idleMillis?: number
  readonly onDelivered?: (recordCount: number, checkpointCount: number) => void
  /** Told of each failed delivery; the same batch is then tried again. */
  readonly onRetry?: (error: unknown, attempt: number) => void
}

/** What a pump did: counts of what was acknowledged and committed. */
export interface PumpResult {
  readonly records: number
  readonly checkpoints: number
}

/**
 * The one delivery loop: read a batch, deliver it, commit only after the sink has acknowledged.
 *
 * Guarantee: at least once, in order within an epoch. A batch that fails is tried again without end
 * (the journal holds it) until `signal` aborts.
 *
 * @throws AuditError `DELIVERY_REFUSED` when the sink says that trying again cannot help
 */
export async function pump(
  source: RecordSource,
  sink: RecordSink,
  options: PumpOptions,
): Promise<PumpResult> {
  const { signal, idleMillis = 250, limits = DEFAULT_BATCH_LIMITS } = options
  let records = 0
  let checkpoints = 0
  const ahead = new ReadAhead(source, sink, limits)
  try {
    while (!signal.aborted) {
      const batch = (await ahead.take()) ?? (await source.read(limits))
      if (batch === undefined) {
        if (options.untilDrained === true) break
        await source.wait(idleMillis, signal)
        continue
      }
      ahead.open(batch)
      const delivery = deliverUntilAcknowledged(() => sink.deliver(batch), options)
      if (!(await ahead.during(delivery))) break
      await source.commit(batch)
      ahead.done(batch)
      records += batch.records.length
      checkpoints += batch.checkpoints.length
      options.onDelivered?.(batch.records.length, batch.checkpoints.length)
    }
    return { records, checkpoints }
  } finally {
    await ahead.giveBack()
  }
}

/**
 * Reads one batch, and has the sink make it ready, while the one before it is being delivered: both
 * together take longer than a near broker does, which works meanwhile.
 */
class ReadAhead {
  readonly #source: RecordSource
  readonly #sink: RecordSink
  readonly #limits: BatchLimits
  #next: Promise<Batch | undefined> | undefined
  /** Read, and not committed. */
  readonly #open = new Set<Batch>()

  constructor(source: RecordSource, sink: RecordSink, limits: BatchLimits) {
    this.#source = source
    this.#sink = sink
    this.#limits = limits
  }

  /** The batch that was read ahead, if one was. */
  take(): Promise<Batch | undefined> {
    const next = this.#next
    this.#next = undefined
    return next ?? Promise.resolve(undefined)
  }

  open(batch: Batch): void {
    this.#open.add(batch)
  }

  done(batch: Batch): void {
    this.#open.delete(batch)
  }

  /** What `delivery` comes to; reads meanwhile, once the delivery has sent what it can send. */
  async during<T>(delivery: Promise<T>): Promise<T> {
    if (this.#source.readsAhead !== true) return delivery
    let over = false
    const ended = delivery.finally(() => {
      over = true
    })
    setImmediate(() => {
      if (!over) this.#read()
    })
    return ended
  }

  #read(): void {
    const next = this.#source.read(this.#limits)
    this.#next = next
    next
      .then((batch) => {
        if (batch === undefined) return
        this.open(batch)
        this.#sink.prepare?.(batch)
      })
      // An error of the source is told by `take`, in its turn.
      .catch(() => undefined)
  }

  /**
   * What was read and not committed must come again from the same source, not only after a restart.
   */
  async giveBack(): Promise<void> {
    await this.take().catch(() => undefined)
    if (this.#open.size > 0) await this.#source.rewind()
  }
}

/** Whether it was acknowledged before the signal ended it. */
async function deliverUntilAcknowledged(
  deliver: () => Promise<void>,
  { signal, onRetry, retryPauseMillis = 100, retryPauseMillisMax = 5_000 }: PumpOptions,
): Promise<boolean> {
  let pauseMillis = retryPauseMillis
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await deliver()
      return true
    } catch (error) {
      if (error instanceof AuditError && error.code === 'DELIVERY_REFUSED') throw error
      onRetry?.(error, attempt)
      await pause(pauseMillis, signal)
      pauseMillis = Math.min(pauseMillis * 2, retryPauseMillisMax)
    }
  }
  return false
}

/** Resolves after `millis` or when `signal` aborts; never keeps the process alive. */
export function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, millis)
    timer.unref()
    signal.addEventListener('abort', done)
  })
}
