// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { canonicalize, leafHash } from '@spanseal/core'
import { completeRecords, minimalRecords } from '../../packages/core/src/record-samples.fixture.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

function validLine(name: string, record: object): object {
  const line = canonicalize(record)
  return { name, line, bytes: Buffer.byteLength(line), leaf: leafHash(Buffer.from(line)) }
}

type Refusal = readonly [name: string, check: string, bytes: string | Uint8Array]

function refusals(): readonly Refusal[] {
  const line = canonicalize(minimalRecords()['tool.start'])
  const end = canonicalize(completeRecords()[0]?.['tool.end'])
  const change = (from: string, to: string, of = line): string => {
    if (!of.includes(from)) throw new Error(`no ${from} to change`)
    return of.replace(from, () => to)
  }
  const nested = (levels: number): string =>
    change('"invocation"', `"ext":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)},"invocation"`)
  return [
    ['nothing', 'parse', ''],
    ['not JSON', 'parse', line.slice(0, -1)],
    ['two values', 'parse', `${line}${line}`],
    ['an array', 'parse', `[${line}]`],
    ['a byte order mark', 'parse', `\ufeff${line}`],
    ['a byte that is no UTF-8', 'parse', Buffer.concat([Buffer.from(line.slice(0, 20)), Buffer.of(0xff), Buffer.from(line.slice(20))])],
    ['an overlong UTF-8 form', 'parse', Buffer.concat([Buffer.from(line.slice(0, 20)), Buffer.of(0xc0, 0xaf), Buffer.from(line.slice(20))])],
    ['a surrogate in UTF-8', 'parse', Buffer.concat([Buffer.from(line.slice(0, 20)), Buffer.of(0xed, 0xa0, 0x80), Buffer.from(line.slice(20))])],
    ['65,536 bytes', 'parse', change('"name":"refund_order"', `"name":"${'x'.repeat(65_536 - Buffer.byteLength(line) + 12)}"`)],
    ['CR before the LF', 'canonical', `${line}\r`],
    ['a space', 'canonical', change('"rev":0', '"rev": 0')],
    ['keys out of order', 'canonical', change('"epoch":', '"zzz":0,"epoch":')],
    ['a key twice', 'canonical', change('"rev":0', '"rev":0,"rev":0')],
    ['1.0 for 1', 'canonical', change('"v":1', '"v":1.0')],
    ['an escape that is not needed', 'canonical', change('refund', '\\u0072efund')],
    ['an upper-case escape', 'canonical', change('refund', '\\u001Frefund')],
    ['half of a surrogate pair', 'canonical', change('refund', '\\ud800refund')],
    ['a key named __proto__', 'canonical', change('"invocation"', '"ext":{"__proto__":1},"invocation"')],
    ['17 levels', 'canonical', nested(16)],
    ['an unknown key', 'schema', change('"v":1', '"v":1,"w":1')],
    ['an unknown key inside', 'schema', change('"trust_level"', '"surplus":1,"trust_level"')],
    ['an unknown type', 'schema', change('tool.start', 'tool.pause')],
    ['a block that the type has not', 'schema', change('"rev":0', '"resource":{},"rev":0')],
    ['a missing block', 'schema', line.replace(/"tool":\{[^}]*\},/, '')],
    ['a status that the type has not', 'schema', change('"started"', '"success"')],
    ['a number for a decimal', 'schema', change('"verification_score":"0.97"', '"verification_score":0.97', end)],
    ['a sequence number beyond 2^53 − 1', 'schema', change('"seq":7', '"seq":9007199254740992')],
    ['a time without milliseconds', 'schema', change('00.000Z', '00Z')],
    ['a time with another zone', 'schema', change('00.000Z', '00.000+00:00')],
    ['a line separator in a name', 'schema', change('refund_order', 'refund\u2028order')],
    ['a control character in a name', 'schema', change('refund_order', 'refund\\norder')],
    ['a user’s key that needs an escape', 'schema', change('"invocation"', '"ext":{"a":[{"b\\"c":1}]},"invocation"')],
    ['a name of 257 bytes', 'schema', change('refund_order', 'é'.repeat(128) + 'x')],
    ['an id of 129 bytes', 'schema', change('"id":"unattributed"', `"id":"${'x'.repeat(129)}"`)],
    ['a permission of another form', 'schema', change('"permissions_used":[]', '"permissions_used":["disk"]')],
    ['more data classifications than 16', 'schema', change('"data_classifications":[]', `"data_classifications":[${Array(17).fill('"a"').join()}]`)],
  ]
}

/** `line.json`: a record of each type as its line and leaf, and lines that a reader refuses. */
export function lineVectors(): Files {
  const valid = [
    ...Object.entries(minimalRecords()).map(([type, record]) => validLine(`${type}, minimal`, record)),
    ...Object.entries(completeRecords()[0] as object).map(([type, record]) =>
      validLine(`${type}, complete`, record as object),
    ),
  ]
  const refused = refusals().map(([name, check, bytes]) => ({
    name,
    check,
    ...(typeof bytes === 'string' ? { line: bytes } : { hex: Buffer.from(bytes).toString('hex') }),
  }))
  return new Map([
    jsonFile('line.json', {
      about:
        'valid: lines without LF, their length in bytes and RFC 6962 leaf hash. refused: lines that ' +
        'a reader must not take, and the first check that says so; hex where they are no UTF-8.',
      valid,
      refused,
    }),
  ])
}
