// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * The shape of a value: its keys, types and classes of size, without content. Equal shapes have
 * equal texts, whatever order the keys have; the caller hashes the text under a key.
 *
 *     shape  = "null" | "bool" | "int" | "num" | "big" | text | bytes | list | map | object
 *            | "date" | "fn" | "undef" | "symbol" | "getter" | "cycle" | "other" | "~"
 *     text   = "t" class          bytes = "b" class
 *     class  = 0 (empty) | 1 (to 64) | 2 (to 1,024) | 3 (to 16,384) | 4 (more)
 *     list   = "[" count shapes "]"        map = "map{" shapes "}"       object = "{" key ":" shape, … "}"
 *
 * `count` is a class of the number of items; `shapes` are the distinct shapes of the first 64 items,
 * sorted, joined by "|". An object with over 64 keys or one that is no identifier is `map{…}`: its
 * keys are data. "~" stands for what lies deeper than 12 levels or behind 2,000 nodes.
 */

const DEPTH_MAX = 12
const NODES_MAX = 2_000
const KEYS_MAX = 64
const ITEMS_MAX = 64
const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/

/** What walks along with the shape, so that a value is read once for all that is observed of it. */
export interface ShapeVisitor {
  text(text: string): void
  bytes(length: number): void
  key(name: string, value: unknown): void
  /** Not all of the value was looked at, or something could not be read. */
  partial(why: 'cut' | 'unreadable'): void
}

/** The shape of `value` as a text. Never throws; runs no getter. */
export function shapeText(value: unknown): string {
  return new Shape(undefined).of(value, 0)
}

/** As {@link shapeText}, and `visitor` is told what is met on the way. */
export function visitShape(value: unknown, visitor: ShapeVisitor): string {
  return new Shape(visitor).of(value, 0)
}

class Shape {
  readonly #visitor: ShapeVisitor | undefined
  readonly #ancestors: object[] = []
  #nodes = 0

  constructor(visitor: ShapeVisitor | undefined) {
    this.#visitor = visitor
  }

  of(value: unknown, depth: number): string {
    if (++this.#nodes > NODES_MAX) return this.#cut()
    switch (typeof value) {
      case 'string':
        this.#visitor?.text(value)
        return `t${classOf(value.length)}`
      case 'number':
        return Number.isInteger(value) ? 'int' : 'num'
      case 'boolean':
        return 'bool'
      case 'undefined':
        return 'undef'
      case 'bigint':
        return 'big'
      case 'symbol':
        return 'symbol'
      case 'function':
        return 'fn'
      default:
        return value === null ? 'null' : this.#guarded(value as object, depth)
    }
  }

  #cut(): string {
    this.#visitor?.partial('cut')
    return '~'
  }

  #guarded(value: object, depth: number): string {
    if (this.#ancestors.includes(value)) return 'cycle'
    if (depth >= DEPTH_MAX) return this.#cut()
    this.#ancestors.push(value)
    try {
      return this.#object(value, depth + 1)
    } catch {
      this.#visitor?.partial('unreadable')
      return 'other'
    } finally {
      this.#ancestors.pop()
    }
  }

  #object(value: object, depth: number): string {
    // The quick way for what nearly everything is.
    if (Object.getPrototypeOf(value) === Object.prototype) return this.#properties(value, depth)
    if (Array.isArray(value)) return this.#list(value, depth)
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      this.#visitor?.bytes(value.byteLength)
      return `b${classOf(value.byteLength)}`
    }
    if (value instanceof Date) return 'date'
    if (value instanceof Map) return this.#map(value, depth)
    if (value instanceof Set) return this.#set(value, depth)
    return this.#properties(value, depth)
  }

  #list(list: readonly unknown[], depth: number): string {
    const shapes = new Shapes()
    const { length } = list
    const seen = Math.min(length, ITEMS_MAX)
    // No index of an array of data is a getter; one that is would be read here.
    for (let i = 0; i < seen; i++) shapes.add(this.of(list[i], depth))
    if (seen < length) this.#visitor?.partial('cut')
    return `[${classOf(length)}${shapes.text()}]`
  }

  #set(set: ReadonlySet<unknown>, depth: number): string {
    const shapes = new Shapes()
    let seen = 0
    for (const item of set) {
      if (seen++ >= ITEMS_MAX) {
        this.#visitor?.partial('cut')
        break
      }
      shapes.add(this.of(item, depth))
    }
    return `[${classOf(set.size)}${shapes.text()}]`
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): string {
    const shapes = new Shapes()
    let seen = 0
    for (const [key, value] of map) {
      if (seen++ >= KEYS_MAX) {
        this.#visitor?.partial('cut')
        break
      }
      if (typeof key === 'string') this.#visitor?.key(key, value)
      shapes.add(this.of(value, depth))
    }
    return `map{${shapes.text()}}`
  }

  #properties(object: object, depth: number): string {
    const keys = Object.keys(object)
    if (!isAscending(keys)) keys.sort()
    if (keys.length > KEYS_MAX || !keys.every(isIdentifier)) return this.#keyed(object, keys, depth)
    let text = '{'
    for (const key of keys) {
      text += text === '{' ? `${key}:` : `,${key}:`
      text += this.#property(object, key, depth)
    }
    return `${text}}`
  }

  /** An object used as a map. */
  #keyed(object: object, keys: readonly string[], depth: number): string {
    const shapes = new Shapes()
    const seen = Math.min(keys.length, KEYS_MAX)
    for (let i = 0; i < seen; i++) shapes.add(this.#property(object, keys[i] as string, depth))
    if (seen < keys.length) this.#visitor?.partial('cut')
    return `map{${shapes.text()}}`
  }

  #property(object: object, key: string, depth: number): string {
    // A look-up makes no property descriptor and is a third faster. What has only a setter reads as
    // undefined and runs nothing.
    if (lookupGetter.call(object, key) !== undefined) return 'getter'
    const value = (object as Record<string, unknown>)[key]
    this.#visitor?.key(key, value)
    return this.of(value, depth)
  }
}

/** ECMA-262 annex B.2.2.4. */
const { __lookupGetter__: lookupGetter } = Object.prototype as unknown as {
  readonly __lookupGetter__: (this: object, key: string) => unknown
}

/** Distinct shapes, sorted; mostly there is one. */
class Shapes {
  #first: string | undefined
  #all: Set<string> | undefined

  add(shape: string): void {
    if (this.#first === undefined) this.#first = shape
    else if (shape !== this.#first) {
      this.#all ??= new Set([this.#first])
      this.#all.add(shape)
    }
  }

  text(): string {
    return this.#all === undefined ? (this.#first ?? '') : [...this.#all].sort().join('|')
  }
}

function isAscending(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) {
    if ((keys[i - 1] as string) >= (keys[i] as string)) return false
  }
  return true
}

const IDENTIFIERS_MAX = 4_096
const identifiers = new Map<string, boolean>()

/** Keys repeat from call to call: remembered, since the pattern costs four times the look-up. */
function isIdentifier(key: string): boolean {
  let is = identifiers.get(key)
  if (is === undefined) {
    is = IDENTIFIER.test(key)
    if (identifiers.size >= IDENTIFIERS_MAX) identifiers.clear()
    if (key.length <= 64) identifiers.set(key, is)
  }
  return is
}

function classOf(size: number): number {
  if (size === 0) return 0
  return size <= 64 ? 1 : size <= 1_024 ? 2 : size <= 16_384 ? 3 : 4
}

/**
 * How many bytes a record says a value has: exact from 256 up, below that the next power of two (0
 * stays 0), so that a short answer cannot be read off its length.
 */
export function sizeClass(bytes: number): number {
  if (!(bytes > 0)) return 0
  if (bytes >= 256) return Math.floor(Math.min(bytes, Number.MAX_SAFE_INTEGER))
  let size = 1
  while (size < bytes) size *= 2
  return size
}
