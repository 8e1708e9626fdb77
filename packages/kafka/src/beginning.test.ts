// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { beginningOf } from './beginning.ts'

const found = { place: 'audit.records.v1/0', low: 10n, high: 20n }
const at = (offset: bigint): bigint =>
  beginningOf({ kind: 'offsets', offsets: new Map([['audit.records.v1/0', offset]]) }, found)

describe('a partition is read from', () => {
  test('its lowest offset, its end, or the offset asked for', () => {
    expect(beginningOf({ kind: 'beginning' }, found)).toBe(10n)
    expect(beginningOf({ kind: 'end' }, found)).toBe(20n)
    expect(at(15n)).toBe(15n)
    expect(at(20n)).toBe(20n)
  })

  test('its lowest offset where what was asked for has expired, or nothing was', () => {
    expect(at(3n)).toBe(10n)
    const other = new Map([['audit.records.v1/1', 15n]])
    expect(beginningOf({ kind: 'offsets', offsets: other }, found)).toBe(10n)
  })

  test('the first offset of a time', () => {
    const from = { kind: 'time', millis: 0 } as const
    expect(beginningOf(from, { ...found, found: '17' })).toBe(17n)
    expect(beginningOf(from, { ...found, found: '7' })).toBe(10n)
    expect(beginningOf(from, found)).toBe(10n)
  })

  test('nowhere when the offset lies behind its end', () => {
    expect(() => at(21n)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('audit.records.v1/0 ends at 20, before 21') as string,
      }),
    )
  })
})
