// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { context } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import type { Batch, RecordSink } from '@spanseal/core'
import { AuditError, pause, pump } from '@spanseal/core'
import type { JournalSource, RecordPlace, StuckEpoch } from '@spanseal/journal'
import { Acknowledgements } from './acknowledgements.ts'
import type { Counters } from './counters.ts'

/** What one sink has taken, for `health()`. */
export interface SinkHealth {
  readonly name: string
  /** Records acknowledged by the sink. */
  readonly delivered: number
  /** Records that it has not acknowledged, those that it does not get for a damage among them. */
  readonly pending: number
  /**
   * Age of the oldest record of the batch that is being delivered, or how long an epoch has been stuck
   * where that is longer; 0 where neither is.
   */
  readonly lagMillis: number
  readonly retries: number
  /** Records that went to the sink's dead letters instead; acknowledged, and not where they should be. */
  readonly deadLetters: number
  readonly lastError: string | undefined
  /** The sink refused for good; the records stay in the journal. */
  readonly stopped: boolean
  /** Epochs that cannot be read on, because they were damaged. */
  readonly stuckEpochs: number
}

/** A sink that counts what it put aside. */
type CountingSink = RecordSink & { readonly deadLetters?: number }

export interface ShippingParts {
  readonly source: JournalSource
  readonly sink: CountingSink
  readonly counters: Counters
  /** Unix milliseconds. */
  readonly now: () => number
}

const DRAIN_POLL_MILLIS = 20

/** One pump: journal → sink, in the background, until closed. Never keeps the process alive. */
export class Shipping {
  readonly name: string
  readonly #source: JournalSource
  readonly #sink: CountingSink
  readonly #counters: Counters
  readonly #now: () => number
  readonly #acknowledgements: Acknowledgements
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #delivered = 0
  #retries = 0
  #lastError: string | undefined
  #stopped = false
  /** When the oldest record was made of the batch that is being delivered. */
  #oldestMillis: number | undefined
  /** When it was first seen that an epoch is stuck. */
  #stuckMillis: number | undefined

  constructor({ source, sink, counters, now }: ShippingParts) {
    this.name = sink.name
    this.#source = source
    this.#sink = sink
    this.#counters = counters
    this.#now = now
    this.#acknowledgements = new Acknowledgements(sink.name)
    this.#done = this.#ship()
  }

  get health(): SinkHealth {
    return { ...this.progress, pending: this.pending() }
  }

  /** As {@link health}, without looking into the journal. */
  get progress(): Omit<SinkHealth, 'pending'> {
    return {
      name: this.name,
      delivered: this.#delivered,
      lagMillis: this.#lagMillis(),
      retries: this.#retries,
      deadLetters: this.#sink.deadLetters ?? 0,
      lastError: this.#lastError,
      stopped: this.#stopped,
      stuckEpochs: this.stuck.length,
    }
  }

  /** Epochs that cannot be read on: what is behind the damage is not delivered. */
  get stuck(): readonly StuckEpoch[] {
    const stuck = this.#source.stuck()
    this.#stuckMillis = stuck.length === 0 ? undefined : (this.#stuckMillis ?? this.#now())
    return stuck
  }

  async #ship(): Promise<void> {
    const { name } = this
    const quiet: RecordSink = {
      name,
      prepare: (batch) => unseen(() => this.#sink.prepare?.(batch)),
      deliver: (batch) => this.#deliver(batch),
      close: (timeoutMillis) => this.#sink.close(timeoutMillis),
    }
    try {
      await pump(this.#source, quiet, {
        signal: this.#stop.signal,
        onDelivered: (records) => {
          this.#delivered += records
          this.#lastError = undefined
        },
        onRetry: (error) => {
          this.#retries++
          this.#report(`sink ${name} takes no records, trying again`, error)
        },
      })
    } catch (error) {
      this.#stopped = true
      const reason = this.#report(`sink ${name} stopped`, error)
      this.#acknowledgements.end(
        new AuditError('DELIVERY_REFUSED', `sink ${name} takes no records any more: ${reason}`),
      )
    }
  }

  async #deliver(batch: Batch): Promise<void> {
    this.#oldestMillis ??= oldestOf(batch)
    await unseen(() => this.#sink.deliver(batch))
    this.#oldestMillis = undefined
    this.#acknowledgements.note(batch)
  }

  #lagMillis(): number {
    const now = this.#now()
    const stuckMillis = this.stuck.length === 0 ? now : (this.#stuckMillis ?? now)
    return Math.max(0, now - (this.#oldestMillis ?? now), now - stuckMillis)
  }

  #report(what: string, error: unknown): string {
    this.#lastError = this.#counters.reportOnce(what, what, error)
    return this.#lastError
  }

  /** There may be something new. */
  nudge(): void {
    this.#source.notify()
  }

  /**
   * Resolves once the sink has acknowledged a record; asks the pump to hurry.
   *
   * @throws (rejects) AuditError `DELIVERY_TIMEOUT` after `timeoutMillis`, `DELIVERY_REFUSED` where the
   * sink takes nothing any more or the epoch is damaged before the record, `SINK_CLOSED`
   */
  acknowledged(record: RecordPlace, timeoutMillis: number): Promise<void> {
    this.nudge()
    const damage = this.stuck.find(({ epoch, seq }) => epoch === record.epoch && seq <= record.seq)
    if (damage !== undefined) {
      const what = `sink ${this.name} cannot get the record: ${damageAt(damage)}`
      return Promise.reject(new AuditError('DELIVERY_REFUSED', what))
    }
    return this.#acknowledgements.wait(record, timeoutMillis)
  }

  /**
   * Records that the sink has not acknowledged, those behind a damage too; looks through what is left
   * of the journal.
   */
  pending(): number {
    try {
      return this.#source.pendingRecords()
    } catch {
      return 0 // the folder is gone, and so is what was in it
    }
  }

  /** Resolves when nothing is pending that can be delivered, the sink has stopped, or `millis` passed. */
  async drained(millis: number): Promise<void> {
    const deadline = performance.now() + millis
    this.nudge()
    const isWaitedFor = (): boolean => this.pending() > this.#source.heldBackRecords()
    while (!this.#stopped && isWaitedFor() && performance.now() < deadline) {
      // Not `pause`: who waits for this must not see the process end meanwhile.
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MILLIS))
    }
  }

  /** Ends the pump and the sink; what was not acknowledged comes again next time. */
  async close(timeoutMillis: number): Promise<void> {
    this.#stop.abort()
    this.#acknowledgements.end(new AuditError('SINK_CLOSED', `sink ${this.name} was closed`))
    this.nudge()
    try {
      await unseen(() => this.#sink.close(timeoutMillis))
    } catch (error) {
      this.#report(`sink ${this.name} could not be closed`, error)
    }
    await Promise.race([this.#done, pause(timeoutMillis, new AbortController().signal)])
    await this.#source.close()
  }
}

/** Why sinks do not get all that is in the journal, for good unless somebody mends it. */
export function stuckReason(shippings: readonly Shipping[]): string | undefined {
  for (const { name, stuck } of shippings) {
    const [first] = stuck
    if (first === undefined) continue
    const more = stuck.length === 1 ? '' : ` (and ${stuck.length - 1} more)`
    return `sink ${name} does not get what is behind a damage: ${damageAt(first)}${more}`
  }
  return undefined
}

function damageAt({ epoch, seq, reason }: StuckEpoch): string {
  return `epoch ${epoch} cannot be read from record ${seq} on: ${reason}`
}

/** The earliest time that the first record of an epoch in the batch says; they are in order. */
function oldestOf({ records }: Batch): number | undefined {
  const firsts = new Map<string, number>()
  for (const { epoch, line } of records) if (!firsts.has(epoch)) firsts.set(epoch, timeOf(line))
  const oldest = Math.min(...firsts.values())
  return Number.isFinite(oldest) ? oldest : undefined
}

/** Infinity where a line says none: another writer's line may be anything that links. */
function timeOf(line: Uint8Array): number {
  try {
    const { time } = JSON.parse(Buffer.from(line).toString()) as { time?: { at?: unknown } }
    const millis = typeof time?.at === 'string' ? Date.parse(time.at) : Number.NaN
    return Number.isFinite(millis) ? millis : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** A sink's own connections must not become spans of the agent. */
function unseen<T>(run: () => T): T {
  return context.with(suppressTracing(context.active()), run)
}
