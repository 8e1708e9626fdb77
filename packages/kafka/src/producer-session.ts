// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ErrorCode } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import { checkAcknowledgement } from './acknowledgement.ts'
import { withDeadline } from './deadline.ts'
import type { KafkaTransport, SendRequest, TransportFault } from './transport.ts'

export interface SessionOptions {
  /** For connecting, and for each request. */
  readonly attemptTimeoutMillis: number
  /** Whether these settings have ever delivered something. */
  readonly proven: boolean
  /** Per `<topic>/<partition>`, the lowest offset that the next request can be given; kept up to date. */
  readonly nextOffsets?: Map<string, bigint>
}

/**
 * One producer from its connection to the first doubt: at most one request in flight, each under a
 * deadline of our own, each result checked. After an error the session is over; the caller closes it
 * and opens another, with another client and another producer id.
 */
export class ProducerSession {
  readonly #transport: KafkaTransport
  readonly #attemptTimeoutMillis: number
  #proven: boolean
  readonly #partitionCounts = new Map<string, number>()
  readonly #nextOffsets: Map<string, bigint>

  constructor(transport: KafkaTransport, options: SessionOptions) {
    this.#transport = transport
    this.#attemptTimeoutMillis = options.attemptTimeoutMillis
    this.#proven = options.proven
    this.#nextOffsets = options.nextOffsets ?? new Map<string, bigint>()
  }

  /** @throws AuditError `DELIVERY_TIMEOUT` when no broker answers, `DELIVERY_REFUSED` */
  async connect(): Promise<void> {
    await this.#attempt('connecting to Kafka', () => this.#transport.connect())
  }

  /** @throws AuditError `TOPIC_MISSING`, `DELIVERY_TIMEOUT`, `DELIVERY_REFUSED` */
  async partitionCount(topic: string): Promise<number> {
    const known = this.#partitionCounts.get(topic)
    if (known !== undefined) return known
    const what = `asking for the partitions of ${topic}`
    const count = await this.#attempt(what, () => this.#transport.partitions(topic), topic)
    if (count < 1) throw topicMissing(topic)
    this.#partitionCounts.set(topic, count)
    return count
  }

  /** What `partitionCount` told of the topics; undefined where it was not asked for all of them. */
  knownPartitionCounts(topics: readonly string[]): ReadonlyMap<string, number> | undefined {
    const known = this.#partitionCounts
    return topics.every((topic) => known.has(topic)) ? known : undefined
  }

  /** Has the client ready what goes out next, if it can; sends nothing. */
  prepare(request: SendRequest): void {
    this.#transport.prepare?.(request)
  }

  /**
   * @throws AuditError `DELIVERY_DOUBTFUL`, `DELIVERY_TIMEOUT`, `TOPIC_MISSING`; `RECORD_TOO_LARGE`
   * when the topic refuses the request for its size; `DELIVERY_REFUSED`
   */
  async send(request: SendRequest): Promise<void> {
    const { topic, partition } = request
    const place = `${topic}/${partition}`
    const what = `sending ${request.records.length} records to ${place}`
    const results = await this.#attempt(what, () => this.#transport.send(request), topic)
    try {
      const next = checkAcknowledgement(request, results, this.#nextOffsets.get(place) ?? 0n)
      this.#nextOffsets.set(place, next)
      this.#proven = true
    } catch (error) {
      // The topic may have been made anew: its partitions begin at 0 again, all of them.
      for (const known of [...this.#nextOffsets.keys()]) {
        if (known.startsWith(`${topic}/`)) this.#nextOffsets.delete(known)
      }
      throw error
    }
  }

  /** Resolves within `timeoutMillis`; at once, and by force, with 0. */
  close(timeoutMillis: number): Promise<void> {
    return this.#transport.close(timeoutMillis)
  }

  async #attempt<T>(what: string, run: () => Promise<T>, topic?: string): Promise<T> {
    const millis = this.#attemptTimeoutMillis
    const late = (): Error =>
      new AuditError('DELIVERY_TIMEOUT', `${what}: no answer within ${millis} ms`, {
        details: topic === undefined ? {} : { topic },
      })
    try {
      return await withDeadline(run(), millis, { late })
    } catch (cause) {
      if (cause instanceof AuditError) throw cause
      throw this.#failure({ what, cause, topic })
    }
  }

  #failure({ what, cause, topic }: Failure): AuditError {
    const fault = this.#transport.classify(cause)
    const code = codeOf(fault, this.#proven)
    if (code === 'TOPIC_MISSING' && topic !== undefined) return topicMissing(topic, cause)
    const details = topic === undefined ? {} : { topic }
    return new AuditError(code, `${what}: ${fault.message}`, { cause, details })
  }
}

interface Failure {
  readonly what: string
  readonly cause: unknown
  readonly topic: string | undefined
}

function codeOf(fault: TransportFault, proven: boolean): ErrorCode {
  switch (fault.reason) {
    case 'too-large':
      return 'RECORD_TOO_LARGE'
    case 'unreachable':
      return 'DELIVERY_TIMEOUT'
    case 'unauthorized':
      // Credentials that never worked are a mistake. Those that did may be missing for a while, and
      // a process that gave up would have to be restarted.
      return proven ? 'DELIVERY_DOUBTFUL' : 'DELIVERY_REFUSED'
    case 'topic-missing':
      return 'TOPIC_MISSING'
    case 'other':
      return fault.kind === 'fatal' ? 'DELIVERY_REFUSED' : 'DELIVERY_DOUBTFUL'
  }
}

function topicMissing(topic: string, cause?: unknown): AuditError {
  return new AuditError(
    'TOPIC_MISSING',
    `the topic ${topic} does not exist; create it: spanseal topics create --brokers …`,
    { details: { topic }, cause },
  )
}
