// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Makes an input of about `length` bytes out of a valid one. */
export type Shape = (seed: Buffer, length: number) => Buffer

/** Inputs of any length that make a careless parser slow or large. */
export const HOSTILE_SHAPES: Readonly<Record<string, Shape>> = {
  'the seed again and again': (seed, length) => repeated(seed, length),
  'lines without end': (seed, length) => grown(seed, '\n', length),
  'a long name': (seed, length) => grown(seed, 'a', length),
  'a long number': (seed, length) => grown(seed, '9', length),
  'long base64': (seed, length) => grown(seed, 'A+/=', length),
  'deep lists': (seed, length) => grown(seed, '[', length),
  'deep objects': (seed, length) => grown(seed, '{"a":', length),
  'keys without end': (seed, length) => grown(seed, '"a":1,', length),
  'a list without end': (_, length) => Buffer.from(`[${'1,'.repeat(length / 2)}1]`),
  'signatures without end': (seed, length) => grown(seed, '— a AAAAAAAA\n', length),
  escapes: (seed, length) => grown(seed, '\\u0000', length),
  spaces: (seed, length) => grown(seed, ' ', length),
  'bytes that are no UTF-8': (seed, length) => grown(seed, Buffer.of(0xed, 0xa0), length),
}

/** Whole parts only: what ends in the middle of one may be refused at a glance. */
function repeated(part: Buffer, length: number): Buffer {
  const count = Math.floor(length / Math.max(1, part.length))
  return Buffer.alloc(count * part.length, part)
}

/** The seed with a long run in its middle. */
function grown(seed: Buffer, part: string | Buffer, length: number): Buffer {
  const half = Math.floor(seed.length / 2)
  const run = repeated(Buffer.from(part), Math.max(0, length - seed.length))
  return Buffer.concat([seed.subarray(0, half), run, seed.subarray(half)])
}
