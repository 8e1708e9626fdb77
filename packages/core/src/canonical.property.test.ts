// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import independent from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalByteLength, canonicalize, isCanonicalText } from './canonical.ts'
import { jsonValue, wellFormed } from './json-value.fixture.ts'

test('canonicalize agrees with an independent implementation of RFC 8785', () => {
  fc.assert(
    fc.property(jsonValue, (value) => {
      expect(canonicalize(value)).toBe(independent(value))
    }),
  )
})

test('parsing and writing again changes nothing', () => {
  fc.assert(
    fc.property(jsonValue, (value) => {
      const text = canonicalize(value)
      expect(canonicalize(JSON.parse(text))).toBe(text)
      expect(isCanonicalText(text, JSON.parse(text))).toBe(true)
    }),
  )
})

test('a text is canonical exactly when canonicalizing its value gives it back', () => {
  fc.assert(
    fc.property(jsonValue, fc.nat(2), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      const parsed: unknown = JSON.parse(text)
      expect(isCanonicalText(text, parsed)).toBe(text === independent(parsed))
    }),
  )
})

test('the length of a text is that of its canonical bytes', () => {
  fc.assert(
    fc.property(wellFormed, (text) => {
      expect(canonicalByteLength(text)).toBe(Buffer.byteLength(canonicalize(text)) - 2)
    }),
  )
})
