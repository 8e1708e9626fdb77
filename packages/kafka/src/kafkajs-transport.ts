// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ICustomPartitioner, IHeaders, Producer } from 'kafkajs'
import type { KafkaConnection } from './connection-options.ts'
import { settledWithin } from './deadline.ts'
import type { KafkajsClient } from './kafkajs-client.ts'
import { COMPRESSION_TYPES, openKafkajs } from './kafkajs-client.ts'
import { kafkajsFault } from './kafkajs-faults.ts'
import type {
  Compression,
  KafkaTransport,
  SendRequest,
  SendResult,
  TransportFault,
} from './transport.ts'

// A cap of 10 s instead of 0.5 s stretched the 10 s of a leader's failover to 16 to 29 s.
const RETRY = { retries: 60, initialRetryTime: 100, maxRetryTime: 250 }

/** Every message states its partition. */
const statedPartition: ICustomPartitioner =
  () =>
  ({ message }) =>
    message.partition as number

/**
 * The port over kafkajs. Safe only as the sink uses it: kafkajs loses acknowledged records when
 * sends to one partition overlap, and when one send names several partitions.
 */
export class KafkajsTransport implements KafkaTransport {
  readonly #connection: KafkaConnection
  readonly #compression: Compression
  #client: KafkajsClient | undefined
  #producer: Producer | undefined
  #closed = false

  constructor(connection: KafkaConnection, compression: Compression) {
    this.#connection = connection
    this.#compression = compression
  }

  async connect(): Promise<void> {
    this.#client = await openKafkajs(this.#connection, 'background')
    // Closed while the module was being loaded: nothing may be opened any more.
    if (this.#closed) this.#client.discard()
    this.#producer = this.#client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: statedPartition,
      retry: RETRY,
    })
    await this.#producer.connect()
  }

  async partitions(topic: string): Promise<number> {
    const admin = this.#connected().client.kafka.admin()
    await admin.connect()
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics.find((t) => t.name === topic)?.partitions.length ?? 0
    } finally {
      void admin.disconnect().catch(() => undefined)
    }
  }

  async send(request: SendRequest): Promise<readonly SendResult[]> {
    const { topic, partition } = request
    const results = await this.#connected().producer.send({
      topic,
      acks: -1,
      timeout: this.#connection.requestTimeoutMillis,
      compression: COMPRESSION_TYPES[this.#compression],
      messages: request.records.map(({ key, value, headers, timestamp }) => ({
        key: typeof key === 'string' ? key : asBuffer(key),
        value: asBuffer(value),
        headers: headers as IHeaders,
        timestamp: `${timestamp}`,
        partition,
      })),
    })
    return results.map((result) => ({
      topic: result.topicName,
      partition: result.partition,
      errorCode: result.errorCode,
      baseOffset: result.baseOffset ?? '',
    }))
  }

  classify(error: unknown): TransportFault {
    return kafkajsFault(error)
  }

  async close(timeoutMillis: number): Promise<void> {
    this.#closed = true
    if (timeoutMillis > 0 && this.#producer !== undefined) {
      await settledWithin(this.#producer.disconnect(), timeoutMillis)
    }
    this.#client?.discard()
  }

  #connected(): { readonly client: KafkajsClient; readonly producer: Producer } {
    if (this.#client === undefined || this.#producer === undefined) {
      throw new Error('connect() comes first')
    }
    return { client: this.#client, producer: this.#producer }
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
