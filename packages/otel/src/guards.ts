// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, UNATTRIBUTED } from '@spanseal/core'

const NAME_BYTES_MAX = 256
const ID_BYTES_MAX = 128
// What could forge lines or move a terminal's cursor when a name is printed.
const UNSAFE_IN_NAMES = /[\p{Cc}\u2028\u2029]/u

/** Throws `INVALID_OPTION`: the option, the value, and what to give instead. */
export function refuse(option: string, value: unknown, expected: string): never {
  throw new AuditError(
    'INVALID_OPTION',
    `${option}: ${shown(value)} is not usable; give ${expected}`,
    {
      details: { option },
    },
  )
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** Refuses a field that the options do not have: it would silently do nothing. */
export function assertKnownKeys(label: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) refuse(label, options, 'an object')
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined)
    refuse(`${label}.${unknown}`, 'this option', `one of ${known.join(', ')}`)
}

function assertText(option: string, value: string, bytesMax: number): string {
  const usable =
    typeof value === 'string' &&
    value.length > 0 &&
    value.isWellFormed() &&
    Buffer.byteLength(JSON.stringify(value)) - 2 <= bytesMax &&
    !UNSAFE_IN_NAMES.test(value)
  if (usable) return value
  return refuse(option, value, `text of 1 to ${bytesMax} bytes without control characters`)
}

/** A name for people: at most 256 bytes in its JSON form. */
export function assertName(option: string, value: string): string {
  return assertText(option, value, NAME_BYTES_MAX)
}

/** An id: at most 128 bytes in its JSON form, and not the word kept for missing identity. */
export function assertId(option: string, value: string): string {
  if (value === UNATTRIBUTED) refuse(option, value, 'a real id: this word marks a missing identity')
  return assertText(option, value, ID_BYTES_MAX)
}

/** One of a fixed set of words. */
export function assertOneOf<T extends string>(option: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value
  return refuse(option, value, `one of ${words.join(', ')}`)
}
