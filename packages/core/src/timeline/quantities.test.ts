// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { formatBytes, formatDuration, formatMillis, formatSizeClass } from './quantities.ts'

it('writes durations with the unit that fits, at most eight columns wide', () => {
  const cases: readonly (readonly [bigint, string])[] = [
    [0n, '0 ns'],
    [999n, '999 ns'],
    [1_500n, '1.5 µs'],
    [412_345_678n, '412 ms'],
    [82_560_000n, '82.5 ms'],
    [1_250_000_000n, '1.25 s'],
    [59_999_999_999n, '59.9 s'],
    [125_000_000_000n, '2m 05s'],
    [3_780_000_000_000n, '1h 03m'],
    [273_600_000_000_000n, '3d 04h'],
    [-1_500n, '-1.5 µs'],
  ]
  for (const [nanos, text] of cases) {
    expect(formatDuration(nanos)).toBe(text)
    expect(text.length).toBeLessThanOrEqual(8)
  }
  expect(formatMillis(0)).toBe('0 ms')
  expect(formatMillis(1_204)).toBe('1.2 s')
})

it('writes byte counts in powers of a thousand', () => {
  expect([0, 999, 1_000, 1_420, 12_345_678, 3e9].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '1.4 kB',
    '12 MB',
    '3.0 GB',
  ])
})

it('says that small sizes are only bounds', () => {
  expect(formatSizeClass(64)).toBe('≤ 64 B')
  expect(formatSizeClass(256)).toBe('256 B')
})
