// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from './errors.ts'

/** RFC 8785 (JSON Canonicalization Scheme) over I-JSON values (RFC 7493). */

/** How deep {@link canonicalize} follows; deeper values are not representable. */
export const CANONICAL_DEPTH_MAX = 256

// A quote, a backslash, a control character or half of a surrogate pair: strings without these are
// their own JSON. Tested on the whole string, this is several times faster than JSON.stringify.
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes exactly these
const NEEDS_CARE = /["\\\u0000-\u001f\ud800-\udfff]/

/**
 * The one RFC 8785 text of `value`.
 *
 * Accepts null, booleans, finite numbers but −0, well-formed strings, arrays without holes and
 * objects whose prototype is `Object.prototype` or null. Reads every property once. Ignores `toJSON`.
 *
 * @throws AuditError `NOT_REPRESENTABLE` for everything else: undefined, functions, symbols, bigint,
 * NaN, ±Infinity, −0, lone surrogates, class instances, symbol keys, a `__proto__` key, cycles, more
 * than 256 levels
 */
export function canonicalize(value: unknown): string {
  return new CanonicalWriter().write(value, 0)
}

/** The JSON text of a well-formed string, or undefined where the string has a lone surrogate. */
export function canonicalString(text: string): string | undefined {
  if (!NEEDS_CARE.test(text)) return `"${text}"`
  return text.isWellFormed() ? JSON.stringify(text) : undefined
}

/**
 * How many bytes a value takes in a line: of a string its UTF-8 between the quotes, escapes included;
 * of anything else its whole JSON.
 */
export function canonicalByteLength(value: unknown): number {
  if (typeof value !== 'string') return Buffer.byteLength(JSON.stringify(value))
  if (!NEEDS_CARE.test(value)) return Buffer.byteLength(value)
  return Buffer.byteLength(JSON.stringify(value)) - 2
}

/** Thrown where a value has no canonical JSON; kept cheap, for encoders that then choose another form. */
function notRepresentable(what: string): never {
  throw new AuditError('NOT_REPRESENTABLE', `no canonical JSON for ${what}`)
}

/**
 * Writes canonical JSON and remembers what it read, so that an encoder that has to begin again in
 * another form sees the same values and runs no getter twice.
 */
export class CanonicalWriter {
  /** Every object visited, in order, and the values its keys had. */
  readonly visited: object[] = []
  readonly values: unknown[][] = []

  write(value: unknown, depth: number): string {
    switch (typeof value) {
      case 'string':
        return canonicalString(value) ?? notRepresentable('a string with a lone surrogate')
      case 'number':
        if (!Number.isFinite(value) || Object.is(value, -0)) notRepresentable(String(value))
        return String(value)
      case 'boolean':
        return value ? 'true' : 'false'
      case 'object':
        if (value === null) return 'null'
        if (depth >= CANONICAL_DEPTH_MAX) notRepresentable('more than 256 levels')
        return Array.isArray(value) ? this.#array(value, depth) : this.#object(value, depth)
      default:
        return notRepresentable(typeof value)
    }
  }

  #array(array: readonly unknown[], depth: number): string {
    let text = '['
    for (let i = 0; i < array.length; i++) {
      if (!(i in array)) notRepresentable('an array with holes')
      if (i > 0) text += ','
      text += this.write(array[i], depth + 1)
    }
    return `${text}]`
  }

  #object(object: object, depth: number): string {
    const prototype = Object.getPrototypeOf(object)
    if (prototype !== Object.prototype && prototype !== null) notRepresentable('a class instance')
    const keys = Object.keys(object)
    if (!isAscending(keys)) keys.sort()
    const values: unknown[] = []
    this.visited.push(object)
    this.values.push(values)
    let text = '{'
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      if (key === '__proto__') notRepresentable('a key named __proto__')
      const name = canonicalString(key) ?? notRepresentable('a key with a lone surrogate')
      const value = (object as Record<string, unknown>)[key]
      values.push(value)
      text += i === 0 ? `${name}:` : `,${name}:`
      text += this.write(value, depth + 1)
    }
    return `${text}}`
  }
}

/** Whether `keys` stand in ascending order of UTF-16 code units, each once. */
export function isAscending(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) {
    if ((keys[i - 1] as string) >= (keys[i] as string)) return false
  }
  return true
}

/**
 * Whether `text` is the canonical form of `value`, which was parsed from it.
 *
 * Quick way: `JSON.stringify` gives the same text and every object's keys ascend. Where it does not
 * (integer-like keys, which V8 lists first), the canonicaliser decides.
 */
export function isCanonicalText(text: string, value: unknown): boolean {
  if (JSON.stringify(value) === text && keysAscend(value)) return true
  try {
    return canonicalize(value) === text
  } catch {
    return false
  }
}

function keysAscend(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(keysAscend)
  let last = ''
  let first = true
  for (const key in value) {
    if (!first && last >= key) return false
    if (key === '__proto__') return false
    first = false
    last = key
    const inner = (value as Record<string, unknown>)[key]
    if (typeof inner === 'object' && !keysAscend(inner)) return false
  }
  return true
}
