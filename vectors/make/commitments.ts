// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  commit,
  commitmentSalt,
  commitmentText,
  digestEncoded,
  encodeArguments,
  encodeValue,
  keyedTag,
  plainCommitment,
  pseudonym,
  StreamDigest,
} from '@spanseal/core'
import type { CommitKeys, CommitPlace, EncodedValue } from '@spanseal/core'
import { blindingKeysJson, eq, period, subjects } from './keys.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

const PLACE: CommitPlace = {
  epoch: '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00',
  seq: 41,
  pointer: '/invocation/input',
}

/** Values as JavaScript expressions. */
const VALUES: readonly (readonly [string, string])[] = [
  ['a string', '"Order A-1 is late; refund it in full"'],
  ['a short string', '"é"'],
  ['an empty string', '""'],
  ['a Buffer', 'Buffer.from("00ff10", "hex")'],
  ['a typed array', 'new Uint16Array([1, 2])'],
  ['null', 'null'],
  ['a number', '12.5'],
  ['an object', '({ order: "A-1", amount: 12.5, lines: [{ sku: "x", n: 1 }] })'],
  ['the same object in another order', '({ lines: [{ n: 1, sku: "x" }], amount: 12.5, order: "A-1" })'],
  ['undefined', 'undefined'],
  ['minus zero', '-0'],
  ['NaN', 'NaN'],
  ['infinities', '[Infinity, -Infinity]'],
  ['a bigint', '123456789012345678901234567890n'],
  ['half of a surrogate pair', '"a\\ud800"'],
  ['a symbol', 'Symbol("é")'],
  ['a date', 'new Date(1700000000000)'],
  ['no date', 'new Date(NaN)'],
  ['a regular expression', '/a\\/b/gi'],
  ['a URL', 'new URL("https://example.com/a?b=c")'],
  ['a Map', 'new Map([["a", 1n], [{ b: 2 }, undefined]])'],
  ['a Set', 'new Set(["a", 1n, true])'],
  ['boxed primitives', '[Object(1), Object("a"), Object(false), Object(2n)]'],
  ['undefined, booleans and null inside', '({ a: undefined, b: true, c: false, d: null })'],
  ['bytes inside', '({ file: Buffer.from("hi"), name: "a.txt" })'],
  ['holes', 'Object.assign(Array(6), { 0: 1, 3: 2n })'],
  ['a class instance', 'new (class Order { id = "A-1" })()'],
  ['an error', 'Object.assign(new TypeError("no", { cause: 1 }), { code: "E_NO" })'],
  ['a key named __proto__', 'JSON.parse(\'{"__proto__":1,"a":2}\')'],
  ['an object within itself', '((a) => Object.assign(a, { self: a }))({})'],
  ['an object at two places', '((a) => [a, a, 1n])({ b: 1 })'],
  ['a function', '({ callback: () => 1, name: "a" })'],
  ['private state', 'Promise.resolve(1)'],
  ['a getter that throws', '({ get a() { throw new Error("no") }, b: 1n })'],
  ['a revoked proxy', '((p) => (p.revoke(), p.proxy))(Proxy.revocable({}, {}))'],
]

const ARGUMENTS: readonly (readonly [string, string])[] = [
  ['none', '[]'],
  ['one', '[{ order: "A-1" }]'],
  ['two', '["A-1", { full: true }]'],
  ['one that is undefined', '[undefined]'],
  ['three of different kinds', '["é", Buffer.from("hi"), 1n]'],
]

const STREAMS: readonly (readonly [string, string])[] = [
  ['nothing', '[]'],
  ['texts', '["Order ", "is late", " 😀"]'],
  ['the same text in other pieces, a surrogate pair cut in two', '["Ord", "", "er is late \\ud83d", "\\ude00"]'],
  ['the same text in bytes', '[Buffer.from("Order is late 😀")]'],
  ['objects', '[{ delta: "Or" }, { delta: "der" }, 1n]'],
  ['bytes that turn into objects', '["a", { b: 1 }]'],
]

/** Evaluates in the realm of the caller: `Date` there is `Date` here. */
export function evaluated(js: string): unknown {
  return (0, eval)(`(${js})`) as unknown
}

function bytesJson(body: EncodedValue['body']): object {
  const bytes = Buffer.from(body as Uint8Array)
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) && /^[^\u0000-\u001f\ufffd]*$/.test(text)
    ? { text }
    : { hex: bytes.toString('hex') }
}

function encodedJson(encoded: EncodedValue): object {
  const { enc, h, bytes, partial } = digestEncoded(encoded)
  return { enc, body: bytesJson(encoded.body), bytes, ...(partial && { partial }), h }
}

function committed(name: string, js: string, place: CommitPlace, keys: CommitKeys, kids: readonly string[]): object {
  const digest = digestEncoded(encodeValue(evaluated(js)))
  const commitment = commit(digest, place, keys)
  return {
    name,
    js,
    keys: kids,
    place,
    commitment,
    text: commitmentText(commitment),
    opening: { h: digest.h, salt: commitmentSalt(place, keys) },
  }
}

function commitments(): readonly object[] {
  const value = '({ order: "A-1", note: "long enough to compare" })'
  const otherPlace = { ...PLACE, seq: 42, pointer: '/invocation/output' }
  const underPeriod = { keys: [period], eq } as const
  const both = { keys: [subjects.jane, subjects.john] } as const
  return [
    committed('under the period key', value, PLACE, underPeriod, ['period', 'eq']),
    committed('at another place: the same eq', value, otherPlace, underPeriod, ['period', 'eq']),
    committed('31 bytes: no eq', '"x".repeat(31)', PLACE, underPeriod, ['period', 'eq']),
    committed('32 bytes', '"x".repeat(32)', PLACE, underPeriod, ['period', 'eq']),
    committed('partial: no eq', '({ f: () => 1, text: "x".repeat(32) })', PLACE, underPeriod, ['period', 'eq']),
    committed('one data subject', value, PLACE, { keys: [subjects.jane] }, ['jane']),
    committed('two data subjects', value, PLACE, both, ['jane', 'john']),
  ]
}

/** `commitments.json`: encodings, digests, commitments and everything else that is keyed. */
export function commitmentVectors(): Files {
  const stream = (js: string): object => {
    const digest = new StreamDigest()
    for (const chunk of evaluated(js) as readonly unknown[]) digest.update(chunk)
    return digest.end(true)
  }
  return new Map([
    jsonFile('commitments.json', {
      about:
        'js is a JavaScript expression; body is what is hashed behind the encoding and a zero byte, ' +
        'bytes its length, h the digest. Keys are hex.',
      keys: blindingKeysJson(),
      values: VALUES.map(([name, js]) => ({ name, js, ...encodedJson(encodeValue(evaluated(js))) })),
      arguments: ARGUMENTS.map(([name, js]) => {
        const args = evaluated(js) as readonly unknown[]
        const encoded = args.length === 1 ? encodeValue(args[0]) : encodeArguments(args)
        return { name, js, ...encodedJson(encoded) }
      }),
      streams: STREAMS.map(([name, js]) => ({ name, chunks: js, ...stream(js) })),
      commitments: commitments(),
      plain: {
        js: '"Order A-1"',
        commitment: plainCommitment('text', 'Order A-1'),
        text: commitmentText(plainCommitment('text', 'Order A-1')),
      },
      pseudonyms: (['session', 'conversation', 'address', 'approver'] as const).map((kind) => ({
        kind,
        id: 'ié-1',
        key: 'period',
        pseudonym: pseudonym(kind, 'ié-1', period),
      })),
      tags: (['fingerprint', 'shape'] as const).map((tag) => ({
        tag,
        text: 'TypeError: é',
        key: 'eq',
        value: keyedTag(tag, 'TypeError: é', eq),
      })),
    }),
  ])
}
