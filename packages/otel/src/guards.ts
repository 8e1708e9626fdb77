// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, canonicalByteLength, TEXT_CAPS, UNATTRIBUTED } from '@spanseal/core'
import { createRedactor } from './redact/redact.ts'

// What could forge lines or move a terminal's cursor when a name is printed.
const UNSAFE_IN_NAMES = /[\p{Cc}\u2028\u2029]/u

// What comes with every task and step, or with broken glass, is people's: no message of ours repeats it.
const RUNTIME_OPTION = /^(?:task|reasoning|handoff|userInput|output|breakGlass)\b/
const SHOWN_LENGTH_MAX = 80
const TIMEOUT_MILLIS_MAX = 2 ** 31 - 1
const { text: redacted } = createRedactor()

/** Throws `INVALID_OPTION`: the option, the value, and what to give instead. */
export function refuse(option: string, value: unknown, expected: string): never {
  const given = RUNTIME_OPTION.test(option) ? kindOf(value) : shown(value)
  throw new AuditError('INVALID_OPTION', `${option}: ${given} is not usable; give ${expected}`, {
    details: { option },
  })
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(redacted(value).slice(0, SHOWN_LENGTH_MAX))
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value)
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? 'a list' : 'an object'
  }
  return value === undefined || value === null ? String(value) : `a ${typeof value}`
}

/** Refuses a field that the options do not have: it would silently do nothing. */
export function assertKnownKeys(label: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) refuse(label, options, 'an object')
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown === undefined) return
  const option = `${label}.${redacted(unknown).slice(0, SHOWN_LENGTH_MAX)}`
  throw new AuditError('INVALID_OPTION', `${option} is not known; known are ${known.join(', ')}`, {
    details: { option },
  })
}

/** Text for people to write into, of any length; it is committed. */
export function assertText(option: string, value: string): string {
  return typeof value === 'string' ? value : refuse(option, value, 'a text')
}

function isLine(value: unknown, bytesMax: number): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.isWellFormed() &&
    canonicalByteLength(value) <= bytesMax &&
    !UNSAFE_IN_NAMES.test(value)
  )
}

function assertLine(option: string, value: string, bytesMax: number): string {
  if (isLine(value, bytesMax)) return value
  return refuse(option, value, `text of 1 to ${bytesMax} bytes without control characters`)
}

/** Whether a record can hold it as an id, and it is not the word for missing identities. */
export function isId(value: unknown): value is string {
  return value !== UNATTRIBUTED && isLine(value, TEXT_CAPS.id)
}

/** A name for people: at most 256 bytes in its JSON form. */
export function assertName(option: string, value: string): string {
  return assertLine(option, value, TEXT_CAPS.name)
}

/** An id: at most 128 bytes in its JSON form, and not the word kept for missing identity. */
export function assertId(option: string, value: string): string {
  if (value === UNATTRIBUTED) refuse(option, value, 'a real id: this word marks a missing identity')
  return assertLine(option, value, TEXT_CAPS.id)
}

/** One of a fixed set of words. */
export function assertOneOf<T extends string>(option: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value
  return refuse(option, value, `one of ${words.join(', ')}`)
}

/** A list of texts, each held to `assert`; returns a copy. */
export function assertTexts(
  option: string,
  list: readonly string[],
  assert: (option: string, value: string) => string = assertId,
): readonly string[] {
  if (!Array.isArray(list)) refuse(option, list, 'a list of texts')
  return list.map((text: string, i) => assert(`${option}[${i}]`, text))
}

export function assertBoolean(option: string, value: boolean): boolean {
  return typeof value === 'boolean' ? value : refuse(option, value, 'true or false')
}

export function assertFunction(option: string, value: unknown): void {
  if (typeof value !== 'function') refuse(option, value, 'a function')
}

/** A whole number from `min` up. */
export function assertCount(option: string, value: number, min: number): number {
  if (Number.isSafeInteger(value) && value >= min) return value
  return refuse(option, value, `a whole number from ${min} up`)
}

/** A time-out that `setTimeout` takes. */
export function assertMillis(option: string, millis: number): number {
  if (typeof millis === 'number' && millis > 0 && millis <= TIMEOUT_MILLIS_MAX) return millis
  return refuse(option, millis, `milliseconds from 1 to ${TIMEOUT_MILLIS_MAX}`)
}

/** A number from 0 to `max` as the record's decimal string: up to nine decimals, no exponent. */
export function decimalText(option: string, value: number, max: number): string {
  if (typeof value !== 'number' || !(value >= 0 && value <= max)) {
    refuse(option, value, `a number from 0 to ${max}`)
  }
  return value.toFixed(9).replace(/\.?0+$/, '')
}
