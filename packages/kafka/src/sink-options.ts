// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { KafkaClient, TransportMaker } from './client-choice.ts'
import { checkClient, checkCompression, transportMaker } from './client-choice.ts'
import type { KafkaConnectionOptions } from './connection-options.ts'
import { CONNECTION_OPTION_NAMES, checkConnectionOptions } from './connection-options.ts'
import { assertKnownKeys, integerOption, refuse, textOption } from './option-guards.ts'
import type { SendLimits } from './send-plan.ts'
import type { TopicNames } from './topic-names.ts'
import { topicNames } from './topic-names.ts'
import type { Compression, KafkaTransport } from './transport.ts'

/** A message that its topic will not take. */
export interface UndeliverableMessage {
  readonly topic: string
  readonly partition: number
  /** One sentence without content of the message. */
  readonly reason: string
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** What `kafkaSink` takes. */
export interface KafkaSinkOptions extends KafkaConnectionOptions {
  /** The sink's name, which names its cursor: `[a-z0-9-]{1,64}`. Default `kafka`. */
  readonly name?: string
  /** Stands before each topic name, for instance `acme.`. Default: nothing. */
  readonly topicPrefix?: string
  /**
   * The Kafka client: `kafkajs` (default) or `platformatic`, which is the faster one and needs the
   * package @platformatic/kafka. The guarantee is the same.
   */
  readonly client?: KafkaClient
  /** Of each request; default `zstd`. */
  readonly compression?: Compression
  /**
   * For connecting and for each request, retries of the client included; then a new client takes
   * over. More than twice `requestTimeoutMillis`. Default 8,000. Both times grow, to eight times at
   * most, while brokers take connections and answer nothing in time; they may be slow for long.
   */
  readonly attemptTimeoutMillis?: number
  /** Records of one request, at most; default 500. */
  readonly recordCountMax?: number
  /** Bytes of one request before compression, at most; default 900,000. */
  readonly requestBytesMax?: number
  /**
   * Whether the process stays alive until `close`. Default false: an agent ends
   * when its own work is done, and the journal keeps what is undelivered. True for a program whose
   * only work is delivering.
   */
  readonly keepProcessAlive?: boolean
  /**
   * Told of each record that went to the dead-letter topic because it is too large for its own.
   * What it throws is ignored.
   */
  readonly onDeadLetter?: (message: UndeliverableMessage) => void
  /**
   * A Kafka client of your own instead of `client`. Called once for each new producer, with how
   * many times as long as usual it shall wait for an answer: 1, 2, 4 or 8.
   */
  readonly transport?: (patience: number) => KafkaTransport
}

const OPTION_NAMES = [
  ...CONNECTION_OPTION_NAMES,
  'name',
  'topicPrefix',
  'client',
  'compression',
  'attemptTimeoutMillis',
  'recordCountMax',
  'requestBytesMax',
  'keepProcessAlive',
  'onDeadLetter',
  'transport',
]

/** What a sink needs to know after its options have been checked. */
export interface SinkSettings {
  readonly name: string
  readonly topics: TopicNames
  readonly attemptTimeoutMillis: number
  readonly limits: SendLimits
  readonly keepProcessAlive: boolean
  readonly onDeadLetter: ((message: UndeliverableMessage) => void) | undefined
  readonly newTransport: TransportMaker
}

/** @throws AuditError `INVALID_OPTION` */
export function checkSinkOptions(options: KafkaSinkOptions): SinkSettings {
  assertKnownKeys('kafkaSink', options, OPTION_NAMES)
  const connection = checkConnectionOptions('kafkaSink', options)
  const client = checkClient('kafkaSink', options.client, connection)
  const compression = checkCompression('kafkaSink', options.compression)
  const attemptTimeoutMillis = integerOption(
    'kafkaSink.attemptTimeoutMillis',
    options.attemptTimeoutMillis,
    { min: 500, max: 600_000, fallback: Math.max(8_000, 2 * connection.requestTimeoutMillis + 1) },
  )
  if (attemptTimeoutMillis <= 2 * connection.requestTimeoutMillis) {
    // A producer id costs several round trips, so that a shorter deadline may never connect.
    refuse(
      'kafkaSink.attemptTimeoutMillis',
      attemptTimeoutMillis,
      `more than twice requestTimeoutMillis (${connection.requestTimeoutMillis})`,
    )
  }
  const { onDeadLetter } = options
  if (onDeadLetter !== undefined && typeof onDeadLetter !== 'function') {
    refuse('kafkaSink.onDeadLetter', onDeadLetter, 'a function')
  }
  return {
    onDeadLetter,
    name: textOption('kafkaSink.name', options.name, {
      pattern: /^[a-z0-9-]{1,64}$/,
      expected: '1 to 64 of a-z, 0-9 and "-"',
      fallback: 'kafka',
    }),
    topics: topicNames(options.topicPrefix),
    attemptTimeoutMillis,
    limits: {
      recordCountMax: integerOption('kafkaSink.recordCountMax', options.recordCountMax, {
        min: 1,
        max: 10_000,
        fallback: 500,
      }),
      bytesMax: integerOption('kafkaSink.requestBytesMax', options.requestBytesMax, {
        min: 10_000,
        max: 100_000_000,
        fallback: 900_000,
      }),
    },
    keepProcessAlive: options.keepProcessAlive === true,
    newTransport: options.transport ?? transportMaker(client, connection, compression),
  }
}
