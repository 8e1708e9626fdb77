// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RecordSink } from '@spanseal/core'
import { pump } from '@spanseal/core'
import type { JournalSource } from '@spanseal/journal'
import { journalSource } from '@spanseal/journal'
import type { Progress } from './fault-run.ts'
import { until } from './until.ts'

/** A journal on its way to a sink, as the product ships it, and when what was acknowledged. */
export class Shipment implements Progress {
  /** Codes of failed deliveries. */
  readonly retries: string[] = []
  readonly #source: JournalSource
  readonly #sink: RecordSink
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #records = 0
  #failure: unknown
  readonly #upTo = new Map<string, number>()
  #marked: ReadonlyMap<string, number> = new Map()
  /** Monotonic milliseconds of each acknowledgement, in order. */
  readonly #acknowledgedAt: number[] = [performance.now()]

  constructor(journal: string, sink: RecordSink) {
    this.#sink = sink
    this.#source = journalSource(journal, { sinkName: sink.name })
    this.#running = this.#run(false)
  }

  /** Records acknowledged so far. */
  get acknowledged(): number {
    return this.#records
  }

  /** Notes how far each epoch is acknowledged. */
  mark(): void {
    this.#marked = new Map(this.#upTo)
  }

  /** Epoch → highest `seq` acknowledged when `mark()` was called. */
  get marked(): ReadonlyMap<string, number> {
    return this.#marked
  }

  /** Since the last acknowledgement. */
  get silentMillis(): number {
    return performance.now() - (this.#acknowledgedAt.at(-1) as number)
  }

  /** Resolves when so many more records have been acknowledged. */
  async goesOn(records = 500): Promise<void> {
    const enough = this.#records + records
    await until(
      `${records} more records acknowledged`,
      () => this.#failure !== undefined || this.#records >= enough,
    )
    if (this.#failure !== undefined) throw this.#failure
  }

  /** The longest time without an acknowledgement since `sinceMillis`, which began before it. */
  longestStallMillis(sinceMillis: number): number {
    const times = this.#acknowledgedAt
    let longest = 0
    for (let i = 1; i < times.length; i++) {
      const at = times[i] as number
      if (at > sinceMillis) longest = Math.max(longest, at - (times[i - 1] as number))
    }
    return Math.round(longest)
  }

  /** Delivers the rest of a journal that nobody writes to any more, and ends. */
  async finish(): Promise<void> {
    await until('all acknowledged', () => this.#source.pendingRecords() === 0)
    await this.end()
    // Checkpoints may be left: they are not counted among the records.
    await this.#run(true, new AbortController().signal)
    if (this.#failure !== undefined) throw this.#failure
    await this.#sink.close(10_000)
    await this.#source.close()
  }

  /** Ends the pump only. */
  async end(): Promise<void> {
    this.#stop.abort()
    this.#source.notify()
    await this.#running
  }

  async #run(untilDrained: boolean, signal: AbortSignal = this.#stop.signal): Promise<void> {
    try {
      await pump(this.#source, this.#watched(), {
        signal,
        untilDrained,
        onDelivered: (records) => {
          this.#records += records
          this.#acknowledgedAt.push(performance.now())
        },
        onRetry: (error) => this.retries.push((error as { code?: string }).code ?? String(error)),
      })
    } catch (error) {
      this.#failure = error
    }
  }

  /** The sink, and a look at what it has taken. */
  #watched(): RecordSink {
    return {
      name: this.#sink.name,
      deliver: async (batch) => {
        await this.#sink.deliver(batch)
        for (const { epoch, seq } of batch.records) this.#upTo.set(epoch, seq)
      },
      close: (timeoutMillis) => this.#sink.close(timeoutMillis),
    }
  }
}
