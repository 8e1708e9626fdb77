// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { context } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import type { RecordSink, RecordSource } from '@spanseal/core'
import { pause, pump } from '@spanseal/core'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'

/** What one sink has taken, for `health()`. */
export interface SinkHealth {
  readonly name: string
  /** Records acknowledged by the sink. */
  delivered: number
  retries: number
  lastError: string | undefined
  /** The sink refused for good; the records stay in the journal. */
  stopped: boolean
}

/** A journal's records as a source that can say how much is left. */
export interface ShippedSource extends RecordSource {
  notify(): void
  /** Records that this sink has not acknowledged. */
  pendingRecords(): number
}

/** One pump: journal → sink, in the background, until closed. */
export class Shipping {
  readonly health: SinkHealth
  readonly #source: ShippedSource
  readonly #sink: RecordSink
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  constructor(source: ShippedSource, sink: RecordSink, counters: Counters) {
    this.#source = source
    this.#sink = sink
    this.health = {
      name: sink.name,
      delivered: 0,
      retries: 0,
      lastError: undefined,
      stopped: false,
    }
    const options = {
      signal: this.#stop.signal,
      onDelivered: (records: number) => {
        this.health.delivered += records
        this.health.lastError = undefined
      },
      onRetry: (error: unknown) => {
        this.health.retries++
        this.health.lastError = reasonOf(error)
        counters.warnOnce(
          `sink ${sink.name}`,
          `sink ${sink.name}: ${reasonOf(error)}; trying again`,
        )
      },
    }
    // A sink's own connections must not become spans of the agent.
    const quiet = suppressTracing(context.active())
    this.#done = context
      .with(quiet, () => pump(source, sink, options))
      .then(
        () => {},
        (error: unknown) => {
          this.health.stopped = true
          this.health.lastError = reasonOf(error)
          counters.warnOnce(`sink ${sink.name}`, `sink ${sink.name} stopped: ${reasonOf(error)}`)
        },
      )
  }

  /** There may be something new. */
  nudge(): void {
    this.#source.notify()
  }

  pending(): number {
    return this.#source.pendingRecords()
  }

  /** Resolves when nothing is pending, the sink has stopped, or `deadline` (Unix ms) has come. */
  async drained(deadline: number, now: () => number): Promise<void> {
    this.nudge()
    while (!this.health.stopped && this.pending() > 0 && now() < deadline) {
      await pause(10, this.#stop.signal)
    }
  }

  /** Ends the pump and the sink; what was not acknowledged comes again next time. */
  async close(timeoutMillis: number): Promise<void> {
    this.#stop.abort()
    await this.#sink.close(timeoutMillis).catch(() => {})
    await Promise.race([this.#done, pause(timeoutMillis, new AbortController().signal)])
    await this.#source.close()
  }
}
