// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { Arrivals } from './arrivals.ts'

function arrivals(...offsets: readonly number[]): Parameters<Arrivals['push']>[0] {
  return offsets.map((n) => ({ place: `t/${n % 2}`, offset: BigInt(n), bytes: 10 }))
}

const offsetsOf = (list: ReturnType<Arrivals['take']>): number[] =>
  list.map((a) => Number(a.offset))

describe('arrivals', () => {
  test('come out in order, within the limits, at least one', () => {
    const queue = new Arrivals()
    queue.push(arrivals(1, 2, 3, 4))
    expect(offsetsOf(queue.take({ recordCountMax: 1, bytesMax: 100 }))).toEqual([1])
    expect(offsetsOf(queue.take({ recordCountMax: 9, bytesMax: 20 }))).toEqual([2, 3])
    expect(offsetsOf(queue.take({ recordCountMax: 9, bytesMax: 1 }))).toEqual([4])
    expect(queue.take({ recordCountMax: 9, bytesMax: 1 })).toEqual([])
    expect(queue.bytes).toBe(0)
    expect(queue.empty).toBe(true)
  })

  test('of partitions that went to somebody else are dropped', () => {
    const queue = new Arrivals()
    queue.push(arrivals(1, 2, 3))
    queue.keepOnly(new Set(['t/1']))
    expect(queue.bytes).toBe(20)
    expect(offsetsOf(queue.take({ recordCountMax: 9, bytesMax: 100 }))).toEqual([1, 3])
  })

  test('wake who waits', async () => {
    const queue = new Arrivals()
    const waiting = queue.changed(60_000)
    queue.push(arrivals(1))
    await waiting
    const forRoom = queue.changed(60_000)
    queue.take({ recordCountMax: 1, bytesMax: 100 })
    await forRoom
    expect(queue.empty).toBe(true)
  })
})
