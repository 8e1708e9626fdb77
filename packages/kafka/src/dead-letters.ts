// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { partitionOfKey } from './partitioner.ts'
import { ProducerSession } from './producer-session.ts'
import type { KafkaTransport } from './transport.ts'

/** A message that is not what its topic holds. */
export interface MalformedMessage {
  readonly topic: string
  readonly partition: number
  /** Decimal digits. */
  readonly offset: string
  /** One sentence without content of the message. */
  readonly reason: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

/**
 * Puts messages aside in the dead-letter topic: key and value as they came, and where they lay and
 * why in `spanseal-topic`, `spanseal-partition`, `spanseal-offset` and `spanseal-reason`.
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
  async park(message: MalformedMessage, attemptTimeoutMillis: number): Promise<void> {
    try {
      const session = (this.#session ??= await this.#connect(attemptTimeoutMillis))
      const key = message.key ?? new Uint8Array()
      const count = await session.partitionCount(this.#topic)
      const headers = {
        'spanseal-topic': message.topic,
        'spanseal-partition': `${message.partition}`,
        'spanseal-offset': message.offset,
        'spanseal-reason': message.reason,
      }
      const value = message.value ?? new Uint8Array()
      await session.send({
        topic: this.#topic,
        partition: partitionOfKey(key, count),
        records: [{ key, value, headers, timestamp: Date.now() }],
      })
    } catch (error) {
      void this.#session?.close(0)
      this.#session = undefined
      throw error
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
