// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, RecordSink, SealedRecord } from '@spanseal/core'
import { pump } from '@spanseal/core'
import type { KafkaSourceOptions } from '@spanseal/kafka'
import { kafkaSource } from '@spanseal/kafka'
import { EpochMill } from './chained-records.ts'
import { BatchList, readAll } from './read-back.ts'

/** A writer that never stops, through the pump, and what became of it. */
export class FaultLoad {
  /** Codes of failed deliveries. */
  readonly retries: string[] = []
  readonly #made: SealedRecord[] = []
  readonly #list: BatchList
  readonly #stop = new AbortController()
  readonly #running: Promise<unknown>
  readonly #sink: RecordSink

  /** @param epochs written to in turn, 100 records a batch */
  constructor(sink: RecordSink, epochs = 1) {
    const mills = Array.from({ length: epochs }, (_, n) => new EpochMill(n, 1_000))
    this.#sink = sink
    this.#list = new BatchList(this.#batches(mills), { pauseMillis: 5 })
    this.#running = pump(this.#list, sink, {
      signal: this.#stop.signal,
      retryPauseMillisMax: 500,
      onRetry: (error) => this.retries.push((error as { code?: string }).code ?? String(error)),
    })
  }

  /** Batches acknowledged so far. */
  get acknowledged(): number {
    return this.#list.committed
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await this.#sink.close(5_000)
  }

  /** Compares what is in the topics with what was acknowledged. */
  async compare(source: KafkaSourceOptions): Promise<{
    readonly acknowledged: number
    /** Acknowledged records that are not there, or not as they were. */
    readonly lost: readonly string[]
    readonly duplicates: number
    /** Records whose first copy comes after that of a later one. */
    readonly outOfOrder: number
  }> {
    const { records } = await readAll(kafkaSource({ ...source, untilEnd: true, seenRecordsMax: 0 }))
    const acknowledged = this.#made.slice(0, this.#list.committedRecords)
    const place = (r: SealedRecord): string => `${r.epoch}/${r.seq}`
    const leaves = new Map(records.map((r) => [place(r), r.leaf]))
    const highest = new Map<string, number>()
    const seen = new Set<string>()
    let outOfOrder = 0
    for (const record of records) {
      if (seen.has(place(record))) continue
      seen.add(place(record))
      const before = highest.get(record.epoch) ?? -1
      if (record.seq < before) outOfOrder++
      highest.set(record.epoch, Math.max(before, record.seq))
    }
    return {
      acknowledged: acknowledged.length,
      lost: acknowledged.filter((r) => leaves.get(place(r)) !== r.leaf).map(place),
      duplicates: records.length - seen.size,
      outOfOrder,
    }
  }

  *#batches(mills: readonly EpochMill[]): Generator<Batch> {
    for (let n = 0; ; n++) {
      const records = (mills[n % mills.length] as EpochMill).records(100)
      this.#made.push(...records)
      yield { records, checkpoints: [] }
    }
  }
}
