// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, RecordSink } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import { settledWithin } from './deadline.ts'
import { checkpointMessage, recordMessage } from './message.ts'
import { PartitionMap } from './partitioner.ts'
import { ProducerSession } from './producer-session.ts'
import type { PlannedMessage, SendLimits } from './send-plan.ts'
import { groupByPartition, nextRequest } from './send-plan.ts'
import type { KafkaSinkOptions, SinkSettings } from './sink-options.ts'
import { checkSinkOptions } from './sink-options.ts'
import type { SendRequest } from './transport.ts'

/**
 * A sink that ships records to Kafka without loss.
 *
 * One partition a request, one request in flight, `acks` all, idempotent; every returned offset is
 * checked, and after any doubt a new client with a new producer id takes over. `deliver` resolves
 * when all in-sync replicas have the whole batch. Duplicates are possible, loss and another order
 * within an epoch are not. Connects at the first delivery.
 *
 * `deliver` rejects with an AuditError: `DELIVERY_DOUBTFUL` or `DELIVERY_TIMEOUT` (send the batch
 * again), `TOPIC_MISSING`, `SINK_CLOSED`, and `DELIVERY_REFUSED` when trying again cannot help: a
 * record above the topic's limit, credentials that never worked.
 *
 * @throws AuditError `INVALID_OPTION` naming the option, the value and what to give
 */
export function kafkaSink(options: KafkaSinkOptions): RecordSink {
  return new KafkaSink(checkSinkOptions(options))
}

/** A batch on its way, and how much of it is acknowledged. */
interface Progress {
  readonly batch: Batch
  readonly messages: readonly PlannedMessage[]
  done: number
}

class KafkaSink implements RecordSink {
  readonly name: string
  readonly #settings: SinkSettings
  readonly #partitions = new PartitionMap()
  readonly #keepAlive: NodeJS.Timeout | undefined
  #limits: SendLimits
  /** The delivery under way and those waiting for it: one at a time. */
  #last: Promise<void> = Promise.resolve()
  /** Of the delivery under way only. */
  #session: ProducerSession | undefined
  #progress: Progress | undefined
  #proven = false
  #closing: Promise<void> | undefined
  #ended = false

  constructor(settings: SinkSettings) {
    this.name = settings.name
    this.#settings = settings
    this.#limits = settings.limits
    const dayMillis = 86_400_000
    if (settings.keepProcessAlive) this.#keepAlive = setInterval(() => undefined, dayMillis)
  }

  deliver(batch: Batch): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closed())
    const delivery = this.#last.then(() => this.#deliver(batch))
    this.#last = delivery.catch(() => undefined)
    return delivery
  }

  close(timeoutMillis: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMillis)
    return this.#closing
  }

  async #close(timeoutMillis: number): Promise<void> {
    const start = performance.now()
    await settledWithin(this.#last, timeoutMillis)
    this.#ended = true
    clearInterval(this.#keepAlive)
    const restMillis = Math.max(0, timeoutMillis - (performance.now() - start))
    await this.#session?.close(restMillis)
  }

  async #deliver(batch: Batch): Promise<void> {
    if (this.#ended) throw closed()
    try {
      const session = (this.#session ??= await this.#connect())
      const progress = await this.#begin(batch, session)
      while (progress.done < progress.messages.length) {
        const request = nextRequest(progress.messages, progress.done, this.#limits)
        await this.#send(session, request)
        progress.done += request.records.length
      }
      this.#progress = undefined
    } catch (error) {
      void this.#session?.close(0)
      this.#session = undefined
      if (mayBeAnotherTopic(error)) this.#progress = undefined
      throw this.#ended ? closed(error) : error
    }
  }

  async #connect(): Promise<ProducerSession> {
    const { newTransport, attemptTimeoutMillis } = this.#settings
    const session = new ProducerSession(newTransport(), {
      attemptTimeoutMillis,
      proven: this.#proven,
    })
    this.#session = session
    await session.connect()
    return session
  }

  /** The same batch again goes on behind what was acknowledged of it. */
  async #begin(batch: Batch, session: ProducerSession): Promise<Progress> {
    const { records, checkpoints } = this.#settings.topics
    const recordPartitions = batch.records.length > 0 ? await session.partitionCount(records) : 0
    const checkpointPartitions =
      batch.checkpoints.length > 0 ? await session.partitionCount(checkpoints) : 0
    const partitions = { [records]: recordPartitions, [checkpoints]: checkpointPartitions }
    if (this.#progress?.batch === batch && canGoOn(this.#progress, partitions)) {
      return this.#progress
    }
    const now = Date.now()
    const messages = [
      ...batch.records.map((record): PlannedMessage => {
        const partition = this.#partitions.of(records, record.epoch, recordPartitions)
        return { topic: records, partition, message: recordMessage(record, now) }
      }),
      // Behind the records, so that a consumer mostly finds what a checkpoint covers.
      ...batch.checkpoints.map((checkpoint): PlannedMessage => {
        const partition = this.#partitions.of(checkpoints, checkpoint.epoch, checkpointPartitions)
        return { topic: checkpoints, partition, message: checkpointMessage(checkpoint, now) }
      }),
    ]
    this.#progress = { batch, messages: groupByPartition(messages), done: 0 }
    return this.#progress
  }

  async #send(session: ProducerSession, request: SendRequest): Promise<void> {
    try {
      await session.send(request)
      this.#proven = true
    } catch (error) {
      if (!(error instanceof AuditError) || error.code !== 'RECORD_TOO_LARGE') throw error
      throw this.#tooLarge(request, error)
    }
  }

  /** The topic takes less than expected: smaller requests from now on, if there is a smaller one. */
  #tooLarge(request: SendRequest, cause: AuditError): AuditError {
    const count = request.records.length
    this.#limits = { ...this.#limits, recordCountMax: Math.max(1, Math.ceil(count / 2)) }
    return new AuditError(
      count === 1 ? 'DELIVERY_REFUSED' : 'DELIVERY_DOUBTFUL',
      `${cause.message}; ${
        count === 1
          ? `raise max.message.bytes of ${request.topic}`
          : `requests of ${this.#limits.recordCountMax} records from now on`
      }`,
      { cause, details: { topic: request.topic, partition: request.partition } },
    )
  }
}

/**
 * A topic that was not there, or whose offsets went back, may have been made anew: then what was
 * acknowledged of the batch went with the old one, and all of it is sent again.
 */
function mayBeAnotherTopic(error: unknown): boolean {
  if (!(error instanceof AuditError)) return false
  const wrongAnswer = error.code === 'DELIVERY_DOUBTFUL' && error.cause === undefined
  return error.code === 'TOPIC_MISSING' || wrongAnswer
}

/** Not where a topic has fewer partitions now: it was made anew, and is empty. */
function canGoOn(progress: Progress, partitions: Readonly<Record<string, number>>): boolean {
  return progress.messages.every((m) => m.partition < (partitions[m.topic] ?? 0))
}

function closed(cause?: unknown): AuditError {
  return new AuditError('SINK_CLOSED', 'the Kafka sink is closed', { cause })
}
