// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { splitName } from './key-names.ts'
import type { Masker } from './mask.ts'
import { CUT_MARK, maskText, SECRET_MASK } from './mask.ts'

const DEPTH_MAX = 32
const NODES_MAX = 10_000
const TOTAL_CHARS_MAX = 1_048_576
/** Integers below this have too few digits to be a card or a phone number. */
const NUMBER_MIN = 1_000_000

/** A redacted deep copy; never throws, never mutates, reads every property once. */
export function copyRedacted(value: unknown, masker: Masker): unknown {
  return new Copier(masker).copy(value, '', 0)
}

class Copier {
  readonly #masker: Masker
  readonly #ancestors = new Set<object>()
  #nodes = 0
  #chars = 0

  constructor(masker: Masker) {
    this.#masker = masker
  }

  /** @param key the name that the value stands under, '' for none */
  copy(value: unknown, key: string, depth: number): unknown {
    if (++this.#nodes > NODES_MAX || this.#chars > TOTAL_CHARS_MAX) return CUT_MARK
    switch (typeof value) {
      case 'string':
        return this.#text(value, key)
      case 'number':
        return Number.isSafeInteger(value) ? this.#number(value, key) : value
      case 'bigint':
        return this.#number(value, key)
      case 'function':
        return '[function]'
      case 'symbol':
        return '[symbol]'
      case 'object':
        return value === null ? null : this.#guarded(value, key, depth)
      default:
        return value
    }
  }

  #text(text: string, key: string): string {
    const masked = maskText(text, this.#masker, phrase(key))
    this.#chars += masked.length
    return masked
  }

  #number<N extends number | bigint>(value: N, key: string): N | string {
    if (value < NUMBER_MIN) return value
    const text = String(value)
    const masked = maskText(text, this.#masker, phrase(key))
    return masked === text ? value : masked
  }

  #guarded(value: object, key: string, depth: number): unknown {
    if (this.#ancestors.has(value)) return '[circular]'
    if (depth >= DEPTH_MAX) return CUT_MARK
    this.#ancestors.add(value)
    try {
      return this.#object(value, key, depth + 1)
    } catch {
      return '[unreadable]' // a proxy whose traps throw
    } finally {
      this.#ancestors.delete(value)
    }
  }

  #object(value: object, key: string, depth: number): unknown {
    if (Array.isArray(value)) return this.#list(value, key, depth)
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      return this.#text(`[bytes ${value.byteLength}]`, '')
    }
    if (value instanceof Date) return new Date(value.getTime())
    if (value instanceof RegExp) return this.#text(String(value), key)
    if (value instanceof URL || value instanceof URLSearchParams)
      return this.#text(String(value), key)
    if (value instanceof Map) return this.#map(value, depth)
    if (value instanceof Set) return new Set(this.#list([...value], key, depth))
    const names = Object.keys(value)
    return this.#properties(value, withErrorParts(value, names), depth)
  }

  #list(list: readonly unknown[], key: string, depth: number): unknown[] {
    const out: unknown[] = []
    let secretNext = false
    for (let i = 0; i < list.length; i++) {
      if (this.#nodes >= NODES_MAX) {
        out.push(CUT_MARK)
        break
      }
      const item: unknown = list[i]
      const masked = secretNext && holdsSomething(item) ? SECRET_MASK : this.copy(item, key, depth)
      out.push(masked)
      secretNext = this.#namesNext(masked, i, list.length)
    }
    return out
  }

  /** `['--password', 'x']`, raw headers, and pairs of name and value. */
  #namesNext(item: unknown, index: number, length: number): boolean {
    if (typeof item !== 'string' || !this.#isName(item)) return false
    if (/^-{1,2}[a-z]/i.test(item)) return !item.includes('=')
    if (length === 2) return index === 0
    return index % 2 === 0 && length % 2 === 0 && HEADER_NAME.test(item)
  }

  /** Whether a text that stands beside a value is a secret's name; a sentence is none. */
  #isName(text: string): boolean {
    return text.length <= 64 && text.split(' ').length <= 3 && this.#masker.isSecret(text)
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): Map<unknown, unknown> {
    const out = new Map<unknown, unknown>()
    for (const [key, value] of map) {
      if (this.#nodes >= NODES_MAX) break
      const name = typeof key === 'string' ? key : ''
      const secret = name !== '' && holdsSomething(value) && this.#masker.isSecret(name)
      out.set(this.copy(key, '', depth), secret ? SECRET_MASK : this.copy(value, name, depth))
    }
    return out
  }

  #properties(object: object, names: readonly string[], depth: number): object {
    const out = {}
    const taken = new Map<string, number>()
    let secretValue = false
    for (const original of names) {
      if (this.#nodes >= NODES_MAX) {
        define(out, CUT_MARK, CUT_MARK)
        break
      }
      const value = read(object, original)
      const name = this.#name(original)
      const secret: boolean = this.#masker.isSecret(name) || (secretValue && name === 'value')
      const masked: unknown =
        secret && holdsSomething(value) ? SECRET_MASK : this.copy(value, name, depth)
      define(out, uniqueName(name, taken), masked)
      if (PAIR_NAMES.has(name)) {
        secretValue ||= typeof masked === 'string' && this.#isName(masked)
      }
    }
    if (
      secretValue &&
      Object.hasOwn(out, 'value') &&
      holdsSomething((out as { value?: unknown }).value)
    ) {
      define(out, 'value', SECRET_MASK)
    }
    return out
  }

  /** Names hold personal data too, where they are made from it: `{ 'ann@example.org': 3 }`. */
  #name(name: string): string {
    return /[\d@]/.test(name) || name.length > 32 ? maskText(name, this.#masker) : name
  }
}

const HEADER_NAME = /^(?:x-|(?:proxy-)?authorization$|(?:set-)?cookie$)/i
/** `{ name: 'Authorization', value: '…' }`: where the name stands in such objects. */
const PAIR_NAMES: ReadonlySet<string> = new Set(['name', 'key', 'header', 'field', 'Name', 'Key'])

function read(object: object, name: string): unknown {
  try {
    return (object as Record<string, unknown>)[name]
  } catch {
    return '[unreadable]'
  }
}

/** Nothing, a switch and an empty text are shown even under a secret name. */
function holdsSomething(value: unknown): boolean {
  return value !== undefined && value !== null && typeof value !== 'boolean' && value !== ''
}

/** `message` and `cause` of errors are not enumerable; the stack repeats the message. */
function withErrorParts(value: object, names: readonly string[]): readonly string[] {
  if (!(value instanceof Error)) return names
  const parts = ['name', 'message', 'stack', 'cause'].filter((part) => part in value)
  return [...new Set([...parts, ...names])]
}

/** Also where the name is `__proto__`. */
export function define(out: object, name: string, value: unknown): void {
  Object.defineProperty(out, name, { value, enumerable: true, writable: true, configurable: true })
}

/** Two names can become the same once masked; neither value may be lost. */
export function uniqueName(name: string, taken: Map<string, number>): string {
  const times = (taken.get(name) ?? 0) + 1
  taken.set(name, times)
  return times === 1 ? name : uniqueName(`${name}#${times}`, taken)
}

const PHRASES_MAX = 1_024
const phrases = new Map<string, string>()

/** The words of a key, as what stands before its text: `phoneNumber` → `phone number`. */
function phrase(key: string): string {
  if (key === '' || key.length > 64) return ''
  let words = phrases.get(key)
  if (words === undefined) {
    words = splitName(key).join(' ')
    if (phrases.size >= PHRASES_MAX) phrases.clear()
    phrases.set(key, words)
  }
  return words
}
