// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { canonicalByteLength, canonicalize, isCanonicalText } from './canonical.ts'
import { codeOf } from './error-code.fixture.ts'

const jcs = new URL('../../../../shared/vectors/jcs/', import.meta.url)

describe('the vectors of RFC 8785’s author', () => {
  test('each input becomes its output', ({ skip }) => {
    skip(!existsSync(jcs), '../shared/vectors/jcs is not there')
    for (const file of readdirSync(new URL('input/', jcs))) {
      const input = readFileSync(new URL(`input/${file}`, jcs), 'utf8')
      const hex = readFileSync(new URL(`outhex/${file.replace('.json', '.txt')}`, jcs), 'utf8')
      const text = canonicalize(JSON.parse(input))
      expect(text).toBe(readFileSync(new URL(`output/${file}`, jcs), 'utf8'))
      expect(Buffer.from(text)).toEqual(Buffer.from(hex.replace(/\s/g, ''), 'hex'))
      expect(isCanonicalText(text, JSON.parse(text))).toBe(true)
    }
  })
})

describe('canonicalize', () => {
  test.each([
    [null, 'null'],
    [true, 'true'],
    ['', '""'],
    ['**bold** <b> `x` [a](b)', '"**bold** <b> `x` [a](b)"'],
    ['"\\\b\f\n\r\t\u0000\u001f', '"\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f"'],
    ['\u007f\u2028\u2029€😀', '"\u007f\u2028\u2029€😀"'],
    ['\\ud800', '"\\\\ud800"'],
    [0, '0'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    [1 / 3, '0.3333333333333333'],
    [2 ** 53 + 2, '9007199254740994'],
    [[], '[]'],
    [[1, [2, { b: [], a: {} }]], '[1,[2,{"a":{},"b":[]}]]'],
    [{ 10: 'ten', 9: 'nine', a: 1 }, '{"10":"ten","9":"nine","a":1}'],
    [{ '\u20ac': 1, '\ud83d\ude00': 2, '\ufb33': 3, '\r': 4 }, '{"\\r":4,"€":1,"😀":2,"\ufb33":3}'],
    [{ '': 1, ' ': 2 }, '{"":1," ":2}'],
    [Object.assign(Object.create(null), { b: 1, a: 2 }), '{"a":2,"b":1}'],
    [{ a: 1, [Symbol('hidden')]: 2 }, '{"a":1}'],
    [Object.defineProperty({ a: 1 }, 'hidden', { value: 2 }), '{"a":1}'],
    [{ toJSON: 1 }, '{"toJSON":1}'],
  ])('%j becomes %s', (value, text) => {
    expect(canonicalize(value)).toBe(text)
    expect(isCanonicalText(text, JSON.parse(text))).toBe(true)
  })

  test('objects of another realm are objects', () => {
    expect(canonicalize(runInNewContext('({b: [1], a: {}})'))).toBe('{"a":{},"b":[1]}')
  })

  test('more keys than are sorted by insertion come in the same order', () => {
    const keys = Array.from({ length: 40 }, (_, i) => `k${(i * 7) % 40}`)
    const value = Object.fromEntries(keys.map((key) => [key, 0]))
    expect(Object.keys(JSON.parse(canonicalize(value)) as object)).toEqual(keys.toSorted())
  })

  test('256 levels are followed', () => {
    const text = `${'['.repeat(256)}${']'.repeat(256)}`
    expect(canonicalize(JSON.parse(text))).toBe(text)
  })

  test('a shared object stands at each of its places and is read once', () => {
    let reads = 0
    const shared = {
      get a(): number {
        return ++reads
      },
    }
    expect(canonicalize({ x: shared, y: [shared, shared] })).toBe(
      '{"x":{"a":1},"y":[{"a":1},{"a":1}]}',
    )
  })

  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['undefined inside', { a: undefined }],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a bigint', 1n],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['minus zero', -0],
    ['half of a surrogate pair', '\ud800'],
    ['the other half, inside', { a: ['x\udc00'] }],
    ['half of a surrogate pair in a key', { '\ud800': 1 }],
    ['half of a surrogate pair beside an integer-like key', { 1: '\ud800' }],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['an instance', new (class A {})()],
    ['a boxed number', Object(1)],
    ['an array with holes', Array(2)],
    ['a key named __proto__', JSON.parse('{"__proto__":1}')],
    ['a cycle', cycle],
    ['257 levels', JSON.parse(`${'['.repeat(257)}${']'.repeat(257)}`)],
    ['100,000 levels', JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('no')
        },
      },
    ],
    ['a revoked proxy', proxy],
    ['what unfolds to 2^40 parts', unfolding(40)],
  ])('%s has no canonical form', (_, value) => {
    expect(codeOf(() => canonicalize(value))).toBe('NOT_REPRESENTABLE')
  })
})

function unfolding(levels: number): unknown {
  let value: unknown = ['x']
  for (let i = 0; i < levels; i++) value = [value, value]
  return value
}

describe('isCanonicalText', () => {
  test.each([
    '{"b":1,"a":2}',
    '{"a": 1}',
    ' 1',
    '1.0',
    '-0',
    '1e2',
    '"\\u0041"',
    '"\\u000A"',
    '"\\/"',
    '"\\ud800"',
    '{"\\ud800":1}',
    '"\\ud83d\\ude00"',
    '{"a":1,"a":1}',
    '{"__proto__":1}',
    '{"9":1,"10":1}',
    '[{"b":1,"a":2}]',
    '{"a":{"c":[{"z":1,"y":1}]}}',
    '9007199254740993',
    `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
  ])('%j is not canonical', (text) => {
    expect(isCanonicalText(text, JSON.parse(text))).toBe(false)
  })
})

test('canonicalByteLength counts UTF-8 and escapes between the quotes', () => {
  for (const text of ['', 'a', 'é€😀', '"\\\n\u0001', 'x'.repeat(300)]) {
    expect(canonicalByteLength(text)).toBe(Buffer.byteLength(canonicalize(text)) - 2)
  }
  expect(canonicalByteLength({ a: ['é'] })).toBe(Buffer.byteLength('{"a":["é"]}'))
})
