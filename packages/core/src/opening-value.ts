// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EncodedValue, Encoding } from './encode.ts'
import { encodeArguments, encodeValue } from './encode.ts'
import { JoinedBytes } from './joined-bytes.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const LF = 0x0a

/**
 * What a file's bytes can have been committed as under an encoding, the most literal first; none
 * where they cannot be read so. JSON is read for `json`, and for `args/1` and `items/1` as an array
 * of the arguments or items; a text is also tried without the line feed that editors put at its end.
 * What has no file form (dates, maps, undefined: most of `typed/1`) is given in its encoded bytes.
 */
export function encodingsOf(bytes: Uint8Array, enc: Encoding): EncodedValue[] {
  if (enc === 'bytes') return [{ enc, body: bytes, partial: false }]
  const text = textOf(bytes)
  if (text === undefined) return []
  if (enc === 'text') {
    const cut = bytes.at(-1) === LF ? [text.slice(0, -1)] : []
    return [text, ...cut].map((body) => ({ enc, body, partial: false }))
  }
  const value = jsonOf(text)
  if (value === undefined) return []
  if (enc !== 'args/1' && enc !== 'items/1') return [encodeValue(value.json)].filter(isOf(enc))
  if (!Array.isArray(value.json)) return []
  return [enc === 'args/1' ? encodeArguments(value.json) : encodeItems(value.json)]
}

/** Every encoding that a file's bytes can stand for. */
export function allEncodingsOf(bytes: Uint8Array): EncodedValue[] {
  const all: readonly Encoding[] = ['bytes', 'text', 'json', 'typed/1', 'args/1', 'items/1']
  return all.flatMap((enc) => encodingsOf(bytes, enc))
}

function isOf(enc: Encoding): (encoded: EncodedValue) => boolean {
  return (encoded) => encoded.enc === enc
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function jsonOf(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** `items/1`, as `StreamDigest` hashes it. */
function encodeItems(items: readonly unknown[]): EncodedValue {
  const joined = new JoinedBytes()
  let partial = false
  for (const item of items) {
    const encoded = encodeValue(item)
    partial ||= encoded.partial
    const part = Buffer.concat([
      Buffer.from(`${encoded.enc}\0`),
      Buffer.from(encoded.body as string),
    ])
    joined.add(Buffer.from(`${part.length}:`), part)
  }
  return { enc: 'items/1', body: joined.bytes(), partial }
}
