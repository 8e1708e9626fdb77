// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch } from '@spanseal/core'
import { checkpointMessage, messageBytes, recordMessage } from './message.ts'
import type { PartitionMap } from './partitioner.ts'
import type { PlannedMessage, SendLimits } from './send-plan.ts'
import { groupByPartition, nextRequest } from './send-plan.ts'
import type { TopicNames } from './topic-names.ts'
import type { SendRequest } from './transport.ts'

/** How many partitions the topics have that a batch goes to; 0 for one that it does not need. */
export interface PartitionCounts {
  readonly records: number
  readonly checkpoints: number
}

/** A batch as requests, one after the other, and how far they are acknowledged. */
export class BatchPlan {
  readonly batch: Batch
  readonly #messages: readonly PlannedMessage[]
  #done = 0
  #next: { readonly request: SendRequest; readonly limits: SendLimits } | undefined

  constructor(batch: Batch, messages: PlannedMessage[]) {
    this.batch = batch
    this.#messages = groupByPartition(messages)
  }

  /**
   * The request that goes out next: the same object until it is settled or `limits` is another one.
   * Undefined behind the last.
   */
  next(limits: SendLimits): SendRequest | undefined {
    if (this.#done >= this.#messages.length) return undefined
    if (this.#next?.limits !== limits) {
      this.#next = { request: nextRequest(this.#messages, this.#done, limits), limits }
    }
    return this.#next.request
  }

  /** @param count how many records of the next request are done with */
  settle(count: number): void {
    this.#done += count
    this.#next = undefined
  }

  /** Not where a topic has fewer partitions now: it was made anew, and is empty. */
  fits({ records, checkpoints }: PartitionCounts, topics: TopicNames): boolean {
    const counts = { [topics.records]: records, [topics.checkpoints]: checkpoints }
    return this.#messages.every(({ topic, partition }) => partition < (counts[topic] ?? 0))
  }
}

/** What a plan is made for. */
export interface PlanFrame {
  readonly topics: TopicNames
  readonly partitions: PartitionMap
  readonly counts: PartitionCounts
  /** Unix milliseconds. */
  readonly now: number
}

/** The messages of a batch and where each goes, nothing of it done. */
export function planBatch(batch: Batch, { topics, partitions, counts, now }: PlanFrame): BatchPlan {
  const { records, checkpoints } = topics
  const messages = [
    ...batch.records.map((record): PlannedMessage => {
      const partition = partitions.of(records, record.epoch, counts.records)
      const message = recordMessage(record, now)
      return { topic: records, partition, message, bytes: messageBytes(message) }
    }),
    // Behind the records, so that a consumer mostly finds what a checkpoint covers.
    ...batch.checkpoints.map((checkpoint): PlannedMessage => {
      const partition = partitions.of(checkpoints, checkpoint.epoch, counts.checkpoints)
      const message = checkpointMessage(checkpoint, now)
      return { topic: checkpoints, partition, message, bytes: messageBytes(message) }
    }),
  ]
  return new BatchPlan(batch, messages)
}
