// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'

/** Throws `INVALID_OPTION`: the option, the value, and what to give instead. */
export function refuse(option: string, value: unknown, expected: string): never {
  throw new AuditError(
    'INVALID_OPTION',
    `${option}: ${shown(value)} is not usable; give ${expected}`,
    { details: { option } },
  )
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'this list'
  if (typeof value === 'object' && value !== null) return 'this object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** Refuses a field that the options do not have: it would silently do nothing. */
export function assertKnownKeys(label: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) refuse(label, options, 'an object')
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    refuse(`${label}.${unknown}`, 'this option', `one of ${known.join(', ')}`)
  }
}

export interface IntegerRange {
  readonly min: number
  readonly max: number
  readonly fallback: number
}

/** `value` within the range, or the default where it is not given. */
export function integerOption(
  option: string,
  value: number | undefined,
  range: IntegerRange,
): number {
  if (value === undefined) return range.fallback
  if (Number.isSafeInteger(value) && value >= range.min && value <= range.max) return value
  return refuse(option, value, `a whole number from ${range.min} to ${range.max}`)
}

/** A text that `pattern` matches, or the default where it is not given. */
export function textOption(
  option: string,
  value: string | undefined,
  rule: { readonly pattern: RegExp; readonly expected: string; readonly fallback: string },
): string {
  if (value === undefined) return rule.fallback
  if (typeof value === 'string' && rule.pattern.test(value)) return value
  return refuse(option, value, rule.expected)
}
