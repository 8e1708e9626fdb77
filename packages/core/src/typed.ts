// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { CanonicalWriter } from './canonical.ts'

/**
 * `typed/1`: an unambiguous encoding of any JavaScript value, for what RFC 8785 cannot express.
 * Grammar and vectors: `spec/commitments.md`. Every value is a tag letter and its content; texts
 * and byte strings are `<length in bytes>:<bytes>`, lists `<count>:<items>`.
 */

/** How deep values are followed; what is deeper becomes a marker and the commitment partial. */
const DEPTH_MAX = 256

/**
 * Encodes `value`; never throws, and runs no getter that `read` (a broken-off canonical writing of
 * the same value) already ran.
 */
export function encodeTyped(
  value: unknown,
  read: CanonicalWriter,
): { readonly body: Buffer; readonly partial: boolean } {
  const writer = new TypedWriter(read)
  writer.write(value, [])
  return { body: Buffer.concat(writer.parts), partial: writer.partial }
}

class TypedWriter {
  readonly parts: Buffer[] = []
  partial = false
  readonly #known = new Map<object, readonly unknown[]>()

  constructor(read: CanonicalWriter) {
    read.visited.forEach((object, i) => {
      if (!this.#known.has(object)) this.#known.set(object, read.values[i] as unknown[])
    })
  }

  write(value: unknown, ancestors: readonly object[]): void {
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
        return this.#text('y', (value.description ?? '').toWellFormed())
      case 'function':
        return this.#marker('function')
      default:
        return value === null ? this.#tag('n') : this.#guarded(value as object, ancestors)
    }
  }

  /** An object whose proxies, getters or iterators throw becomes a marker. */
  #guarded(value: object, ancestors: readonly object[]): void {
    const level = ancestors.indexOf(value)
    if (level >= 0) return this.#text('x', String(ancestors.length - level))
    if (ancestors.length >= DEPTH_MAX) return this.#marker('depth')
    const mark = this.parts.length
    try {
      this.#object(value, [...ancestors, value])
    } catch {
      this.parts.length = mark
      this.#marker('unreadable')
    }
  }

  #object(value: object, ancestors: readonly object[]): void {
    if (Array.isArray(value)) return this.#array(value, ancestors)
    if (value instanceof Date) return this.#double('D', value.getTime())
    if (value instanceof RegExp)
      return this.#text('r', `/${value.source}/${value.flags}`.toWellFormed())
    if (ArrayBuffer.isView(value)) {
      return this.#bytes('b', Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    }
    if (value instanceof ArrayBuffer) return this.#bytes('b', Buffer.from(value))
    if (value instanceof Map) {
      this.#tag(`M${value.size}:`)
      for (const [key, inner] of value) {
        this.write(key, ancestors)
        this.write(inner, ancestors)
      }
      return
    }
    if (value instanceof Set) {
      this.#tag(`S${value.size}:`)
      for (const inner of value) this.write(inner, ancestors)
      return
    }
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) {
      return this.#marker('opaque')
    }
    return this.#properties(value, ancestors)
  }

  #array(array: readonly unknown[], ancestors: readonly object[]): void {
    this.#tag(`a${array.length}:`)
    for (let i = 0; i < array.length; i++) {
      if (i in array) this.write(array[i], ancestors)
      else this.#tag('h')
    }
  }

  /** Own enumerable properties by ascending key, behind the class name where there is one. */
  #properties(object: object, ancestors: readonly object[]): void {
    const name = className(object)
    const errorParts = object instanceof Error ? ['message'] : []
    const keys = [
      ...new Set([...errorParts.filter((k) => k in object), ...Object.keys(object)]),
    ].sort()
    if (name !== undefined) this.#text('c', name.toWellFormed())
    this.#tag(`o${keys.length}:`)
    const known = this.#known.get(object)
    for (let i = 0; i < keys.length; i++) {
      this.#string(keys[i] as string)
      if (known !== undefined && i < known.length) this.write(known[i], ancestors)
      else this.#property(object, keys[i] as string, ancestors)
    }
  }

  #property(object: object, key: string, ancestors: readonly object[]): void {
    let value: unknown
    try {
      value = (object as Record<string, unknown>)[key]
    } catch {
      return this.#marker('unreadable')
    }
    this.write(value, ancestors)
  }

  #string(text: string): void {
    if (text.isWellFormed()) return this.#text('s', text)
    return this.#bytes('w', Buffer.from(text, 'utf16le').swap16())
  }

  #double(tag: string, value: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(Number.isNaN(value) ? Number.NaN : value)
    this.#tag(tag)
    this.parts.push(bytes)
  }

  #text(tag: string, text: string): void {
    this.#bytes(tag, Buffer.from(text, 'utf8'))
  }

  #bytes(tag: string, bytes: Buffer): void {
    this.#tag(`${tag}${bytes.length}:`)
    this.parts.push(bytes)
  }

  /** `!` and what could not be read. */
  #marker(what: 'function' | 'depth' | 'unreadable' | 'opaque'): void {
    this.partial = true
    this.#text('!', what)
  }

  #tag(text: string): void {
    this.parts.push(Buffer.from(text, 'latin1'))
  }
}

function className(object: object): string | undefined {
  const prototype = Object.getPrototypeOf(object)
  if (prototype === null || prototype === Object.prototype) return undefined
  const constructor: unknown = prototype.constructor
  return typeof constructor === 'function' ? constructor.name : ''
}
