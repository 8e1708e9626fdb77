// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch } from '@spanseal/core'
import { checkpointMessage, messageBytes, recordMessage } from './message.ts'
import type { PartitionMap } from './partitioner.ts'
import type { PlannedMessage, SendLimits } from './send-plan.ts'
import { groupByPartition, nextRequest } from './send-plan.ts'
import type { TopicNames } from './topic-names.ts'
import type { SendRequest, TransportRecord } from './transport.ts'

/** How many partitions each topic has that a batch goes to. */
export type PartitionCounts = ReadonlyMap<string, number>

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
  fits(counts: PartitionCounts): boolean {
    return this.#messages.every(({ topic, partition }) => partition < (counts.get(topic) ?? 0))
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

/** The topics that a batch goes to. */
export function topicsOf(batch: Batch, { records, checkpoints }: TopicNames): string[] {
  const topics = batch.records.length > 0 ? [records] : []
  return batch.checkpoints.length > 0 ? [...topics, checkpoints] : topics
}

/** The messages of a batch and where each goes, nothing of it done. */
export function planBatch(batch: Batch, { topics, partitions, counts, now }: PlanFrame): BatchPlan {
  const planned = (topic: string, epoch: string, message: TransportRecord): PlannedMessage => {
    const partition = partitions.of(topic, epoch, counts.get(topic) ?? 0)
    return { topic, partition, message, bytes: messageBytes(message) }
  }
  return new BatchPlan(batch, [
    ...batch.records.map((r) => planned(topics.records, r.epoch, recordMessage(r, now))),
    // Behind the records, so that a consumer mostly finds what a checkpoint covers.
    ...batch.checkpoints.map((c) =>
      planned(topics.checkpoints, c.epoch, checkpointMessage(c, now)),
    ),
  ])
}
