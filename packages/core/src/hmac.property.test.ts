// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HmacKey } from './hmac.ts'

test('HmacKey is HMAC-SHA-256, whatever the lengths and whatever came before', () => {
  const key = fc.uint8Array({ minLength: 0, maxLength: 64 })
  const messages = fc.array(fc.uint8Array({ maxLength: 2000 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(key, messages, (bytes, all) => {
      const hmac = new HmacKey(bytes)
      for (const message of all) {
        const expected = createHmac('sha256', bytes).update(message).digest().toString('latin1')
        expect(hmac.latin1(Buffer.from(message).toString('latin1'))).toBe(expected)
      }
    }),
  )
})

test('texts are taken as UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const expected = createHmac('sha256', 'key').update(text, 'utf8').digest().toString('latin1')
      expect(new HmacKey(Buffer.from('key')).utf8(text)).toBe(expected)
    }),
  )
})

test('keys over one block are refused', () => {
  expect(() => new HmacKey(new Uint8Array(65))).toThrow(RangeError)
})
