// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { messageBytes, recordMessage } from './message.ts'
import { aRecord } from './sealed-record.fixture.ts'
import type { PlannedMessage } from './send-plan.ts'
import { groupByPartition, nextRequest } from './send-plan.ts'

function planned(count: number, partition = 0, bytes = 0): PlannedMessage[] {
  return Array.from({ length: count }, (_, seq) => {
    const message = recordMessage(aRecord(seq, { bytes }), 0)
    return { topic: 't', partition, message, bytes: messageBytes(message) }
  })
}

/** How many records each request takes. */
function sizes(
  messages: readonly PlannedMessage[],
  recordCountMax: number,
  bytesMax: number,
): number[] {
  const list: number[] = []
  for (let done = 0; done < messages.length; ) {
    const request = nextRequest(messages, done, { recordCountMax, bytesMax })
    expect(request.partition).toBe(messages[done]?.partition)
    expect(request.records).toEqual(
      messages.slice(done, done + request.records.length).map(({ message }) => message),
    )
    list.push(request.records.length)
    done += request.records.length
  }
  return list
}

describe('requests', () => {
  test('take a run whole where it fits', () => {
    expect(sizes(planned(500), 500, 900_000)).toEqual([500])
  })

  test('cut a run into about equal ones by count', () => {
    expect(sizes(planned(501), 500, 900_000)).toEqual([251, 250])
    expect(sizes(planned(1_200), 500, 9_000_000)).toEqual([400, 400, 400])
  })

  test('cut a run by bytes, headers counted', () => {
    const list = sizes(planned(500, 0, 2_000), 500, 900_000)
    expect(list).toEqual([250, 250])
  })

  test('send a record alone that is above the limit', () => {
    expect(sizes(planned(3, 0, 60_000), 500, 10_000)).toEqual([1, 1, 1])
  })

  test('never reach into another partition or topic', () => {
    const mixed = [...planned(2, 0), ...planned(3, 1), { ...planned(1, 1)[0]!, topic: 'u' }]
    expect(sizes(mixed, 500, 900_000)).toEqual([2, 3, 1])
  })

  test('grouping keeps the order within each partition', () => {
    const [a, b, c, d] = [...planned(2, 1), ...planned(2, 0)]
    expect(groupByPartition([a!, c!, b!, d!])).toEqual([a, b, c, d])
  })
})
