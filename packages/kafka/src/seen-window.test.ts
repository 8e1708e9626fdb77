// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { aRecord } from './sealed-record.fixture.ts'
import { SeenWindow } from './seen-window.ts'

test('a place is new, then a duplicate; with other bytes it is a fork', () => {
  const seen = new SeenWindow(10)
  expect(seen.see(aRecord(1))).toBe('new')
  expect(seen.see(aRecord(1))).toBe('duplicate')
  expect(seen.see(aRecord(1, { bytes: 5 }))).toBe('fork')
  seen.clear()
  expect(seen.see(aRecord(1))).toBe('new')
})

test('the oldest places are forgotten', () => {
  const seen = new SeenWindow(4)
  for (const seq of [1, 2, 3, 4, 5]) seen.see(aRecord(seq))
  expect([3, 4, 5].map((seq) => seen.see(aRecord(seq)))).toEqual(Array(3).fill('duplicate'))
  expect(seen.see(aRecord(1))).toBe('new')
  expect(new SeenWindow(0).see(aRecord(1))).toBe('new')
})
