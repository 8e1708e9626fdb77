// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, RecordSink } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import { deadLetterMessage } from './dead-letter-message.ts'
import { settledWithin } from './deadline.ts'
import { checkpointMessage, messageBytes, recordMessage } from './message.ts'
import { PartitionMap, partitionOfKey } from './partitioner.ts'
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
 * A request that is too large for the topic is cut into smaller ones. A single record that is too
 * large goes to the dead-letter topic with the reason and its bytes, and counts as delivered; the
 * sink's `deadLetters` says how many did.
 *
 * `deliver` rejects with an AuditError: `DELIVERY_DOUBTFUL` or `DELIVERY_TIMEOUT` (send the batch
 * again), `TOPIC_MISSING`, `SINK_CLOSED`, and `DELIVERY_REFUSED` when trying again cannot help: a
 * record that is too large for both topics, credentials that never worked.
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
  /** What was acknowledged, over all clients: offsets that go back are those of another topic. */
  readonly #nextOffsets = new Map<string, bigint>()
  #proven = false
  /** Requests without an answer in time, since the last that had one. */
  #unanswered = 0
  #closing: Promise<void> | undefined
  #ended = false
  #deadLetters = 0

  constructor(settings: SinkSettings) {
    this.name = settings.name
    this.#settings = settings
    this.#limits = settings.limits
    const dayMillis = 86_400_000
    if (settings.keepProcessAlive) this.#keepAlive = setInterval(() => undefined, dayMillis)
  }

  get deadLetters(): number {
    return this.#deadLetters
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
      const progress = await this.#begin(batch, await this.#ready())
      while (progress.done < progress.messages.length) {
        const request = nextRequest(progress.messages, progress.done, this.#limits)
        progress.done += await this.#send(request)
      }
      this.#progress = undefined
    } catch (error) {
      this.#discard()
      if (mayBeAnotherTopic(error)) this.#progress = undefined
      throw this.#ended ? closed(error) : error
    }
  }

  async #ready(): Promise<ProducerSession> {
    if (this.#ended) throw closed()
    return (this.#session ??= await this.#connect())
  }

  #discard(): void {
    void this.#session?.close(0)
    this.#session = undefined
  }

  async #connect(): Promise<ProducerSession> {
    const { newTransport, attemptTimeoutMillis } = this.#settings
    const patience = patienceAfter(this.#unanswered)
    const session = new ProducerSession(newTransport(patience), {
      attemptTimeoutMillis: attemptTimeoutMillis * patience,
      proven: this.#proven,
      nextOffsets: this.#nextOffsets,
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
        const message = recordMessage(record, now)
        return { topic: records, partition, message, bytes: messageBytes(message) }
      }),
      // Behind the records, so that a consumer mostly finds what a checkpoint covers.
      ...batch.checkpoints.map((checkpoint): PlannedMessage => {
        const partition = this.#partitions.of(checkpoints, checkpoint.epoch, checkpointPartitions)
        const message = checkpointMessage(checkpoint, now)
        return { topic: checkpoints, partition, message, bytes: messageBytes(message) }
      }),
    ]
    this.#progress = { batch, messages: groupByPartition(messages), done: 0 }
    return this.#progress
  }

  /**
   * How many of the request's records are done with: none, where the topic refuses the request for
   * its size and smaller ones are to follow.
   */
  async #send(request: SendRequest): Promise<number> {
    const { topic, partition, records } = request
    const session = await this.#ready()
    try {
      await session.send(request)
      this.#proven = true
      this.#unanswered = 0
      return records.length
    } catch (error) {
      if (error instanceof AuditError && error.code === 'DELIVERY_TIMEOUT') this.#unanswered++
      if (!(error instanceof AuditError) || error.code !== 'RECORD_TOO_LARGE') throw error
      this.#discard()
      const [record] = records
      if (records.length === 1 && record !== undefined) {
        await this.#putAside({ topic, partition, record }, error)
        return 1
      }
      this.#limits = { ...this.#limits, recordCountMax: Math.ceil(records.length / 2) }
      return 0
    }
  }

  async #putAside({ topic, partition, record }: Refused, cause: AuditError): Promise<void> {
    const { deadLetters } = this.#settings.topics
    const { value, headers } = record
    const key = typeof record.key === 'string' ? Buffer.from(record.key, 'utf8') : record.key
    const found = { topic, partition, reason: cause.message, key, value, headers }
    try {
      const session = await this.#ready()
      const count = await session.partitionCount(deadLetters)
      await session.send({
        topic: deadLetters,
        partition: partitionOfKey(`${topic}/${partition}`, count),
        records: [deadLetterMessage(found, { timestamp: Date.now(), whole: true })],
      })
    } catch (error) {
      throw neitherTakesIt(error, { topic, partition, deadLetters })
    }
    // What was learnt from it holds for it alone.
    this.#limits = this.#settings.limits
    this.#deadLetters++
    try {
      this.#settings.onDeadLetter?.(found)
    } catch {
      // What is told must not undo what is done.
    }
  }
}

interface Refused {
  readonly topic: string
  readonly partition: number
  readonly record: SendRequest['records'][number]
}

/** The error of a record that is too large for its topic and cannot be put aside either. */
function neitherTakesIt(
  error: unknown,
  place: { readonly topic: string; readonly partition: number; readonly deadLetters: string },
): unknown {
  const code = error instanceof AuditError ? error.code : undefined
  const final = code === 'RECORD_TOO_LARGE' || code === 'TOPIC_MISSING'
  if (!final && code !== 'DELIVERY_REFUSED') return error
  const { topic, partition, deadLetters } = place
  return new AuditError(
    'DELIVERY_REFUSED',
    `a record is too large for ${topic}, and ${deadLetters} does not take it (${
      (error as AuditError).message
    }); raise max.message.bytes of ${topic} or of ${deadLetters}`,
    { cause: error, details: { topic, partition } },
  )
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

/**
 * How many times as long to wait for an answer. A broker that always takes a little longer than our
 * deadline would be sent the same request for ever, and a frozen one must not be waited for: so the
 * second client waits no longer than the first.
 */
function patienceAfter(unanswered: number): number {
  return 2 ** Math.min(3, Math.max(0, unanswered - 1))
}

function closed(cause?: unknown): AuditError {
  return new AuditError('SINK_CLOSED', 'the Kafka sink is closed', { cause })
}
