// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, RecordSink } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import type { BatchPlan, PartitionCounts } from './batch-plan.ts'
import { planBatch, topicsOf } from './batch-plan.ts'
import { deadLetterMessage } from './dead-letter-message.ts'
import { settledWithin } from './deadline.ts'
import { PartitionMap, partitionOfKey } from './partitioner.ts'
import { ProducerSession } from './producer-session.ts'
import type { SendLimits } from './send-plan.ts'
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
  #plan: BatchPlan | undefined
  /** Of the batch that was said to come next. */
  #nextPlan: BatchPlan | undefined
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

  /** Plans the batch and has its first request packed, where a client that is connected can. */
  prepare(batch: Batch): void {
    const session = this.#session
    const counts = session?.knownPartitionCounts(topicsOf(batch, this.#settings.topics))
    if (session === undefined || counts === undefined) return
    this.#nextPlan = this.#planOf(batch, counts)
    const request = this.#nextPlan.next(this.#limits)
    if (request !== undefined) session.prepare(request)
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
      const plan = await this.#begin(batch, await this.#ready())
      for (let request = plan.next(this.#limits); request; request = plan.next(this.#limits)) {
        plan.settle(await this.#send(request))
      }
      this.#plan = undefined
    } catch (error) {
      this.#discard()
      if (mayBeAnotherTopic(error)) this.#plan = undefined
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
  async #begin(batch: Batch, session: ProducerSession): Promise<BatchPlan> {
    const counts = new Map<string, number>()
    for (const topic of topicsOf(batch, this.#settings.topics)) {
      counts.set(topic, await session.partitionCount(topic))
    }
    const known = [this.#plan, this.#nextPlan].find((plan) => plan?.batch === batch)
    if (known === this.#nextPlan) this.#nextPlan = undefined
    this.#plan = known?.fits(counts) === true ? known : this.#planOf(batch, counts)
    return this.#plan
  }

  #planOf(batch: Batch, counts: PartitionCounts): BatchPlan {
    const { topics } = this.#settings
    return planBatch(batch, { topics, partitions: this.#partitions, counts, now: Date.now() })
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
