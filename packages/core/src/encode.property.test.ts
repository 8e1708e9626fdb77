// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestValue, encodeArguments, encodeValue, StreamDigest } from './encode.ts'
import { decodeValue } from './encoded-value.fixture.ts'
import { isKey, jsonValue } from './json-value.fixture.ts'

/** Values that JSON has not, and such as differ only in what an encoding could lose. */
const anyValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(undefined, null, true, false, 0, -0, 1, '', '1', 'a', Number.NaN, Infinity, 1n),
    fc.double(),
    fc.bigInt(),
    fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.sparseArray(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 2 }).filter(isKey), tie('value'), {
      noNullPrototype: true,
      maxKeys: 4,
    }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new Set(items)),
  ),
})).value

/** Equal in everything that counts; not whether there is a prototype, or which view bytes have. */
function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b))
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? new Uint8Array(value) : structuredClone(value)
}

test('what is encoded can be decoded: nothing is lost and nothing is ambiguous', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const { enc, body, partial } = encodeValue(value)
      expect(partial).toBe(false)
      expect(same(decodeValue(enc, body), value)).toBe(true)
    }),
  )
})

test('JSON takes the way of JSON and comes back', () => {
  fc.assert(
    fc.property(jsonValue, (value) => {
      const { enc, body } = encodeValue(value)
      expect(enc).toBe(typeof value === 'string' ? 'text' : 'json')
      expect(same(decodeValue(enc, body), value)).toBe(true)
    }),
  )
})

test('equal digests mean equal values, equal values equal digests', () => {
  fc.assert(
    fc.property(anyValue, anyValue, (a, b) => {
      expect(digestValue(a)).toEqual(digestValue(structuredClone(a)))
      expect(digestValue(a).h !== digestValue(b).h || same(a, b)).toBe(true)
    }),
  )
})

test('arguments and items can be told apart', () => {
  fc.assert(
    fc.property(fc.array(anyValue), (values) => {
      const { enc, body } = encodeArguments(values)
      const decoded = decodeValue(enc, body) as readonly unknown[]
      expect(decoded).toHaveLength(values.length)
      expect(decoded.every((value, i) => same(value, values[i]))).toBe(true)
    }),
  )
})

test('a stream has one digest however it is cut', () => {
  const pieces = fc.array(fc.string({ unit: 'binary' }), { maxLength: 6 })
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(40)), fc.array(fc.nat(40)), (texts, cuts, byteCuts) => {
      const text = texts.join('')
      const whole = digestOf([text])
      expect(whole).toEqual({ ...digestValue(Buffer.from(text)), enc: 'bytes' })
      expect(digestOf(cut(text, cuts))).toEqual(whole)
      expect(digestOf(cut(Buffer.from(text), byteCuts))).toEqual(whole)
    }),
  )
})

function digestOf(chunks: readonly unknown[]): ReturnType<StreamDigest['end']> {
  const digest = new StreamDigest()
  for (const chunk of chunks) digest.update(chunk)
  return digest.end(true)
}

function cut<T extends string | Uint8Array>(whole: T, at: readonly number[]): readonly T[] {
  const places = [0, ...at.toSorted((a, b) => a - b), whole.length]
  return places.slice(1).map((end, i) => whole.slice(places[i], end) as T)
}

test('no value makes it throw', () => {
  fc.assert(
    fc.property(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withSparseArray: true,
        withNullPrototype: true,
        withObjectString: true,
        withBoxedValues: true,
      }),
      (value) => {
        expect(digestValue(value).h).toMatch(/^[0-9a-f]{64}$/)
        expect(digestOf([value, value]).h).toMatch(/^[0-9a-f]{64}$/)
      },
    ),
  )
})
