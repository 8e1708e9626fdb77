// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { KafkaMessage } from 'kafkajs'
import type { KafkaConnection } from './connection-options.ts'
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
const CLOSE_TIMEOUT_MILLIS = 2_000
const SESSION_TIMEOUT_MILLIS = 30_000

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
  const arrived: PlacedMessage[] = []
  let bytes = 0
  let failure: AuditError | undefined
  let wake: () => void = () => undefined
  const changed = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, WAKE_MILLIS)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const next = new Map<string, bigint>()
  const hasRoom = (): boolean => arrived.length < BUFFER_MESSAGES_MAX && bytes < BUFFER_BYTES_MAX
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
    {
      assigned: () => undefined,
      messages: (_, partition, messages) => {
        for (const message of messages) {
          arrived.push({ place: { topic, partition, offset: message.offset }, message })
          bytes += message.value?.length ?? 0
        }
        const last = messages.at(-1)
        if (last !== undefined) next.set(placeName({ topic, partition }), BigInt(last.offset) + 1n)
        wake()
        return Promise.resolve()
      },
      passed: (_, partition, offset) => {
        next.set(placeName({ topic, partition }), offset)
        wake()
      },
      room: async () => {
        if (!hasRoom()) await new Promise((resolve) => setTimeout(resolve, WAKE_MILLIS / 10))
        return hasRoom()
      },
      failed: (error) => {
        failure = error
        wake()
      },
    },
  )
  try {
    const ranges = await reader.start()
    const atEnd = (): boolean =>
      [...ranges].every(([place, { low, high }]) => (next.get(place) ?? low) >= high)
    let idleSince = performance.now()
    for (;;) {
      const taken = arrived.splice(0)
      bytes = 0
      for (const one of taken) {
        const high = ranges.get(placeName(one.place))?.high
        if (high === undefined || BigInt(one.place.offset) < high) yield one
      }
      if (taken.length > 0) idleSince = performance.now()
      if (arrived.length > 0) continue
      if (failure !== undefined) throw failure
      if (atEnd()) return
      if (performance.now() - idleSince > timeoutMillis) throw stalled(topic, timeoutMillis)
      await changed()
    }
  } finally {
    await reader.close(CLOSE_TIMEOUT_MILLIS)
  }
}

function stalled(topic: string, timeoutMillis: number): AuditError {
  return new AuditError(
    'DELIVERY_TIMEOUT',
    `Kafka handed out nothing of ${topic} for ${timeoutMillis} ms, and its end is not reached`,
    { details: { topic } },
  )
}
