// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'

/** Arbitrary values for property tests. */

const ODD_TEXTS = [
  '',
  '"',
  '\\',
  '\n',
  '\u0000',
  '\u2028',
  '\u007f',
  '😀',
  'ﬁ',
  '\\ud800',
  '\\u0041',
]

/** Texts of any characters, the awkward ones more often. */
export const wellFormed: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.constantFrom(...ODD_TEXTS, 'a')).map((parts) => parts.join('')),
)

/** Keys, with those that JavaScript orders or treats in a way of its own; never `__proto__`. */
const key: fc.Arbitrary<string> = fc
  .oneof(
    wellFormed,
    fc.nat(200).map(String),
    fc.constantFrom('constructor', 'toString', 'toJSON', 'length', '01', '-1', '1.5', '4294967295'),
  )
  .filter((text) => isKey(text))

/**
 * Whether JSON.parse can be asked to read it back: after a key with a backslash V8 takes others with an
 * escape for it (https://github.com/nodejs/node/issues/63785).
 */
export function isKey(text: string): boolean {
  return text !== '__proto__' && !text.includes('\\')
}

const number: fc.Arbitrary<number> = fc
  .oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(2 ** 53 + 2, 1e21, 1e-7, 5e-324),
  )
  .map((n) => (n === 0 ? 0 : n))

/** Any I-JSON value. */
export const jsonValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    number,
    wellFormed,
    fc.array(tie('value')),
    fc.dictionary(key, tie('value'), { noNullPrototype: false }),
  ),
})).value
