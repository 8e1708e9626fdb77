// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * What the sink needs of a Kafka client. Batching, order, deadlines, retries and the check of every
 * result stay on our side of this port, so that each client gives the same guarantee.
 */

/** How requests are packed. */
export type Compression = 'none' | 'gzip' | 'zstd'

/** One Kafka message. */
export interface TransportRecord {
  readonly key: string | Uint8Array
  readonly value: Uint8Array
  readonly headers: Readonly<Record<string, string | Uint8Array>>
  /** Unix milliseconds. */
  readonly timestamp: number
}

/** One produce request: exactly one partition, stated by number. */
export interface SendRequest {
  readonly topic: string
  readonly partition: number
  readonly records: readonly TransportRecord[]
}

/** What the broker answered, not yet judged. */
export interface SendResult {
  readonly topic: string
  readonly partition: number
  /** Kafka's error code; 0 is success. */
  readonly errorCode: number
  /** Decimal digits. */
  readonly baseOffset: string
}

/** What an error of the client says about the request. */
export interface TransportFault {
  /**
   * `retriable`: nothing was appended, and later it may be. `ambiguous`: something may have been
   * appended. `fatal`: nothing was appended, and the same request will not be.
   */
  readonly kind: 'retriable' | 'ambiguous' | 'fatal'
  readonly reason: 'unreachable' | 'unauthorized' | 'too-large' | 'topic-missing' | 'other'
  /** For a person; holds no credentials and no content. */
  readonly message: string
}

/** One client with one producer. After any error it is thrown away and a new one is made. */
export interface KafkaTransport {
  /** Connects and takes a new producer id. */
  connect(): Promise<void>
  /** How many partitions the topic has. */
  partitions(topic: string): Promise<number>
  /**
   * Lays out and packs what `send` is then given, the same object, while another request is under way.
   * Sends nothing, never throws; it may be called for what is never sent. Absent where the client
   * packs by itself.
   */
  prepare?(request: SendRequest): void
  /** Sends, with acknowledgement by all in-sync replicas. */
  send(request: SendRequest): Promise<readonly SendResult[]>
  /** What an error of this transport means. */
  classify(error: unknown): TransportFault
  /**
   * Ends the client: politely within `timeoutMillis`, by force then. Whatever was under way rejects
   * and nothing more is sent. Idempotent; never rejects.
   */
  close(timeoutMillis: number): Promise<void>
}
