// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { JoinedBytes } from './joined-bytes.ts'

it('gives its parts back joined, however many there are', () => {
  for (const count of [0, 1, 1_023, 1_024, 1_025, 5_000]) {
    const joined = new JoinedBytes()
    const parts = Array.from({ length: count }, (_, i) => Buffer.from(`${i},`))
    for (const part of parts) joined.add(part, Buffer.from(';'))
    expect(joined.bytes().toString()).toBe(parts.map((part) => `${part.toString()};`).join(''))
  }
})
