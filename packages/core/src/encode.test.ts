// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import {
  digestArguments,
  digestValue,
  encodeArguments,
  encodeValue,
  StreamDigest,
} from './encode.ts'

/** An encoding as `<enc> <body>`, bytes that are not ASCII as \xHH, with `!` behind what is partial. */
function shown(value: unknown): string {
  const { enc, body, partial } = encodeValue(value)
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('latin1')
  const escaped = text.replace(/[^ -~]/g, (char) =>
    typeof body === 'string' ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return `${enc} ${escaped}${partial ? ' (partial)' : ''}`
}

class Order {
  readonly id = 'A-1'
  readonly #secret = 1
  secret(): number {
    return this.#secret
  }
}

class Sealed {
  readonly #secret = 1
  secret(): number {
    return this.#secret
  }
}

const self: { self?: unknown } = {}
self.self = self
const pair = { n: 1n }

describe('encodeValue', () => {
  test.each<[string, unknown, string]>([
    ['a string', 'é', 'text é'],
    ['an empty string', '', 'text '],
    ['a Buffer', Buffer.from('hi'), 'bytes hi'],
    ['any view', new Uint16Array([0x6968]), 'bytes hi'],
    ['part of a buffer', new DataView(new Uint8Array([0, 104, 105, 0]).buffer, 1, 2), 'bytes hi'],
    ['an ArrayBuffer', new Uint8Array([104, 105]).buffer, 'bytes hi'],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2), 'bytes \\x00\\x00'],
    ['null', null, 'json null'],
    ['a number', 1.5, 'json 1.5'],
    ['a plain object', { b: 1, a: ['x'] }, 'json {"a":["x"],"b":1}'],
    ['undefined', undefined, 'typed/1 u'],
    ['minus zero', -0, 'typed/1 d\\x80\\x00\\x00\\x00\\x00\\x00\\x00\\x00'],
    ['NaN', Number.NaN, 'typed/1 d\\x7f\\xf8\\x00\\x00\\x00\\x00\\x00\\x00'],
    ['Infinity', Infinity, 'typed/1 d\\x7f\\xf0\\x00\\x00\\x00\\x00\\x00\\x00'],
    ['a bigint', -12n, 'typed/1 i3:-12'],
    ['half of a surrogate pair', 'a\ud800', 'typed/1 w4:\\x00a\\xd8\\x00'],
    ['a symbol', Symbol('é'), 'typed/1 y2:\\xc3\\xa9'],
    ['a Date', new Date(1), 'typed/1 D?\\xf0\\x00\\x00\\x00\\x00\\x00\\x00'],
    ['no date', new Date(Number.NaN), 'typed/1 D\\x7f\\xf8\\x00\\x00\\x00\\x00\\x00\\x00'],
    ['a RegExp', /a\/b/gi, 'typed/1 r8:/a\\/b/gi'],
    ['a URL', new URL('https://a.example/?q=1'), 'typed/1 U22:https://a.example/?q=1'],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['a', 1n],
        [{}, undefined],
      ]),
      'typed/1 M2:s1:ai1:1o0:u',
    ],
    ['a Set', new Set([1n, 'a']), 'typed/1 S2:i1:1s1:a'],
    ['a boxed number', [Object(2n), new String('a')], 'typed/1 a2:Bi1:2Bs1:a'],
    [
      'undefined inside',
      { a: undefined, b: true, c: false, d: null },
      'typed/1 o4:s1:aus1:bts1:cfs1:dn',
    ],
    ['bytes inside', { a: Buffer.from('hi') }, 'typed/1 o1:s1:ab2:hi'],
    ['holes', Object.assign(Array(5), { 0: 1n, 3: 2n }), 'typed/1 a5:i1:1h2:i1:2h1:'],
    ['an instance', new Order(), 'typed/1 c5:Ordero1:s2:ids3:A-1'],
    ['an error', new TypeError('no'), 'typed/1 c9:TypeErroro1:s7:messages2:no'],
    [
      'an error with a cause and a code',
      Object.assign(new Error('no', { cause: 1n }), { code: 'E' }),
      'typed/1 c5:Erroro3:s5:causei1:1s4:codes1:Es7:messages2:no',
    ],
    [
      'a key named __proto__',
      JSON.parse('{"__proto__":1}'),
      'typed/1 o1:s9:__proto__d?\\xf0\\x00\\x00\\x00\\x00\\x00\\x00',
    ],
    ['a cycle', self, 'typed/1 o1:s4:selfx1:0'],
    ['a shared part', [pair, pair], 'typed/1 a2:o1:s1:ni1:1x1:1'],
    ['a function', { f: () => 1 }, 'typed/1 o1:s1:f!8:function (partial)'],
    ['private state', new Sealed(), 'typed/1 c6:Sealed!6:opaque (partial)'],
    ['a promise', Promise.resolve(1), 'typed/1 c7:Promise!6:opaque (partial)'],
    ['a WeakMap', [new WeakMap()], 'typed/1 a1:c7:WeakMap!6:opaque (partial)'],
    ['a Map of another realm', runInNewContext('new Map'), 'typed/1 c3:Map!6:opaque (partial)'],
  ])('%s', (_, value, text) => {
    expect(shown(value)).toBe(text)
  })

  test('methods of an instance are not asked', () => {
    const date = Object.assign(new Date(1), { getTime: () => 7, toString: () => 'x' })
    const map = Object.assign(new Map([[1n, 1n]]), { entries: () => [] })
    expect(shown(date)).toBe(shown(new Date(1)))
    expect(shown(map)).toBe(shown(new Map([[1n, 1n]])))
  })

  test('a class may call itself anything', () => {
    class Odd {
      static readonly name: unknown = 7
      readonly a = 1n
    }
    expect(shown(new Odd())).toBe('typed/1 c0:o1:s1:ai1:1')
    expect(shown(new (class {})())).toBe('typed/1 c0:!6:opaque (partial)')
  })
})

describe('what throws when it is read', () => {
  const throwing = {
    get a(): never {
      throw new Error('no')
    },
    b: 1n,
  }
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  const hostile = new Proxy(
    {},
    {
      getPrototypeOf() {
        throw new Error('no')
      },
    },
  )
  const hostileItems = new Proxy([1, 2], {
    get(target, key) {
      if (key === '1') throw new Error('no')
      return Reflect.get(target, key) as unknown
    },
  })
  const detached = new ArrayBuffer(8)
  structuredClone(detached, { transfer: [detached] })

  test.each<[string, unknown, string]>([
    ['a getter', throwing, 'typed/1 o2:s1:a!10:unreadables1:bi1:1 (partial)'],
    ['a getter in an array', [throwing], 'typed/1 a1:o2:s1:a!10:unreadables1:bi1:1 (partial)'],
    ['a revoked proxy', revoked, 'typed/1 !10:unreadable (partial)'],
    ['a revoked proxy inside', { a: revoked }, 'typed/1 o1:s1:a!10:unreadable (partial)'],
    [
      'a revoked proxy at two places',
      [revoked, revoked, self, self],
      'typed/1 a4:!10:unreadable!10:unreadableo1:s4:selfx1:1x1:1 (partial)',
    ],
    ['a proxy that hides its prototype', hostile, 'typed/1 !10:unreadable (partial)'],
    [
      'an item',
      hostileItems,
      'typed/1 a2:d?\\xf0\\x00\\x00\\x00\\x00\\x00\\x00!10:unreadable (partial)',
    ],
    ['a detached buffer', detached, 'typed/1 !10:unreadable (partial)'],
  ])('%s becomes a marker, and the rest stays', (_, value, text) => {
    expect(shown(value)).toBe(text)
  })
})

describe('reading', () => {
  function counting(): { reads: number; value: object } {
    const counter = { reads: 0, value: {} }
    Object.defineProperty(counter.value, 'a', {
      enumerable: true,
      get: () => ++counter.reads,
    })
    return counter
  }

  test.each<[string, (value: object) => unknown]>([
    ['alone', (value) => value],
    ['before what is not JSON', (value) => ({ a: value, b: 1n })],
    ['behind what is not JSON', (value) => ({ a: 1n, b: value })],
    ['at two places', (value) => [value, value]],
    ['at two places, before and behind what is not JSON', (value) => [value, 1n, value]],
    ['in a Map beside itself', (value) => new Map([[value, value]])],
    ['in a cycle', (value) => Object.assign(value, { self: { value } })],
    ['deep', (value) => [[[[{ a: { b: [value] } }]]]]],
    [
      'among many objects',
      (value) => [...Array.from({ length: 200 }, () => ({})), value, 1n, value],
    ],
  ])('a getter runs once: %s', (_, place) => {
    const counter = counting()
    encodeValue(place(counter.value))
    expect(counter.reads).toBe(1)
  })

  test('a getter that throws runs once', () => {
    let reads = 0
    const value = {
      get a(): never {
        throw new Error(String(++reads))
      },
    }
    encodeValue([value, value, 1n])
    expect(reads).toBe(1)
  })

  test('an item of an array with an accessor is read once', () => {
    let reads = 0
    const array = Object.defineProperty([0], 0, { enumerable: true, get: () => ++reads })
    encodeValue([array, 1n])
    expect(reads).toBe(1)
  })

  test('a getter that changes its object does not shift what was read', () => {
    const value: Record<string, unknown> = {
      get b(): number {
        value['a'] = 'late'
        return 1
      },
      c: 1n,
    }
    expect(shown(value)).toBe('typed/1 o2:s1:bd?\\xf0\\x00\\x00\\x00\\x00\\x00\\x00s1:ci1:1')
  })

  test('a Map that grows while it is read ends', () => {
    const map = new Map<unknown, unknown>()
    map.set('a', {
      get more() {
        map.set({}, 1)
        return 1n
      },
    })
    expect(shown(map)).toBe('typed/1 M1:s1:ao1:s4:morei1:1')
  })
})

describe('size', () => {
  test('100,000 levels become a marker', () => {
    for (const open of ['[', '{"a":']) {
      const close = open === '[' ? ']' : '}'
      const value: unknown = JSON.parse(`${open.repeat(100_000)}1${close.repeat(100_000)}`)
      const { enc, partial, body } = encodeValue(value)
      expect([enc, partial]).toEqual(['typed/1', true])
      expect(Buffer.from(body).toString()).toMatch(/!5:depth$/)
    }
  })

  test('a long array of holes is a few bytes', () => {
    const array: unknown[] = []
    array[3_000_000_000] = 1n
    array.length = 2 ** 32 - 1
    expect(shown(array)).toBe('typed/1 a4294967295:h3000000000:i1:1h1294967294:')
  })

  test('an array proxy that claims to be endless ends', () => {
    const endless = new Proxy([], {
      get: (_, key) => (key === 'length' ? 2 ** 32 - 1 : 'x'.repeat(1_000_000)),
      has: () => true,
    })
    const { enc, partial } = digestValue(endless)
    expect([enc, partial]).toEqual(['typed/1', true])
  })

  test('what unfolds to 2^60 parts is encoded as what it is', () => {
    let value: unknown = ['x']
    for (let i = 0; i < 60; i++) value = [value, value]
    const { enc, partial, bytes } = digestValue(value)
    expect([enc, partial]).toEqual(['typed/1', false])
    expect(bytes).toBeLessThan(1000)
  })

  test('a million items are taken', () => {
    expect(digestValue(Array.from({ length: 1_000_000 }, (_, i) => i)).enc).toBe('json')
    expect(digestValue(Array.from({ length: 100_000 }, (_, i) => BigInt(i))).partial).toBe(false)
  })
})

function sha256(enc: string, ...parts: readonly (string | Uint8Array)[]): string {
  const sha = createHash('sha256').update(`${enc}\0`)
  for (const part of parts) sha.update(part)
  return sha.digest('hex')
}

describe('digests', () => {
  test.each<[unknown, string, string | Uint8Array]>([
    ['é', 'text', 'é'],
    ['x'.repeat(100_000), 'text', 'x'.repeat(100_000)],
    [Buffer.alloc(10, 7), 'bytes', Buffer.alloc(10, 7)],
    [Buffer.alloc(100_000, 7), 'bytes', Buffer.alloc(100_000, 7)],
    [{ b: 1, a: 2 }, 'json', '{"a":2,"b":1}'],
    [1n, 'typed/1', 'i1:1'],
  ])('are SHA-256 over encoding, zero and bytes', (value, enc, body) => {
    expect(digestValue(value)).toEqual({
      enc,
      h: sha256(enc, body),
      bytes: Buffer.byteLength(body),
      partial: false,
    })
  })

  test('of one argument are those of the value', () => {
    expect(digestArguments([{ a: 1 }])).toEqual(digestValue({ a: 1 }))
    expect(digestArguments([undefined])).toEqual(digestValue(undefined))
  })

  test('of none or several say how many', () => {
    expect(encodeArguments([])).toEqual({ enc: 'args/1', body: Buffer.from('0:'), partial: false })
    expect(encodeArguments(['é', 1, () => 1])).toEqual({
      enc: 'args/1',
      body: Buffer.from('3:7:text\0é6:json\x001' + '19:typed/1\0!8:function'),
      partial: true,
    })
    expect(digestArguments([]).h).toBe(sha256('args/1', '0:'))
  })
})

describe('StreamDigest', () => {
  function digestOf(...chunks: readonly unknown[]): ReturnType<StreamDigest['end']> {
    const digest = new StreamDigest()
    for (const chunk of chunks) digest.update(chunk)
    return digest.end(true)
  }

  test('bytes and texts are bytes', () => {
    const expected = { enc: 'bytes', h: sha256('bytes', 'abé'), bytes: 4, partial: false }
    expect(digestOf('a', Buffer.from('b'), new Uint8Array(Buffer.from('é')))).toEqual(expected)
    expect(digestOf(new Uint8Array(Buffer.from('abé')).buffer)).toEqual(expected)
  })

  test('a surrogate pair may be cut in two', () => {
    expect(digestOf('a\ud83d', '\ude00b')).toEqual(digestOf('a😀b'))
    expect(digestOf('a\ud83d', '', '\ude00b')).toEqual(digestOf('a😀b'))
  })

  test('half of one is U+FFFD and partial', () => {
    const partial = { ...digestOf('a\ufffd'), partial: true }
    expect(digestOf('a\ud83d')).toEqual(partial)
    expect(digestOf('a', '\ude00')).toEqual(partial)
    expect(digestOf('a\ud83d', Buffer.from('b'))).toEqual({
      ...digestOf('a\ufffdb'),
      partial: true,
    })
  })

  test('objects are items', () => {
    expect(digestOf({ a: 1 }, 'b', 1n)).toEqual({
      enc: 'items/1',
      h: sha256('items/1', '12:json\0{"a":1}', '6:text\0b', '12:typed/1\0i1:1'),
      bytes: '12:json.{"a":1}6:text.b12:typed/1.i1:1'.length,
      partial: false,
    })
  })

  test('nothing is no bytes, unless it is known to be items', () => {
    expect(digestOf()).toEqual(digestOf(''))
    expect(digestOf()).toEqual({ enc: 'bytes', h: sha256('bytes'), bytes: 0, partial: false })
    expect(new StreamDigest('items/1').end(true).h).toBe(sha256('items/1'))
  })

  test('texts can be items where that is known', () => {
    const digest = new StreamDigest('items/1')
    digest.update('a')
    expect(digest.end(true).h).toBe(sha256('items/1', '6:text\0a'))
  })

  test('an object behind bytes is not committed, and the commitment partial', () => {
    expect(digestOf('a', { b: 1 }, 'c')).toEqual({ ...digestOf('ac'), partial: true })
  })

  test('what broke off is partial, and nothing is taken after the end', () => {
    const digest = new StreamDigest()
    digest.update('a')
    const ended = digest.end(false)
    digest.update('b')
    expect(digest.end(true)).toEqual(ended)
    expect(ended).toEqual({ ...digestOf('a'), partial: true })
  })

  test('hostile chunks do not throw', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(digestOf(proxy)).toMatchObject({ enc: 'items/1', partial: true })
    expect(digestOf('a', proxy)).toMatchObject({ enc: 'bytes', partial: true })
  })
})
