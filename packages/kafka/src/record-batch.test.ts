// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka'
import { expect, test } from 'vitest'
import { RecordLayout, recordBatch, sequenceBehind } from './record-batch.ts'
import type { TransportRecord } from './transport.ts'

function aMessage(n: number, valueBytes: number): TransportRecord {
  return {
    key: n % 2 === 0 ? `epoch-${n}` : Buffer.from(`epoch-${n}`),
    value: Buffer.alloc(valueBytes, n),
    headers: { 'spanseal-seq': `${n}`, kind: 'same', 'spanseal-übel': 'ä'.repeat(n % 70) },
    timestamp: 1_795_000_000_000 + (n % 3) * 1_000 - n,
  }
}

function batchOf(records: readonly TransportRecord[], layout = new RecordLayout()): Buffer {
  const laidOut = layout.layOut(records)
  const place = {
    producerId: 77n,
    producerEpoch: 3,
    firstSequence: 1_000,
    packing: 'none',
  } as const
  const batch = recordBatch(laidOut, { place, packed: laidOut.bytes }, crc32c)
  // The next one lies where this one lay.
  layout.reuse(laidOut)
  return batch
}

test('a batch is read as it was meant, whatever the lengths of its parts', () => {
  const layout = new RecordLayout()
  // Lengths around the places where a length takes one byte more.
  const sizes = [0, 1, 40, 62, 63, 64, 65, 7_900, 8_100, 8_191, 8_192, 70_000, 1_048_500, 1_048_600]
  const records = sizes.map((size, n) => aMessage(n, size))
  for (const some of [records, records.toReversed(), ...records.map((record) => [record])]) {
    const read = readRecordsBatch(Reader.from(batchOf(some, layout)))
    expect(read).toMatchObject({
      magic: 2,
      attributes: 0,
      lastOffsetDelta: some.length - 1,
      producerId: 77n,
      producerEpoch: 3,
      firstSequence: 1_000,
      firstTimestamp: BigInt(some[0]?.timestamp ?? 0),
      maxTimestamp: BigInt(Math.max(...some.map(({ timestamp }) => timestamp))),
    })
    const found = read.records.map(({ key, value, headers, timestampDelta, offsetDelta }, i) => {
      const names = headers.map(([name, text]) => [String(name), String(text)])
      const timestamp = Number(read.firstTimestamp + timestampDelta)
      expect(offsetDelta).toBe(i)
      return { key: String(key), value, headers: Object.fromEntries(names) as unknown, timestamp }
    })
    expect(found).toEqual(some.map((record) => ({ ...record, key: record.key.toString() })))
  }
})

test('the checksum is over all that follows it', () => {
  const batch = batchOf([aMessage(1, 100)])
  expect(batch.readUInt32BE(17)).toBe(crc32c(batch.subarray(21)))
  expect(batch.readInt32BE(8)).toBe(batch.length - 12)
})

test('sequence numbers begin again at 0 behind the highest', () => {
  expect(sequenceBehind(0, 500)).toBe(500)
  expect(sequenceBehind(2 ** 31 - 1, 1)).toBe(0)
  expect(sequenceBehind(2 ** 31 - 2, 5)).toBe(3)
})
