// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { sha256Hex } from '@spanseal/core'
import type { MessageHeaders } from './parse-message.ts'
import type { TransportRecord } from './transport.ts'

/** A message to put aside, and why. */
export interface PutAside {
  readonly topic: string
  readonly partition: number
  /** Decimal digits; undefined for what its topic never took. */
  readonly offset?: string | undefined
  /** One sentence without content of the message. */
  readonly reason: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: MessageHeaders | undefined
}

/** A message that is not what its topic holds. */
export interface MalformedMessage extends PutAside {
  /** Decimal digits. */
  readonly offset: string
}

/** The headers of a dead letter; the message's own headers come beside them. */
export const DEAD_LETTER_HEADERS = {
  topic: 'spanseal-topic',
  partition: 'spanseal-partition',
  offset: 'spanseal-offset',
  reason: 'spanseal-reason',
  /** `key`, `value` or both with a comma: these were null, not empty. */
  absent: 'spanseal-absent',
  /** `headers`, `key`, `value`, with commas: too large to be put aside. */
  leftOut: 'spanseal-left-out',
  valueBytes: 'spanseal-value-bytes',
  valueSha256: 'spanseal-value-sha256',
  /** On a message without key and value: which dead letter was put back, and whence it had come. */
  replayed: 'spanseal-replayed',
  replayedOrigin: 'spanseal-replayed-origin',
} as const

const OWN_NAMES: ReadonlySet<string> = new Set(Object.values(DEAD_LETTER_HEADERS))

/** What a dead letter may have, so that a topic made by `createTopics` takes it. */
export const DEAD_LETTER_BYTES_MAX = 900_000
const HEADER_BYTES_MAX = 32_768
const KEY_BYTES_MAX = 32_768

/**
 * A dead letter: key, value and headers as they came, and where they lay and why.
 *
 * What is too large is left out and said: the message itself still lies where it lay.
 *
 * @param bare leave out the value, whatever its size
 * @param whole leave out no value, because it lies nowhere else
 */
export function deadLetterMessage(
  found: PutAside,
  {
    timestamp,
    bare = false,
    whole = false,
  }: { readonly timestamp: number; readonly bare?: boolean; readonly whole?: boolean },
): TransportRecord {
  const { key, value } = found
  const carried = carriedHeaders(found.headers ?? {})
  const keepsKey = (key?.length ?? 0) <= KEY_BYTES_MAX
  const keepsValue = !bare && (whole || (value?.length ?? 0) <= DEAD_LETTER_BYTES_MAX)
  const leftOut = [
    ...(carried === undefined ? ['headers'] : []),
    ...(keepsKey ? [] : ['key']),
    ...(keepsValue ? [] : ['value']),
  ]
  const absent = [...(key === null ? ['key'] : []), ...(value === null ? ['value'] : [])]
  const names = DEAD_LETTER_HEADERS
  return {
    key: (keepsKey ? key : null) ?? new Uint8Array(),
    value: (keepsValue ? value : null) ?? new Uint8Array(),
    timestamp,
    headers: {
      ...carried,
      [names.topic]: found.topic,
      [names.partition]: `${found.partition}`,
      ...(found.offset === undefined ? {} : { [names.offset]: found.offset }),
      [names.reason]: found.reason,
      ...(absent.length > 0 ? { [names.absent]: absent.join(',') } : {}),
      ...(leftOut.length > 0 ? { [names.leftOut]: leftOut.join(',') } : {}),
      ...(keepsValue || value === null
        ? {}
        : { [names.valueBytes]: `${value.length}`, [names.valueSha256]: sha256Hex(value) }),
    },
  }
}

/**
 * The message's own headers, without those that would be taken for a dead letter's; of one that comes
 * several times the last. Undefined when they are too large.
 */
export function carriedHeaders(
  headers: MessageHeaders,
): Record<string, string | Uint8Array> | undefined {
  const carried: Record<string, string | Uint8Array> = {}
  let bytes = 0
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? (value as readonly (string | Uint8Array)[]).at(-1) : value
    if (last === undefined || OWN_NAMES.has(name) || name === '__proto__') continue
    carried[name] = last as string | Uint8Array
    bytes += name.length + (last as string | Uint8Array).length
    if (bytes > HEADER_BYTES_MAX) return undefined
  }
  return carried
}
