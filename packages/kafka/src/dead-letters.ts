// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { PutAside } from './dead-letter-message.ts'
import { DEAD_LETTER_BYTES_MAX, deadLetterMessage } from './dead-letter-message.ts'
import { messageBytes } from './message.ts'
import { partitionOfKey } from './partitioner.ts'
import { ProducerSession } from './producer-session.ts'
import type { KafkaTransport } from './transport.ts'

const REQUEST_RECORDS_MAX = 500

/**
 * Puts messages aside in the dead-letter topic: key, value and headers as they came, and where they
 * lay and why. One that is too large, or that the topic refuses for its size, is put aside without
 * its value.
 */
export class DeadLetters {
  readonly #topic: string
  readonly #newTransport: () => KafkaTransport
  #session: ProducerSession | undefined

  constructor(topic: string, newTransport: () => KafkaTransport) {
    this.#topic = topic
    this.#newTransport = newTransport
  }

  /** @throws AuditError as a delivery does; the message is then not yet put aside */
  park(message: PutAside, attemptTimeoutMillis: number): Promise<void> {
    return this.parkAll([message], attemptTimeoutMillis)
  }

  /** @throws AuditError as a delivery does; some of the messages may then be put aside */
  async parkAll(messages: readonly PutAside[], attemptTimeoutMillis: number): Promise<void> {
    for (const request of requests(messages)) {
      await this.#park(request, { attemptTimeoutMillis, bare: false })
    }
  }

  async #park(messages: readonly PutAside[], how: ParkOptions): Promise<void> {
    try {
      await this.#send(messages, how)
    } catch (error) {
      void this.#session?.close(0)
      this.#session = undefined
      const tooLarge = error instanceof AuditError && error.code === 'RECORD_TOO_LARGE'
      const [message] = messages
      if (!tooLarge || message === undefined || how.bare) throw refusal(this.#topic, error)
      if (messages.length === 1) return this.#park(messages, { ...how, bare: true })
      for (const one of messages) await this.#park([one], how)
    }
  }

  async #send(
    messages: readonly PutAside[],
    { attemptTimeoutMillis, bare }: ParkOptions,
  ): Promise<void> {
    const session = (this.#session ??= await this.#connect(attemptTimeoutMillis))
    const count = await session.partitionCount(this.#topic)
    const timestamp = Date.now()
    const byPartition = Map.groupBy(messages, ({ topic, partition }) =>
      partitionOfKey(Buffer.from(`${topic}/${partition}`), count),
    )
    for (const [partition, found] of byPartition) {
      const records = found.map((message) => deadLetterMessage(message, { timestamp, bare }))
      await session.send({ topic: this.#topic, partition, records })
    }
  }

  async close(timeoutMillis: number): Promise<void> {
    await this.#session?.close(timeoutMillis)
    this.#session = undefined
  }

  async #connect(attemptTimeoutMillis: number): Promise<ProducerSession> {
    const session = new ProducerSession(this.#newTransport(), {
      attemptTimeoutMillis,
      proven: false,
    })
    this.#session = session
    await session.connect()
    return session
  }
}

interface ParkOptions {
  readonly attemptTimeoutMillis: number
  readonly bare: boolean
}

/** Runs of messages that fit into one request each. */
function* requests(messages: readonly PutAside[]): Generator<readonly PutAside[]> {
  let run: PutAside[] = []
  let bytes = 0
  for (const message of messages) {
    const size = messageBytes(deadLetterMessage(message, { timestamp: 0 }))
    const full = run.length === REQUEST_RECORDS_MAX || bytes + size > DEAD_LETTER_BYTES_MAX
    if (run.length > 0 && full) {
      yield run
      run = []
      bytes = 0
    }
    run.push(message)
    bytes += size
  }
  if (run.length > 0) yield run
}

/** Says the way out where a consumer may read, and may not put aside. */
function refusal(topic: string, error: unknown): unknown {
  if (!(error instanceof AuditError) || error.code !== 'DELIVERY_REFUSED') return error
  const way = `let this client write to ${topic}, or give onMalformed`
  return new AuditError('DELIVERY_REFUSED', `${error.message}; ${way}`, {
    cause: error,
    details: { topic },
  })
}
