// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { canonicalize } from '@spanseal/core'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

const TEXTS: readonly (readonly [string, string])[] = [
  ['null', 'null'],
  ['keys are sorted at every level', '{"b":{"z":1,"a":[{"y":1,"x":2}]},"a":true}'],
  ['white space goes', '{ "a" : [ 1 , 2 ] ,\n"b" : "c d" }'],
  ['numbers have their shortest form', '[1.0,1e0,0.10,100e-2,1E+2,1e21,123456789012345680000,5e-324]'],
  ['exponents begin at 1e21 and end at 1e-7', '[100000000000000000000,1e21,0.000001,1e-7]'],
  ['escapes only where they must be', '"\\u0041\\/\\u00e9\\u20ac\\ud83d\\ude00\\u007f"'],
  ['short escapes where there are some', '"\\u0008\\u0009\\u000a\\u000c\\u000d\\u0022\\u005c"'],
  ['other control characters in lower-case hex', '"\\u0000\\u001F\\u000B"'],
  ['line separators stand as they are', '"\\u2028\\u2029"'],
  ['keys are compared by UTF-16 code units', '{"\\ufb33":1,"\\ud83d\\ude00":2,"\\u20ac":3,"\\r":4,"1":5,"\\u0080":6}'],
  ['integer-like keys are keys like others', '{"10":1,"9":2,"-1":3,"a":4,"01":5}'],
  ['keys of every JavaScript object', '{"constructor":1,"toString":2,"hasOwnProperty":3,"toJSON":4}'],
  ['empty keys and values', '{"":"","a":[],"b":{}}'],
  ['a backslash before ud800 is no surrogate', '"\\\\ud800"'],
]

const REFUSED: readonly (readonly [string, string])[] = [
  ['minus zero', '-0'],
  ['half of a surrogate pair', '"\\ud800"'],
  ['the other half', '"\\udc00"'],
  ['both halves in the wrong order', '"\\ude00\\ud83d"'],
  ['half of a surrogate pair in a key', '{"\\ud800":1}'],
  ['a key named __proto__', '{"__proto__":1}'],
]

/** `canonical.json`: JSON texts and their RFC 8785 form, and texts whose value has none. */
export function canonicalVectors(): Files {
  return new Map([
    jsonFile('canonical.json', {
      about:
        'valid: the value of json has the one canonical form canonical. ' +
        'refused: the value of json has none, though some parsers accept the text.',
      valid: TEXTS.map(([name, json]) => ({ name, json, canonical: canonicalize(JSON.parse(json)) })),
      refused: REFUSED.map(([name, json]) => ({ name, json })),
    }),
  ])
}
