// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { CanonicalReader } from './canonical.ts'
import { isPlainObject, UNREADABLE } from './canonical.ts'

/**
 * `typed/1`: an unambiguous encoding of any JavaScript value, for what RFC 8785 cannot express.
 * Grammar and vectors: `spec/commitments.md`. Every value is a tag letter and its content; texts
 * and byte strings are `<length in bytes>:<bytes>`, lists `<count>:<items>`.
 */

/** How deep values are followed; what is deeper becomes a marker and the commitment partial. */
const DEPTH_MAX = 256
/** How long an encoding grows; what comes later becomes a marker and the commitment partial. */
const BYTES_MAX = 2 ** 28

/** What stands for a part that could not be read. */
type Marker = 'depth' | 'function' | 'opaque' | 'size' | 'unreadable'

// Up to here a loop is quicker than the two calls into the runtime that a text takes.
const SHORT = 48

const NAN = Buffer.from('7ff8000000000000', 'hex')

/**
 * Encodes `value`; never throws, and runs no getter that `reader` (which gave up on canonical JSON for
 * the same value) already ran.
 */
export function encodeTyped(
  value: unknown,
  reader: CanonicalReader,
): { readonly body: Buffer; readonly partial: boolean } {
  try {
    const writer = new TypedWriter(reader)
    writer.write(value, 0)
    return { body: writer.bytes(), partial: writer.partial }
  } catch {
    // Only for want of memory or stack: what can throw by itself is caught where it is read.
    return { body: Buffer.from('!10:unreadable'), partial: true }
  }
}

class TypedWriter {
  partial = false
  readonly #reader: CanonicalReader
  /** Every object met so far and its number; undefined for those that cannot be looked into. */
  readonly #places = new Map<object, number | undefined>()
  #count = 0
  #buffer = Buffer.allocUnsafe(1024)
  #end = 0

  constructor(reader: CanonicalReader) {
    this.#reader = reader
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end)
  }

  write(value: unknown, depth: number): void {
    if (this.#end > BYTES_MAX) return this.#marker('size')
    switch (typeof value) {
      case 'undefined':
        return this.#tag('u')
      case 'boolean':
        return this.#tag(value ? 't' : 'f')
      case 'number':
        return this.#double('d', value)
      case 'bigint':
        return this.#text('i', value.toString())
      case 'string':
        return this.#string(value)
      case 'symbol':
        return value === UNREADABLE
          ? this.#marker('unreadable')
          : this.#text('y', (value.description ?? '').toWellFormed())
      case 'function':
        return this.#marker('function')
      default:
        return value === null ? this.#tag('n') : this.#object(value as object, depth)
    }
  }

  /** An object met again, inside itself or beside, is the number of its first place. */
  #object(object: object, depth: number): void {
    if (this.#places.has(object)) return this.#again(this.#places.get(object))
    if (depth >= DEPTH_MAX) return this.#marker('depth')
    let view: ObjectView
    try {
      view = viewOf(object, this.#reader)
    } catch {
      this.#places.set(object, undefined)
      return this.#marker('unreadable') // a proxy whose traps throw, a detached buffer
    }
    this.#places.set(object, this.#count++)
    this.#view(view, object, depth)
  }

  #again(place: number | undefined): void {
    if (place === undefined) this.#marker('unreadable')
    else this.#text('x', String(place))
  }

  #view(view: ObjectView, object: object, depth: number): void {
    switch (view.kind) {
      case 'array':
        return this.#array(object as readonly unknown[], view.length, depth)
      case 'properties':
        return this.#properties(object, view, depth)
      case 'bytes':
        return this.#bytes('b', view.bytes)
      case 'date':
        return this.#double('D', view.time)
      case 'text':
        return this.#text(view.tag, view.text)
      case 'boxed':
        this.#tag('B')
        return this.write(view.value, depth)
      case 'list':
        this.#tag(`${view.tag}${view.count}:`)
        for (const item of view.items) this.write(item, depth + 1)
        return
      case 'opaque':
        this.#text('c', view.className)
        return this.#marker('opaque')
    }
  }

  #array(array: readonly unknown[], length: number, depth: number): void {
    this.#tag(`a${length}:`)
    const known = this.#reader.reading(array)?.values ?? []
    for (let i = 0; i < length; i++) {
      if (this.#end > BYTES_MAX) return this.#marker('size')
      if (i >= known.length && !hasItem(array, i)) {
        const next = nextItem(array, i, length)
        this.#tag(`h${next - i}:`)
        i = next - 1
      } else this.write(i < known.length ? known[i] : readItem(array, i), depth + 1)
    }
  }

  /** Properties by ascending key, behind the class name where there is one. */
  #properties(object: object, { className, keys, known }: PropertiesView, depth: number): void {
    if (className !== undefined) this.#text('c', className)
    this.#tag(`o${keys.length}:`)
    keys.forEach((key, i) => {
      this.#string(key)
      this.write(i < known.length ? known[i] : readItem(object, key), depth + 1)
    })
  }

  #string(text: string): void {
    if (text.isWellFormed()) return this.#text('s', text)
    return this.#bytes('w', Buffer.from(text, 'utf16le').swap16())
  }

  #double(tag: string, value: number): void {
    this.#tag(tag)
    this.#reserve(8)
    // There are many NaNs; this is the one that is written.
    if (Number.isNaN(value)) NAN.copy(this.#buffer, this.#end)
    else this.#buffer.writeDoubleBE(value, this.#end)
    this.#end += 8
  }

  #text(tag: string, text: string): void {
    if (text.length < SHORT && isAscii(text)) return this.#tag(`${tag}${text.length}:${text}`)
    const length = Buffer.byteLength(text)
    this.#tag(`${tag}${length}:`)
    this.#reserve(length)
    this.#end += this.#buffer.write(text, this.#end)
  }

  #bytes(tag: string, bytes: Uint8Array): void {
    this.#tag(`${tag}${bytes.length}:`)
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#end)
    this.#end += bytes.length
  }

  /** `!` and what could not be read. */
  #marker(what: Marker): void {
    this.partial = true
    this.#tag(`!${what.length}:${what}`)
  }

  #tag(ascii: string): void {
    this.#reserve(ascii.length)
    for (let i = 0; i < ascii.length; i++) this.#buffer[this.#end++] = ascii.charCodeAt(i)
  }

  #reserve(length: number): void {
    if (this.#end + length <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#end + length))
    this.#buffer.copy(grown, 0, 0, this.#end)
    this.#buffer = grown
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

interface PropertiesView {
  readonly kind: 'properties'
  readonly className: string | undefined
  readonly keys: readonly string[]
  /** The values of the first of them, where they were already read. */
  readonly known: readonly unknown[]
}

/** What an object is for the encoding, found out before anything of it is written. */
type ObjectView =
  | PropertiesView
  | { readonly kind: 'array'; readonly length: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'date'; readonly time: number }
  | { readonly kind: 'text'; readonly tag: 'r' | 'U'; readonly text: string }
  | { readonly kind: 'boxed'; readonly value: unknown }
  | {
      readonly kind: 'list'
      readonly tag: 'M' | 'S'
      readonly count: number
      readonly items: readonly unknown[]
    }
  | { readonly kind: 'opaque'; readonly className: string }

function viewOf(object: object, reader: CanonicalReader): ObjectView {
  const reading = reader.reading(object)
  if (reading?.keys !== undefined) {
    return { kind: 'properties', className: undefined, keys: reading.keys, known: reading.values }
  }
  if (Array.isArray(object)) return { kind: 'array', length: object.length }
  if (isPlainObject(object)) {
    const keys = Object.keys(object).sort()
    return { kind: 'properties', className: undefined, keys, known: [] }
  }
  return builtInView(object) ?? instanceView(object)
}

// The prototypes' own methods, because an instance may have others of the same name.
function builtInView(object: object): ObjectView | undefined {
  if (object instanceof Date) return { kind: 'date', time: Date.prototype.getTime.call(object) }
  if (object instanceof RegExp) {
    return { kind: 'text', tag: 'r', text: RegExp.prototype.toString.call(object).toWellFormed() }
  }
  if (object instanceof URL) return { kind: 'text', tag: 'U', text: object.href }
  const bytes = bytesOf(object)
  if (bytes !== undefined) return { kind: 'bytes', bytes }
  if (object instanceof Map) {
    const items = [...Map.prototype.entries.call(object)].flat(1)
    return { kind: 'list', tag: 'M', count: items.length / 2, items }
  }
  if (object instanceof Set) {
    const items = [...Set.prototype.values.call(object)]
    return { kind: 'list', tag: 'S', count: items.length, items }
  }
  return boxedView(object)
}

/** The bytes of a buffer or of any view of one; undefined for everything else. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  }
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return new Uint8Array(value)
  }
  return undefined
}

function boxedView(object: object): ObjectView | undefined {
  if (object instanceof String)
    return { kind: 'boxed', value: String.prototype.valueOf.call(object) }
  if (object instanceof Number)
    return { kind: 'boxed', value: Number.prototype.valueOf.call(object) }
  if (object instanceof Boolean) {
    return { kind: 'boxed', value: Boolean.prototype.valueOf.call(object) }
  }
  if (object instanceof BigInt)
    return { kind: 'boxed', value: BigInt.prototype.valueOf.call(object) }
  if (object instanceof Symbol)
    return { kind: 'boxed', value: Symbol.prototype.valueOf.call(object) }
  return undefined
}

/** What an error says although it is not enumerable; its stack names machines, not values. */
const ERROR_PARTS = ['cause', 'errors', 'message', 'name']

function instanceView(object: object): ObjectView {
  const className = classNameOf(object)
  const keys = Object.keys(object)
  if (object instanceof Error) {
    keys.push(...ERROR_PARTS.filter((key) => Object.hasOwn(object, key) && !keys.includes(key)))
  } else if (keys.length === 0) {
    // Private state, internal slots or accessors of the class: there may be content, but not for us.
    return { kind: 'opaque', className }
  }
  return { kind: 'properties', className, keys: keys.sort(), known: [] }
}

function classNameOf(object: object): string {
  const { constructor } = Object.getPrototypeOf(object) as { readonly constructor: unknown }
  if (typeof constructor !== 'function') return ''
  const name: unknown = constructor.name
  return typeof name === 'string' ? name.toWellFormed() : ''
}

/** One property, or what stands for it where reading it throws. */
function readItem(object: object, key: string | number): unknown {
  try {
    return (object as Record<string | number, unknown>)[key]
  } catch {
    return UNREADABLE
  }
}

function hasItem(array: readonly unknown[], i: number): boolean {
  try {
    return i in array
  } catch {
    return true // reading it then says what is wrong
  }
}

/** The index after `i` that holds something again, or `length`; a run of holes may be 2^32 long. */
function nextItem(array: readonly unknown[], i: number, length: number): number {
  for (let next = i + 1; next < Math.min(length, i + 64); next++)
    if (hasItem(array, next)) return next
  const later = ownKeys(array).find((key) => Number(key) > i && Number(key) < length)
  return later === undefined ? length : Number(later)
}

function ownKeys(array: readonly unknown[]): readonly string[] {
  try {
    return Object.keys(array) // indices first, ascending
  } catch {
    return []
  }
}
