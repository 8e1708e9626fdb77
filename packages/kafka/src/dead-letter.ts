// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { MessagePlace } from './bounded-read.ts'
import type { PutAside } from './dead-letter-message.ts'
import { carriedHeaders, DEAD_LETTER_HEADERS } from './dead-letter-message.ts'
import type { MessageHeaders } from './parse-message.ts'

/** Where a message that was put aside had lain, or should have. */
export interface DeadLetterOrigin {
  readonly topic: string
  readonly partition: number
  /** Decimal digits; undefined where the topic never took it. */
  readonly offset?: string
}

/** A message that was put aside. */
export interface DeadLetter {
  /** Where the dead letter itself lies. */
  readonly place: MessagePlace
  /** Undefined for a message of the dead-letter topic that is no dead letter. */
  readonly origin: DeadLetterOrigin | undefined
  /** One sentence without content of the message. */
  readonly reason: string
  /** When it was put aside, by the clock of whoever did. */
  readonly at: Date
  readonly key: Uint8Array | null
  /** As it came; null also where it was left out. */
  readonly value: Uint8Array | null
  /** The message's own headers. */
  readonly headers: Readonly<Record<string, string | Uint8Array>>
  /** What was too large to be put aside. */
  readonly leftOut: readonly ('headers' | 'key' | 'value')[]
  /** Bytes of the value, also where it was left out. */
  readonly valueBytes: number
  /** Whether it has been put back already. */
  readonly replayed: boolean
}

/** A message of the dead-letter topic as it lies there. */
export interface RawDeadLetter {
  readonly place: MessagePlace
  /** Unix milliseconds. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: MessageHeaders
}

/** Names an origin; undefined where it has no offset, and so may come again. */
export function originName(letter: Pick<DeadLetter, 'origin'>): string | undefined {
  const { origin } = letter
  if (origin?.offset === undefined) return undefined
  return `${origin.topic}/${origin.partition}/${origin.offset}`
}

/** Names the place of a dead letter within its topic: `<partition>/<offset>`. */
export function placeInTopic({ partition, offset }: MessagePlace): string {
  return `${partition}/${offset}`
}

/** What a mark says: that this dead letter, and others of the same origin, have been put back. */
export interface ReplayMark {
  readonly place: string
  readonly origin: string | undefined
}

/** The mark that a message of the dead-letter topic is; undefined where it is none. */
export function replayMarkOf({ headers }: Pick<RawDeadLetter, 'headers'>): ReplayMark | undefined {
  const place = headerText(headers, DEAD_LETTER_HEADERS.replayed)
  if (place === undefined) return undefined
  return { place, origin: headerText(headers, DEAD_LETTER_HEADERS.replayedOrigin) }
}

const LEFT_OUT = ['headers', 'key', 'value'] as const
const DIGITS = /^\d{1,18}$/
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/
const REASON_LENGTH_MAX = 1_000

/** The dead letter in a message of the topic; nothing in it is believed to be well formed. */
export function deadLetterOf(raw: RawDeadLetter, replayed: boolean): DeadLetter {
  const { place, timestamp, key, value, headers } = raw
  const names = DEAD_LETTER_HEADERS
  const origin = originOf(headers)
  const absent = (headerText(headers, names.absent) ?? '').split(',')
  const said = (headerText(headers, names.leftOut) ?? '').split(',')
  const leftOut = LEFT_OUT.filter((part) => said.includes(part))
  const withoutValue = absent.includes('value') || leftOut.includes('value')
  const length = headerText(headers, names.valueBytes) ?? ''
  return {
    place,
    origin,
    reason:
      origin === undefined
        ? 'no dead letter: it does not say where it comes from'
        : (headerText(headers, names.reason) ?? '').slice(0, REASON_LENGTH_MAX),
    at: new Date(timestamp),
    key: absent.includes('key') || leftOut.includes('key') ? null : key,
    value: withoutValue ? null : value,
    headers: carriedHeaders(headers) ?? {},
    leftOut,
    valueBytes:
      leftOut.includes('value') && DIGITS.test(length) ? Number(length) : (value?.length ?? 0),
    replayed,
  }
}

function originOf(headers: MessageHeaders): DeadLetterOrigin | undefined {
  const topic = headerText(headers, DEAD_LETTER_HEADERS.topic)
  const partition = headerText(headers, DEAD_LETTER_HEADERS.partition)
  const offset = headerText(headers, DEAD_LETTER_HEADERS.offset)
  if (topic === undefined || !TOPIC.test(topic)) return undefined
  if (partition === undefined || !/^\d{1,9}$/.test(partition)) return undefined
  if (offset !== undefined && !DIGITS.test(offset)) return undefined
  return { topic, partition: Number(partition), ...(offset === undefined ? {} : { offset }) }
}

/** A header that comes once, as text. */
function headerText(headers: MessageHeaders, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined
}

/** The message as it was before it was put aside. */
export function originalOf(letter: DeadLetter): Pick<PutAside, 'key' | 'value' | 'headers'> {
  return { key: letter.key, value: letter.value, headers: letter.headers }
}
