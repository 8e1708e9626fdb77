// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { SignedSizes } from './signed-sizes.ts'

it('SignedSizes hands out heads by size, whatever the order they came in', () => {
  const sizes = new SignedSizes()
  const wanted = Array.from({ length: 300 }, (_, i) => ({
    size: (i * 7919) % 300,
    root: i.toString(16).padStart(64, '0'),
    line: i,
    byteOffset: 3 * i,
  }))
  for (const head of wanted) sizes.add(head)
  const got = wanted.map((_, rank) => sizes.at(rank))
  expect(got).toEqual(wanted.toSorted((a, b) => a.size - b.size))
  expect([sizes.count, sizes.largest, sizes.at(300)]).toEqual([300, 299, undefined])
})
