// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  Batch,
  BatchLimits,
  RecordSource,
  SealedCheckpoint,
  SealedRecord,
} from '@spanseal/core'
import { AuditError, pause } from '@spanseal/core'
import type { KafkaSource } from '@spanseal/kafka'

/** Batches that are there already, as a source; remembers what was committed. */
export class BatchList implements RecordSource {
  readonly records: SealedRecord[] = []
  committed = 0
  committedRecords = 0
  readonly #batches: Iterator<Batch>
  readonly #pauseMillis: number

  constructor(batches: Iterable<Batch>, options: { readonly pauseMillis?: number } = {}) {
    this.#batches = batches[Symbol.iterator]()
    this.#pauseMillis = options.pauseMillis ?? 0
  }

  async read(_limits: BatchLimits): Promise<Batch | undefined> {
    if (this.#pauseMillis > 0) await new Promise((done) => setTimeout(done, this.#pauseMillis))
    const next = this.#batches.next()
    if (next.done === true) return undefined
    this.records.push(...next.value.records)
    return next.value
  }

  commit(batch: Batch): Promise<void> {
    this.committed++
    this.committedRecords += batch.records.length
    return Promise.resolve()
  }

  /** What was not committed when a pump ended is not wanted any more. */
  rewind(): Promise<void> {
    return Promise.resolve()
  }

  wait(timeoutMillis: number, signal: AbortSignal): Promise<void> {
    return pause(timeoutMillis, signal)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** Everything up to the end of a bounded source. */
export async function readAll(source: KafkaSource): Promise<{
  readonly records: readonly SealedRecord[]
  readonly checkpoints: readonly SealedCheckpoint[]
}> {
  const records: SealedRecord[] = []
  const checkpoints: SealedCheckpoint[] = []
  try {
    for (;;) {
      const batch = await source.read({ recordCountMax: 500, bytesMax: 900_000 })
      if (batch === undefined) return { records, checkpoints }
      records.push(...batch.records)
      checkpoints.push(...batch.checkpoints)
      await source.commit(batch)
    }
  } finally {
    await source.close()
  }
}

/** The code of the AuditError that `work` rejects with; `resolved` when it does not. */
export async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'resolved'
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}
