// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { CanonicalReader } from './canonical.ts'
import { IncrementalSha256, sha256Hex } from './hash.ts'
import { JoinedBytes } from './joined-bytes.ts'
import { bytesOf, encodeTyped } from './typed.ts'

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
  const bytes = readBytes(value)
  if (bytes !== undefined) return { enc: 'bytes', body: bytes, partial: false }
  const reader = new CanonicalReader()
  try {
    return { enc: 'json', body: reader.text(value), partial: false }
  } catch {
    return { enc: 'typed/1', ...encodeTyped(value, reader) }
  }
}

function readBytes(value: unknown): Uint8Array | undefined {
  try {
    return bytesOf(value)
  } catch {
    return undefined // a hostile proxy or a detached buffer: typed/1 says so
  }
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
  const joined = new JoinedBytes()
  joined.add(Buffer.from(`${args.length}:`))
  let partial = false
  for (const arg of args) {
    const encoded = encodeValue(arg)
    partial ||= encoded.partial
    const part = Buffer.concat([Buffer.from(`${encoded.enc}\0`), asBuffer(encoded.body)])
    joined.add(Buffer.from(`${part.length}:`), part)
  }
  return { enc: 'args/1', body: joined.bytes(), partial }
}

function asBuffer(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body
}

// Up to here a copy behind the prefix and one hash call are quicker than a hash fed in pieces, and a
// string is short enough to be joined.
const ONE_PIECE_LENGTH_MAX = 65_536

/** Hashes an encoded value. */
export function digestEncoded({ enc, body, partial }: EncodedValue): ValueDigest {
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  return { enc, h: hashEncoded(enc, body), bytes, partial }
}

function hashEncoded(enc: Encoding, body: string | Uint8Array): string {
  const prefix = `${enc}\0`
  if (body.length > ONE_PIECE_LENGTH_MAX) {
    return new IncrementalSha256().update(prefix).update(body).hex()
  }
  if (typeof body === 'string') return sha256Hex(prefix + body)
  return sha256Hex(Buffer.concat([Buffer.from(prefix, 'latin1'), body]))
}

/**
 * The digest of a stream as it passes by.
 *
 * Chunks of bytes and strings are `bytes`, independent of how they were cut, and so is a stream that
 * ends without a chunk; a first chunk that is something else makes it `items/1`, in which every item
 * is `<length>:<enc> 0x00 <bytes>`. Whoever knows better says which.
 *
 * What passes is not kept, but where `keepBytesMax` says how much of it may be.
 */
export class StreamDigest {
  readonly #sha = new IncrementalSha256()
  #enc: 'bytes' | 'items/1' | undefined
  #bytes = 0
  #partial = false
  /** The first half of a surrogate pair whose second half begins the next chunk. */
  #half = ''
  #ended: ValueDigest | undefined
  readonly #keepBytesMax: number
  #kept: Uint8Array[] | undefined

  constructor(
    enc?: 'bytes' | 'items/1',
    { keepBytesMax = 0 }: { readonly keepBytesMax?: number } = {},
  ) {
    this.#keepBytesMax = keepBytesMax
    this.#kept = keepBytesMax > 0 ? [] : undefined
    if (enc !== undefined) this.#begin(enc)
  }

  #begin(enc: 'bytes' | 'items/1'): void {
    this.#enc = enc
    this.#sha.update(`${enc}\0`)
  }

  /** Takes one chunk; never throws. */
  update(chunk: unknown): void {
    if (this.#ended !== undefined) return
    const bytes = typeof chunk === 'string' ? undefined : readBytes(chunk)
    if (this.#enc === undefined) {
      this.#begin(typeof chunk === 'string' || bytes !== undefined ? 'bytes' : 'items/1')
    }
    if (this.#enc === 'items/1') this.#addItem(chunk)
    else if (typeof chunk === 'string') this.#addText(chunk)
    else if (bytes !== undefined) this.#addBytes(bytes)
    else this.#partial = true // a byte stream that turned into objects: those are not committed
  }

  /**
   * Ends the digest; what comes later is not taken.
   *
   * @param complete false when the stream broke off: the commitment is partial
   */
  end(complete: boolean): ValueDigest {
    if (this.#ended !== undefined) return this.#ended
    if (this.#enc === undefined) this.#begin('bytes')
    this.#flushHalf()
    this.#ended = {
      enc: this.#enc ?? 'bytes',
      h: this.#sha.hex(),
      bytes: this.#bytes,
      partial: this.#partial || !complete,
    }
    return this.#ended
  }

  /** What was hashed, once it is ended; undefined where it was not kept, or was too much. */
  get kept(): EncodedValue | undefined {
    if (this.#ended === undefined || this.#kept === undefined) return undefined
    const { enc, partial } = this.#ended
    return { enc, body: Buffer.concat(this.#kept), partial }
  }

  #addItem(chunk: unknown): void {
    const { enc, body, partial } = encodeValue(chunk)
    this.#partial ||= partial
    const prefix = `${enc}\0`
    const bytes = asBuffer(body)
    this.#add(Buffer.from(`${prefix.length + bytes.length}:${prefix}`, 'latin1'))
    this.#add(bytes)
  }

  #addText(chunk: string): void {
    const text = this.#half + chunk
    const last = text.charCodeAt(text.length - 1)
    const cut = last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length
    this.#half = text.slice(cut)
    this.#addWellFormed(text.slice(0, cut))
  }

  #addBytes(bytes: Uint8Array): void {
    this.#flushHalf()
    this.#add(bytes)
  }

  #flushHalf(): void {
    this.#addWellFormed(this.#half)
    this.#half = ''
  }

  /** Half of a surrogate pair has no UTF-8: U+FFFD is hashed in its place. */
  #addWellFormed(text: string): void {
    if (text === '') return
    if (!text.isWellFormed()) this.#partial = true
    this.#add(Buffer.from(text, 'utf8'))
  }

  #add(bytes: Uint8Array): void {
    this.#sha.update(bytes)
    this.#bytes += bytes.length
    if (this.#kept === undefined) return
    if (this.#bytes > this.#keepBytesMax) this.#kept = undefined
    // A copy: whoever made the chunk may fill it again.
    else this.#kept.push(Buffer.from(bytes))
  }
}
