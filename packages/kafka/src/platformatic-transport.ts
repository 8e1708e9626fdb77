// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Connection, Producer, Writer } from '@platformatic/kafka'
import type { KafkaConnection } from './connection-options.ts'
import { settledWithin } from './deadline.ts'
import type { Platformatic, PlatformaticClient } from './platformatic-client.ts'
import { openPlatformatic, RETRY_MILLIS, RETRY_MILLIS_MAX } from './platformatic-client.ts'
import { isRepeatable, platformaticFault } from './platformatic-faults.ts'
import type { LaidOutRecords } from './record-batch.ts'
import { RecordLayout, recordBatch, sequenceBehind } from './record-batch.ts'
import type {
  Compression,
  KafkaTransport,
  SendRequest,
  SendResult,
  TransportFault,
} from './transport.ts'
import { packZstd } from './zstd-codec.ts'

/** A missing topic is worth asking for again: the broker that is asked may not know it yet. */
const TOPIC_RETRIES = 4
const CONNECT_RETRIES = 5
const PRODUCE = 0
/** All brokers from 2.1 to 4.2 take it, and it names topics by their names. */
const PRODUCE_VERSION = 7
const ACKS_ALL = -1

const pack: Readonly<Record<Compression, (bytes: Buffer) => Promise<Buffer>>> = {
  none: (bytes) => Promise.resolve(bytes),
  gzip: promisify(gzip),
  zstd: packZstd,
}

interface PackedRecords {
  readonly laidOut: LaidOutRecords
  readonly packed: Buffer
}

/**
 * The port over @platformatic/kafka: its connections, metadata, security and producer ids; the
 * batches are laid out here and sent as they are, which takes a fraction of the time of its producer.
 *
 * A request that may have been lost is repeated with the same producer id and sequence number, so
 * that the broker drops it where it has it; `close` ends that, and with it our deadline.
 */
export class PlatformaticTransport implements KafkaTransport {
  readonly #connection: KafkaConnection
  readonly #compression: Compression
  readonly #layout = new RecordLayout()
  /** Per partition, of the next record. */
  readonly #sequences = new Map<string, number>()
  /** Requests that were packed ahead. */
  readonly #prepared = new WeakMap<SendRequest, Promise<PackedRecords>>()
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
    })
    this.#client.watch(this.#producer)
    // Says soon that nobody is there, where taking a producer id would try on.
    await this.#producer.metadata({ topics: [], retries: CONNECT_RETRIES })
    await this.#producer.initIdempotentProducer({})
  }

  async partitions(topic: string): Promise<number> {
    const { producer } = this.#connected()
    const { topics } = await producer.metadata({
      topics: [topic],
      forceUpdate: true,
      retries: TOPIC_RETRIES,
    })
    return topics.get(topic)?.partitionsCount ?? 0
  }

  prepare(request: SendRequest): void {
    const packed = this.#pack(request)
    this.#prepared.set(request, packed)
    // `send` tells it.
    packed.catch(() => undefined)
  }

  async send(request: SendRequest): Promise<readonly SendResult[]> {
    const place = `${request.topic}/${request.partition}`
    const firstSequence = this.#sequences.get(place) ?? 0
    const records = await (this.#prepared.get(request) ?? this.#pack(request))
    this.#prepared.delete(request)
    const batch = this.#batch(records, firstSequence)
    this.#layout.reuse(records.laidOut)
    for (let attempt = 1; ; attempt++) {
      try {
        const results = await this.#produce(request, batch)
        this.#sequences.set(place, sequenceBehind(firstSequence, records.laidOut.count))
        return results
      } catch (error) {
        if (this.#closed || !isRepeatable(error)) throw error
        // Somebody else may lead the partition now.
        this.#connected().producer.clearMetadata()
        await pause(Math.min(RETRY_MILLIS * 2 ** (attempt - 1), RETRY_MILLIS_MAX))
        if (this.#closed) throw error
      }
    }
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

  async #pack({ records }: SendRequest): Promise<PackedRecords> {
    const laidOut = this.#layout.layOut(records)
    return { laidOut, packed: await pack[this.#compression](laidOut.bytes) }
  }

  #batch({ laidOut, packed }: PackedRecords, firstSequence: number): Buffer {
    const { producer, module } = this.#connected()
    const { producerId, producerEpoch } = producer
    if (producerId === undefined || producerEpoch === undefined) {
      throw new Error('there is no producer id')
    }
    const place = { producerId, producerEpoch, firstSequence, packing: this.#compression }
    return recordBatch(laidOut, { place, packed }, module.crc32c)
  }

  async #produce(request: SendRequest, batch: Buffer): Promise<readonly SendResult[]> {
    const { topic, partition } = request
    const { producer, module } = this.#connected()
    const { topics, brokers } = await producer.metadata({ topics: [topic], retries: TOPIC_RETRIES })
    const leader = topics.get(topic)?.partitions[partition]?.leader
    const broker = leader === undefined ? undefined : brokers.get(leader)
    if (broker === undefined) {
      throw new module.ProtocolError('LEADER_NOT_AVAILABLE')
    }
    const connection = await producer.connections.get(broker)
    const body = produceBody({ topic, partition, batch }, this.#connection.requestTimeoutMillis)
    const { responses } = await produce(connection, module, body)
    return responses.flatMap(({ name, partitionResponses }) =>
      partitionResponses.map(({ index, errorCode, baseOffset }) => ({
        topic: name,
        partition: index,
        errorCode,
        baseOffset: `${baseOffset}`,
      })),
    )
  }

  #connected(): { readonly producer: Producer; readonly module: Platformatic } {
    if (this.#client === undefined || this.#producer === undefined) {
      throw new Error('connect() comes first')
    }
    return { producer: this.#producer, module: this.#client.module }
  }
}

type ProduceResponse = ReturnType<Platformatic['produceV7']['parseResponse']>

function produce(
  connection: Connection,
  module: Platformatic,
  body: Buffer,
): Promise<ProduceResponse> {
  const payload = (): Writer => module.Writer.create().append(body)
  const { parseResponse } = module.produceV7
  return new Promise((resolve, reject) => {
    // Beside an error it gives null, not undefined as its type says.
    const answer = (error: Error | null, response?: ProduceResponse | null): void => {
      if (error === null && response) resolve(response)
      else reject(error ?? new Error('no answer'))
    }
    connection.send(PRODUCE, PRODUCE_VERSION, payload, parseResponse, false, false, answer)
  })
}

interface Produce {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer
}

/** A Produce request without its head: one topic, one partition, one batch. */
function produceBody({ topic, partition, batch }: Produce, timeoutMillis: number): Buffer {
  const name = Buffer.from(topic, 'utf8')
  const head = Buffer.alloc(26 + name.length)
  head.writeInt16BE(-1, 0) // no transaction
  head.writeInt16BE(ACKS_ALL, 2)
  head.writeInt32BE(timeoutMillis, 4)
  head.writeInt32BE(1, 8)
  head.writeInt16BE(name.length, 12)
  name.copy(head, 14)
  const at = 14 + name.length
  head.writeInt32BE(1, at)
  head.writeInt32BE(partition, at + 4)
  head.writeInt32BE(batch.length, at + 8)
  return Buffer.concat([head, batch])
}

/** Does not keep the process alive. */
function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis).unref())
}
