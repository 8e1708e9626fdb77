// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { SendRequest, TransportRecord } from './transport.ts'

export interface SendLimits {
  readonly recordCountMax: number
  /** Before compression. A single record above it is still sent, alone. */
  readonly bytesMax: number
}

/** A message and where it goes. */
export interface PlannedMessage {
  readonly topic: string
  readonly partition: number
  readonly message: TransportRecord
  /** About; see `messageBytes`. */
  readonly bytes: number
}

/**
 * Messages ordered so that those of one topic and partition stand together, in the order in which
 * their partitions first appear; within a partition the order stays.
 */
export function groupByPartition(messages: PlannedMessage[]): PlannedMessage[] {
  const [first] = messages
  const isFirst = (m: PlannedMessage): boolean =>
    m.partition === first?.partition && m.topic === first.topic
  if (messages.every(isFirst)) return messages
  return [...Map.groupBy(messages, (m) => `${m.topic}/${m.partition}`).values()].flat()
}

/**
 * The request that begins with `messages[start]`: of one partition and within the limits. A run that
 * needs several requests is cut into about equal ones, because kafkajs' cost per record is lowest
 * between 100 and 500 records a request (measured: 120,000 to 139,000 records/s, 49,000 at 16).
 */
export function nextRequest(
  messages: readonly PlannedMessage[],
  start: number,
  limits: SendLimits,
): SendRequest {
  const { topic, partition } = messages[start] as PlannedMessage
  let end = start
  let runBytes = 0
  while (messages[end]?.topic === topic && messages[end]?.partition === partition) {
    runBytes += (messages[end] as PlannedMessage).bytes
    end++
  }
  const requests = Math.max(
    Math.ceil((end - start) / limits.recordCountMax),
    Math.ceil(runBytes / limits.bytesMax),
  )
  const countMax = Math.min(limits.recordCountMax, Math.ceil((end - start) / requests))
  const records: TransportRecord[] = []
  let bytes = 0
  for (let i = start; i < end && records.length < countMax; i++) {
    const planned = messages[i] as PlannedMessage
    bytes += planned.bytes
    if (bytes > limits.bytesMax && records.length > 0) break
    records.push(planned.message)
  }
  return { topic, partition, records }
}
