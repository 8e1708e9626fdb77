// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { KafkaMessage } from 'kafkajs'
import type { KafkaConnection } from './connection-options.ts'
import type { PartitionRange, ReaderEvents } from './kafkajs-reader.ts'
import { KafkajsReader, placeName } from './kafkajs-reader.ts'

/** Where a message lies. */
export interface MessagePlace {
  readonly topic: string
  readonly partition: number
  /** Decimal digits. */
  readonly offset: string
}

/** A message and where it lies. */
export interface PlacedMessage {
  readonly place: MessagePlace
  readonly message: KafkaMessage
}

const BUFFER_MESSAGES_MAX = 2_000
const BUFFER_BYTES_MAX = 16_000_000
const WAKE_MILLIS = 1_000
const ROOM_MILLIS = 100
const CLOSE_TIMEOUT_MILLIS = 2_000
const SESSION_TIMEOUT_MILLIS = 30_000

/** What one reader has handed over, and how far it is. */
class Arrived implements ReaderEvents {
  readonly #topic: string
  readonly #messages: PlacedMessage[] = []
  /** Per place, the offset behind what came. */
  readonly #next = new Map<string, bigint>()
  #bytes = 0
  #wake: () => void = () => undefined
  failure: AuditError | undefined

  constructor(topic: string) {
    this.#topic = topic
  }

  assigned(): void {
    // It has its group for itself.
  }

  messages(topic: string, partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    for (const message of messages) {
      const place = { topic, partition, offset: message.offset }
      this.#messages.push({ place, message })
      this.#bytes += message.value?.length ?? 0
    }
    const last = messages.at(-1)
    if (last !== undefined) this.passed(topic, partition, BigInt(last.offset) + 1n)
    return Promise.resolve()
  }

  passed(topic: string, partition: number, next: bigint): void {
    this.#next.set(placeName({ topic, partition }), next)
    this.#wake()
  }

  async room(): Promise<boolean> {
    if (!this.#hasRoom()) await pause(ROOM_MILLIS)
    return this.#hasRoom()
  }

  failed(error: AuditError): void {
    this.failure = error
    this.#wake()
  }

  /** All that is there, in order of arrival. */
  take(): PlacedMessage[] {
    this.#bytes = 0
    return this.#messages.splice(0)
  }

  /** Whether everything before these ends has come and was taken. */
  reached(ranges: ReadonlyMap<string, PartitionRange>): boolean {
    const isPast = ([place, { low, high }]: [string, PartitionRange]): boolean =>
      (this.#next.get(place) ?? low) >= high
    return this.#messages.length === 0 && [...ranges].every(isPast)
  }

  /** Resolves when something came, or after a second. */
  changed(): Promise<void> {
    if (this.#messages.length > 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, WAKE_MILLIS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** @throws AuditError */
  stalled(timeoutMillis: number): never {
    throw new AuditError(
      'DELIVERY_TIMEOUT',
      `Kafka handed out nothing of ${this.#topic} for ${timeoutMillis} ms, and its end is not reached`,
      { details: { topic: this.#topic } },
    )
  }

  #hasRoom(): boolean {
    return this.#messages.length < BUFFER_MESSAGES_MAX && this.#bytes < BUFFER_BYTES_MAX
  }
}

/**
 * Every message that a topic holds now, in order within a partition; without a group, and without
 * keeping more than a buffer of them.
 *
 * @throws AuditError as a source's `read` does; `DELIVERY_TIMEOUT` also when nothing comes for
 * `timeoutMillis` although the end is not reached
 */
export async function* messagesOf(
  topic: string,
  {
    connection,
    timeoutMillis,
  }: { readonly connection: KafkaConnection; readonly timeoutMillis: number },
): AsyncGenerator<PlacedMessage> {
  const arrived = new Arrived(topic)
  const reader = new KafkajsReader(
    {
      connection,
      topics: [topic],
      group: undefined,
      partitions: undefined,
      from: { kind: 'beginning' },
      resume: new Map(),
      sessionTimeoutMillis: SESSION_TIMEOUT_MILLIS,
      startTimeoutMillis: timeoutMillis,
    },
    arrived,
  )
  try {
    const ranges = await reader.start()
    let idleSince = performance.now()
    while (!arrived.reached(ranges)) {
      const taken = arrived.take()
      for (const one of taken) {
        const high = ranges.get(placeName(one.place))?.high
        if (high === undefined || BigInt(one.place.offset) < high) yield one
      }
      if (arrived.failure !== undefined) throw arrived.failure
      if (taken.length > 0) idleSince = performance.now()
      else if (performance.now() - idleSince > timeoutMillis) arrived.stalled(timeoutMillis)
      else await arrived.changed()
    }
  } finally {
    await reader.close(CLOSE_TIMEOUT_MILLIS)
  }
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis))
}
