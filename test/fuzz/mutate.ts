// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Hostile inputs out of valid ones. */

/** A number from 0 to below `below`. */
export type Random = (below: number) => number

/** mulberry32: the same numbers at every run. */
export function randomFrom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const INPUT_BYTES_MAX = 65_536 * 2

/** What parsers stumble over. */
const WORDS: readonly Buffer[] = [
  ...['\n', '\n\n', '\r\n', '\0', ' ', '\t', '\ufeff', '\u2028', '"', '\\', '\\ud800', '\\u0000'],
  ...['0', '-0', '00', '1e999', '-1', '1.0', '9007199254740993', '99999999999999999999999', '1e-7'],
  ...['null', 'true', '{}', '[]', '{"', '"__proto__":{},', '"constructor":1,', '=', '==', '+', '/'],
  ...[
    '— ',
    '— a AAAAAAA=\n',
    '..',
    '../',
    'NaN',
    'Infinity',
    '2026-02-30T00:00:00.000Z',
    'é',
    'e\u0301',
  ],
].map((word) => Buffer.from(word))

const BAD_UTF8: readonly Buffer[] = [
  Buffer.of(0xff),
  Buffer.of(0xc0, 0x80),
  Buffer.of(0xed, 0xa0, 0x80),
  Buffer.of(0xf4, 0x90, 0x80, 0x80),
  Buffer.of(0xe2, 0x82),
]

type Mutation = (input: Buffer, random: Random, other: Buffer) => Buffer

function spliced(input: Buffer, at: number, cut: number, put: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, at), put, input.subarray(at + cut)])
}

function place(input: Buffer, random: Random): number {
  return random(input.length + 1)
}

/** Where one of the bytes stands, from a random place on. */
function find(input: Buffer, random: Random, wanted: (byte: number) => boolean): number {
  const from = random(Math.max(1, input.length))
  const behind = input.subarray(from).findIndex(wanted)
  return behind >= 0 ? from + behind : input.findIndex(wanted)
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

const mutations: readonly Mutation[] = [
  function flipBit(input, random) {
    const at = random(Math.max(1, input.length))
    return spliced(input, at, 1, Buffer.of((input[at] ?? 0) ^ (1 << random(8))))
  },
  function otherByte(input, random) {
    return spliced(input, place(input, random), 1, Buffer.of(random(256)))
  },
  function cutEnd(input, random) {
    return input.subarray(0, place(input, random))
  },
  function cutPart(input, random) {
    return spliced(input, place(input, random), 1 + random(64), Buffer.alloc(0))
  },
  function repeatPart(input, random) {
    const at = place(input, random)
    const part = input.subarray(at, at + 1 + random(200))
    return spliced(input, place(input, random), 0, part)
  },
  function repeatOften(input, random) {
    const at = place(input, random)
    const part = input.subarray(at, at + 1 + random(40))
    return spliced(input, at, 0, Buffer.concat(Array.from({ length: random(400) }, () => part)))
  },
  function repeatLine(input, random) {
    const start = find(input, random, (byte) => byte === 10) + 1
    const end = input.indexOf(10, start) + 1
    return spliced(input, start, 0, input.subarray(start, Math.max(start, end)))
  },
  function repeatField(input, random) {
    const start = find(input, random, (byte) => byte === 0x2c)
    const end = input.indexOf(0x2c, start + 1)
    return start < 0 || end < 0 ? input : spliced(input, start, 0, input.subarray(start, end))
  },
  function word(input, random) {
    return spliced(input, place(input, random), random(2) * random(8), pick(WORDS, random))
  },
  function badUtf8(input, random) {
    return spliced(input, place(input, random), random(2), pick(BAD_UTF8, random))
  },
  function hugeNumber(input, random) {
    const at = find(input, random, isDigit)
    const digits = `${1 + random(9)}${'0123456789'.repeat(1 + random(100))}`
    return spliced(input, Math.max(0, at), 1, Buffer.from(digits.slice(0, 1 + random(1000))))
  },
  function otherNumber(input, random) {
    const at = find(input, random, isDigit)
    return spliced(input, Math.max(0, at), 1, Buffer.from(String(random(10))))
  },
  function nest(input, random) {
    const depth = 1 + random(5_000)
    const open = pick(['[', '{"a":', '{"":['], random)
    return spliced(input, place(input, random), 0, Buffer.from(open.repeat(depth)))
  },
  function lengthBytes(input, random) {
    const bytes = pick(
      [Buffer.of(0xff, 0xff), Buffer.of(0, 0), Buffer.of(0x84, 0xff, 0xff, 0xff, 0xff)],
      random,
    )
    return spliced(input, place(input, random), bytes.length, bytes)
  },
  function splice(input, random, other) {
    return Buffer.concat([
      input.subarray(0, place(input, random)),
      other.subarray(place(other, random)),
    ])
  },
  function spliceSamePlace(input, random, other) {
    const at = place(input, random)
    return Buffer.concat([input.subarray(0, at), other.subarray(at)])
  },
  function transplant(input, random, other) {
    const from = place(other, random)
    const part = other.subarray(from, from + 1 + random(400))
    return spliced(input, place(input, random), random(2) * part.length, part)
  },
]

export function pick<T>(items: readonly T[], random: Random): T {
  return items[random(items.length)] as T
}

/** One to four mutations of one of the inputs. */
export function mutated(inputs: readonly Buffer[], random: Random): Buffer {
  let input = pick(inputs, random)
  for (let i = 0; i <= random(4); i++) {
    input = pick(mutations, random)(input, random, pick(inputs, random))
  }
  return Buffer.from(input.subarray(0, INPUT_BYTES_MAX))
}
