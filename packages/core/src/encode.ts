// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { CanonicalWriter } from './canonical.ts'
import { IncrementalSha256, sha256Hex } from './hash.ts'
import { encodeTyped } from './typed.ts'

/** How the bytes under a commitment were made from a value; `spec/commitments.md` has the grammars. */
export type Encoding = 'bytes' | 'text' | 'json' | 'typed/1' | 'items/1' | 'args/1'

/** The digest of one value: `h = SHA-256(enc ‖ 0x00 ‖ bytes)`. */
export interface ValueDigest {
  readonly enc: Encoding
  /** 64 hex digits. */
  readonly h: string
  /** Length of the encoded bytes. */
  readonly bytes: number
  /** Something of the value could not be read and is a tagged marker in the encoding. */
  readonly partial: boolean
}

/** A value in its encoding, before hashing. `body` is a string (its UTF-8 counts) or bytes. */
export interface EncodedValue {
  readonly enc: Encoding
  readonly body: string | Uint8Array
  readonly partial: boolean
}

/**
 * Encodes a value in the first form that fits: bytes → `bytes`, well-formed string → `text`, a value
 * that RFC 8785 can express → `json`, everything else → `typed/1`.
 *
 * Never throws. Runs a getter at most once.
 */
export function encodeValue(value: unknown): EncodedValue {
  if (typeof value === 'string' && value.isWellFormed()) {
    return { enc: 'text', body: value, partial: false }
  }
  try {
    const bytes = asBytes(value)
    if (bytes !== undefined) return { enc: 'bytes', body: bytes, partial: false }
  } catch {
    // A hostile proxy: typed/1 says so.
  }
  const writer = new CanonicalWriter()
  try {
    return { enc: 'json', body: writer.write(value, 0), partial: false }
  } catch {
    return { enc: 'typed/1', ...encodeTyped(value, writer) }
  }
}

function asBytes(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  return undefined
}

/** The digest of one value; never throws. */
export function digestValue(value: unknown): ValueDigest {
  return digestEncoded(encodeValue(value))
}

/** The digest of a call's arguments: exactly one → that value, none or several → `args/1`. */
export function digestArguments(args: readonly unknown[]): ValueDigest {
  return args.length === 1 ? digestValue(args[0]) : digestEncoded(encodeArguments(args))
}

/** `args/1`: the count, then each argument as `<length>:<enc> 0x00 <bytes>`. */
export function encodeArguments(args: readonly unknown[]): EncodedValue {
  const parts: Uint8Array[] = [Buffer.from(`${args.length}:`)]
  let partial = false
  for (const arg of args) {
    const encoded = encodeValue(arg)
    partial ||= encoded.partial
    const part = Buffer.concat([Buffer.from(`${encoded.enc}\0`), asBuffer(encoded.body)])
    parts.push(Buffer.from(`${part.length}:`), part)
  }
  return { enc: 'args/1', body: Buffer.concat(parts), partial }
}

function asBuffer(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body
}

/** Hashes an encoded value. */
export function digestEncoded({ enc, body, partial }: EncodedValue): ValueDigest {
  if (typeof body === 'string') {
    return { enc, h: sha256Hex(`${enc}\0${body}`), bytes: Buffer.byteLength(body), partial }
  }
  const sha = new IncrementalSha256().update(`${enc}\0`).update(body)
  return { enc, h: sha.hex(), bytes: body.length, partial }
}

/**
 * The digest of a stream as it passes by. Chunks of bytes and strings are `bytes`, independent of
 * how they were cut; the first chunk that is something else makes it `items/1`, in which every item
 * is `<length>:<enc> 0x00 <bytes>`.
 */
export class StreamDigest {
  #sha: IncrementalSha256 | undefined
  #enc: 'bytes' | 'items/1' = 'items/1'
  #bytes = 0
  #partial = false

  /** Takes one chunk; never throws. */
  update(chunk: unknown): void {
    if (this.#sha === undefined) {
      this.#enc = typeof chunk === 'string' || chunk instanceof Uint8Array ? 'bytes' : 'items/1'
      this.#sha = new IncrementalSha256().update(`${this.#enc}\0`)
    }
    if (this.#enc === 'bytes' && (typeof chunk === 'string' || chunk instanceof Uint8Array)) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk
      this.#add(bytes)
    } else if (this.#enc === 'bytes') {
      this.#partial = true // a byte stream that turned into objects: those are not committed
    } else {
      const { enc, body, partial } = encodeValue(chunk)
      const item = Buffer.concat([Buffer.from(`${enc}\0`), asBuffer(body)])
      this.#partial ||= partial
      this.#add(Buffer.from(`${item.length}:`))
      this.#add(item)
    }
  }

  #add(bytes: Uint8Array): void {
    this.#sha?.update(bytes)
    this.#bytes += bytes.length
  }

  /** Ends the digest. @param complete false when the stream broke off: the commitment is partial */
  end(complete: boolean): ValueDigest {
    const sha = this.#sha ?? new IncrementalSha256().update(`${this.#enc}\0`)
    return {
      enc: this.#enc,
      h: sha.hex(),
      bytes: this.#bytes,
      partial: this.#partial || !complete,
    }
  }
}
