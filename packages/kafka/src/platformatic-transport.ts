// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { MessageToProduce, Producer } from '@platformatic/kafka'
import type { KafkaConnection } from './connection-options.ts'
import { settledWithin } from './deadline.ts'
import type { PlatformaticClient } from './platformatic-client.ts'
import { openPlatformatic } from './platformatic-client.ts'
import { platformaticFault } from './platformatic-faults.ts'
import type {
  Compression,
  KafkaTransport,
  SendRequest,
  SendResult,
  TransportFault,
  TransportRecord,
} from './transport.ts'

/** A missing topic is worth asking for again: the broker that is asked may not know it yet. */
const TOPIC_RETRIES = 4
const CONNECT_RETRIES = 5

/**
 * The port over @platformatic/kafka. Its own retries keep the producer id and the sequence number,
 * so that a lost acknowledgement leaves no duplicate; our deadline ends them.
 */
export class PlatformaticTransport implements KafkaTransport {
  readonly #connection: KafkaConnection
  readonly #compression: Compression
  /** Names of headers, which are few, as bytes. */
  readonly #headerNames = new Map<string, Buffer>()
  #client: PlatformaticClient | undefined
  #producer: Producer | undefined
  #closed = false

  constructor(connection: KafkaConnection, compression: Compression) {
    this.#connection = connection
    this.#compression = compression
  }

  async connect(): Promise<void> {
    this.#client = await openPlatformatic(this.#connection, 'background')
    // Closed while the module was being loaded: nothing may be opened any more.
    if (this.#closed) throw new Error('this Kafka client was discarded')
    this.#producer = new this.#client.module.Producer({
      ...this.#client.options,
      idempotent: true,
      // -1 is all; without it and without idempotence the client asks the leader only.
      acks: -1,
      compression: this.#compression,
    })
    this.#client.watch(this.#producer)
    // Says soon that nobody is there, where taking a producer id would try on.
    await this.#producer.metadata({ topics: [], retries: CONNECT_RETRIES })
    await this.#producer.initIdempotentProducer({})
  }

  async partitions(topic: string): Promise<number> {
    const producer = this.#connected()
    const { topics } = await producer.metadata({
      topics: [topic],
      forceUpdate: true,
      retries: TOPIC_RETRIES,
    })
    return topics.get(topic)?.partitionsCount ?? 0
  }

  async send({ topic, partition, records }: SendRequest): Promise<readonly SendResult[]> {
    const messages = records.map(
      (record): MessageToProduce => ({
        topic,
        partition,
        key: asBuffer(record.key),
        value: asBuffer(record.value),
        headers: this.#headers(record.headers),
        timestamp: BigInt(record.timestamp),
      }),
    )
    const { offsets = [] } = await this.#connected().send({ messages, acks: -1 })
    return offsets.map((result) => ({
      topic: result.topic,
      partition: result.partition,
      // It rejects where the broker says anything else.
      errorCode: 0,
      baseOffset: `${result.offset}`,
    }))
  }

  classify(error: unknown): TransportFault {
    return platformaticFault(error)
  }

  async close(timeoutMillis: number): Promise<void> {
    this.#closed = true
    const closing = this.#producer?.close(true).catch(() => undefined)
    if (timeoutMillis > 0 && closing !== undefined) await settledWithin(closing, timeoutMillis)
    this.#client?.discard()
  }

  #headers(headers: TransportRecord['headers']): Map<Buffer, Buffer> {
    const bytes = new Map<Buffer, Buffer>()
    for (const name in headers) {
      let key = this.#headerNames.get(name)
      if (key === undefined) {
        key = Buffer.from(name, 'utf8')
        this.#headerNames.set(name, key)
      }
      bytes.set(key, asBuffer(headers[name] as string | Uint8Array))
    }
    return bytes
  }

  #connected(): Producer {
    if (this.#producer === undefined) throw new Error('connect() comes first')
    return this.#producer
  }
}

function asBuffer(value: string | Uint8Array): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  return Buffer.isBuffer(value)
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
