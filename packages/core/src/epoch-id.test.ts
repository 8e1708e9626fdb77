// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { epochBelongsTo, epochId, epochMillis, isEpochId } from './epoch-id.ts'
import { codeOf } from './error-code.fixture.ts'

const AT = Date.parse('2026-11-21T09:30:00.000Z')

test('an epoch id is a UUIDv7 with the time and the bits of the key’s digest', () => {
  const key = Buffer.alloc(32, 7)
  const digest = createHash('sha256').update('spanseal/epoch/1\0').update(key).digest()
  const bits = [...digest]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, 74)
  const binary = `${AT.toString(2).padStart(48, '0')}0111${bits.slice(0, 12)}10${bits.slice(12)}`
  const hex = BigInt(`0b${binary}`).toString(16).padStart(32, '0')
  expect(epochId(key, AT).replaceAll('-', '')).toBe(hex)
})

test('it belongs to its key and no other, at every time', () => {
  const keys = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(keys, keys, fc.nat(2 ** 48 - 1), (key, other, millis) => {
      const epoch = epochId(key, millis)
      expect(isEpochId(epoch)).toBe(true)
      expect(epochMillis(epoch)).toBe(millis)
      expect(epochBelongsTo(epoch, key)).toBe(true)
      expect(epochBelongsTo(epoch, other)).toBe(Buffer.from(key).equals(other))
    }),
  )
})

test('later epochs sort behind earlier ones', () => {
  const key = Buffer.alloc(32, 7)
  expect(epochId(key, AT) < epochId(key, AT + 1)).toBe(true)
  expect(epochId(key, 0) < epochId(key, 2 ** 48 - 1)).toBe(true)
})

test.each([-1, 1.5, 2 ** 48, Number.NaN, Infinity])('%d is no time to begin at', (millis) => {
  expect(codeOf(() => epochId(Buffer.alloc(32), millis))).toBe('INVALID_OPTION')
})

test.each([
  '',
  '019a5f3c-8e2b-4c41-9d3a-5b6c7d8e9f00',
  '019a5f3c-8e2b-7c41-cd3a-5b6c7d8e9f00',
  '019A5F3C-8E2B-7C41-9D3A-5B6C7D8E9F00',
  '019a5f3c8e2b7c419d3a5b6c7d8e9f00',
  '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00\n',
])('%j has not the form of an epoch id', (text) => {
  expect(isEpochId(text)).toBe(false)
  expect(epochBelongsTo(text, Buffer.alloc(32))).toBe(false)
})
