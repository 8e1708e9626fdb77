// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { SeqRanges } from './seq-ranges.ts'

it('SeqRanges knows what is in doubt, neighbours as one range', () => {
  const ranges = new SeqRanges()
  expect([ranges.empty, ranges.first]).toEqual([true, Infinity])
  for (const seq of [5, 6, 7, 20]) ranges.add(seq, seq)
  expect([4, 5, 7, 8, 20].map((seq) => ranges.has(seq))).toEqual([false, true, true, false, true])
  expect([ranges.empty, ranges.first]).toEqual([false, 5])
  expect([20, 21].map((seq) => ranges.reaches(seq))).toEqual([true, false])
})

it('SeqRanges beyond a thousand doubts what lies between, and never less than was added', () => {
  const ranges = new SeqRanges()
  for (let i = 0; i < 1500; i++) ranges.add(2 * i, 2 * i)
  for (let i = 0; i < 1500; i++) expect(ranges.has(2 * i)).toBe(true)
  expect(ranges.has(1)).toBe(false)
})
