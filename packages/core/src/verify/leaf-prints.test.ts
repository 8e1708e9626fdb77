// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { LeafPrints } from './leaf-prints.ts'

it('LeafPrints tells a leaf from another, as far as it goes', () => {
  const prints = new LeafPrints()
  for (let seq = 0; seq < 5000; seq++) prints.set(seq, seq.toString(16).padStart(8, '0').repeat(8))
  expect(prints.matches(4999, '00001387'.repeat(8))).toBe(true)
  expect(prints.matches(4999, '00001388'.repeat(8))).toBe(false)
  prints.set(2 ** 40, 'f'.repeat(64))
  expect(prints.matches(2 ** 40, 'f'.repeat(64))).toBe(false)
})
