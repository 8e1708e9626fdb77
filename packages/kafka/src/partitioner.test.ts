// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import kafkajs from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { murmur2, PartitionMap, partitionOfKey } from './partitioner.ts'
import { anEpoch } from './sealed-record.fixture.ts'

/** What kafkajs' Java-compatible partitioner picks. */
function kafkajsPartition(key: string, count: number): number {
  const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
    partitionId,
    partitionErrorCode: 0,
    leader: 1,
    replicas: [1],
    isr: [1],
  }))
  const pick = kafkajs.Partitioners.DefaultPartitioner()
  return pick({ topic: 't', partitionMetadata, message: { key, value: null } })
}

describe('the partitioner', () => {
  test('hashes as Kafka’s Java client does', () => {
    // Kafka's own UtilsTest.testMurmur2.
    const known: readonly [string, number][] = [
      ['21', -973932308],
      ['foobar', -790332482],
      ['a-little-bit-long-string', -985981536],
      ['a-little-bit-longer-string', -1486304829],
      ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ]
    for (const [text, hash] of known) expect(murmur2(Buffer.from(text))).toBe(hash)
  })

  test('picks what kafkajs picks, for keys of every length', () => {
    const keys = Array.from({ length: 300 }, (_, n) => (n < 40 ? 'ü'.repeat(n) : anEpoch(n * 7919)))
    for (const count of [1, 3, 12, 48]) {
      for (const key of keys) expect(partitionOfKey(key, count)).toBe(kafkajsPartition(key, count))
    }
  })

  test('remembers a bounded number of epochs', () => {
    const map = new PartitionMap()
    const first = map.of('t', anEpoch(0), 48)
    expect(map.of('t', anEpoch(0), 96)).toBe(first)
    for (let n = 1; n <= 10_000; n++) map.of('t', anEpoch(n), 48)
    const again = partitionOfKey(anEpoch(0), 96)
    expect(map.of('t', anEpoch(0), 96)).toBe(again)
  })
})
