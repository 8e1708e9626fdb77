// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EncodedValue, Encoding } from './encode.ts'

/**
 * The way back from encoded bytes to values, written from `spec/commitments.md` alone: what can be
 * decoded was encoded without loss.
 */
export function decodeValue(enc: Encoding, body: EncodedValue['body']): unknown {
  const bytes = Buffer.from(body as Uint8Array)
  switch (enc) {
    case 'bytes':
      return bytes
    case 'text':
      return bytes.toString()
    case 'json':
      return JSON.parse(bytes.toString())
    case 'typed/1':
      return new TypedDecoder(bytes).all()
    case 'args/1': {
      const colon = bytes.indexOf(':')
      const items = decodeItems(bytes.subarray(colon + 1))
      if (items.length !== Number(bytes.toString('latin1', 0, colon))) throw new Error('count')
      return items
    }
    case 'items/1':
      return decodeItems(bytes)
  }
}

function decodeItems(bytes: Buffer): readonly unknown[] {
  const items: unknown[] = []
  for (let at = 0; at < bytes.length; ) {
    const colon = bytes.indexOf(':', at)
    const end = colon + 1 + Number(bytes.toString('latin1', at, colon))
    const item = bytes.subarray(colon + 1, end)
    const zero = item.indexOf(0)
    items.push(decodeValue(item.toString('latin1', 0, zero) as Encoding, item.subarray(zero + 1)))
    at = end
  }
  return items
}

class TypedDecoder {
  readonly #bytes: Buffer
  readonly #objects: unknown[] = []
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  all(): unknown {
    const value = this.#value()
    if (this.#at !== this.#bytes.length) throw new Error('bytes behind the value')
    return value
  }

  #value(): unknown {
    const tag = this.#take(1).toString('latin1')
    const simple: Readonly<Record<string, unknown>> = { u: undefined, t: true, f: false, n: null }
    if (tag in simple) return simple[tag]
    switch (tag) {
      case 'd':
        return this.#take(8).readDoubleBE()
      case 'i':
        return BigInt(this.#text())
      case 's':
        return this.#text()
      case 'w':
        return Buffer.from(this.#counted()).swap16().toString('utf16le')
      case 'x':
        return this.#objects[Number(this.#text())]
      default:
        return this.#object(tag)
    }
  }

  #object(tag: string): unknown {
    const place = this.#objects.push(undefined) - 1
    const known = (object: unknown): unknown => (this.#objects[place] = object)
    switch (tag) {
      case 'D':
        return known(new Date(this.#take(8).readDoubleBE()))
      case 'b':
        return known(new Uint8Array(this.#counted()))
      case 'a':
        return this.#array(known)
      case 'o':
        return this.#properties(known({}) as object)
      case 'M':
        return this.#map(known(new Map()) as Map<unknown, unknown>)
      case 'S': {
        const set = known(new Set()) as Set<unknown>
        for (let rest = this.#number(); rest > 0; rest--) set.add(this.#value())
        return set
      }
      default:
        throw new Error(`tag ${tag}`)
    }
  }

  #array(known: (object: unknown) => unknown): unknown {
    const array = known(Array(this.#number())) as unknown[]
    for (let i = 0; i < array.length; ) {
      if (this.#bytes[this.#at] === 'h'.charCodeAt(0)) {
        this.#at++
        i += this.#number()
      } else array[i++] = this.#value()
    }
    return array
  }

  #properties(object: object): object {
    for (let rest = this.#number(); rest > 0; rest--) {
      const key = this.#value() as string
      const value = this.#value()
      Object.defineProperty(object, key, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      })
    }
    return object
  }

  #map(map: Map<unknown, unknown>): Map<unknown, unknown> {
    for (let rest = this.#number(); rest > 0; rest--) {
      const key = this.#value()
      map.set(key, this.#value())
    }
    return map
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    if (taken.length < length) throw new Error('too short')
    this.#at += length
    return taken
  }

  #number(): number {
    const colon = this.#bytes.indexOf(':', this.#at)
    const digits = this.#bytes.toString('latin1', this.#at, colon)
    if (colon < 0 || !/^(0|[1-9]\d*)$/.test(digits)) throw new Error(`number ${digits}`)
    this.#at = colon + 1
    return Number(digits)
  }

  #counted(): Buffer {
    return this.#take(this.#number())
  }

  #text(): string {
    return this.#counted().toString()
  }
}
