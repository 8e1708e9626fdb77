// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// What core calls of node:crypto, for a page: the build puts this file in its place. A test holds
// every call to Node's own answer.

import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'

type Encoding = 'hex' | 'latin1'

const utf8 = new TextEncoder()
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? utf8.encode(data) : data
}

function encoded(digest: Uint8Array, encoding: Encoding): string {
  let text = ''
  if (encoding === 'hex') for (const byte of digest) text += HEX[byte]
  else for (const byte of digest) text += String.fromCharCode(byte)
  return text
}

function onlySha256(algorithm: string): void {
  if (algorithm !== 'sha256') throw new Error(`no ${algorithm} here`)
}

/** One-shot hashing. */
export function hash(algorithm: string, data: Uint8Array | string, encoding: Encoding): string {
  onlySha256(algorithm)
  return encoded(sha256(bytesOf(data)), encoding)
}

interface Hashing {
  update(data: Uint8Array | string): Hashing
  digest(encoding: Encoding): string
}

/** Hashing in pieces. */
export function createHash(algorithm: string): Hashing {
  onlySha256(algorithm)
  const state = sha256.create()
  return {
    update(data) {
      state.update(bytesOf(data))
      return this
    },
    digest: (encoding) => encoded(state.digest(), encoding),
  }
}

const PUBLIC_KEY_BYTES = 32

/** A public key out of its SubjectPublicKeyInfo, whose last 32 bytes it is. */
export function createPublicKey({ key }: { readonly key: Uint8Array }): Uint8Array {
  return key.slice(-PUBLIC_KEY_BYTES)
}

/** ℓ, the order of the base point: RFC 8032 §5.1. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

/**
 * Ed25519 as OpenSSL 3.5 checks it, so that Node and a page do not differ: s is below ℓ; the key is
 * decoded as RFC 8032 §5.1.3 but for two refusals (y ≥ p, and x = 0 with its sign set) and is not of
 * small order; and `[s]B − [k]A`, without cofactor, encodes to exactly the R that was given. @noble's
 * own `verify` multiplies by the cofactor and so accepts signatures that Node refuses.
 */
// oxlint-disable-next-line max-params -- Node's signature
export function verify(
  _algorithm: null,
  message: Uint8Array,
  publicKey: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { Point } = ed25519
  const encodedR = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32, 64))
  if (s >= ORDER) return false
  let key: InstanceType<typeof Point>
  try {
    key = Point.fromBytes(publicKey, true)
  } catch {
    return false
  }
  if (key.isSmallOrder()) return false
  const input = new Uint8Array(64 + message.length)
  input.set(encodedR)
  input.set(publicKey, 32)
  input.set(message, 64)
  const k = littleEndian(sha512(input)) % ORDER
  const r = Point.BASE.multiplyUnsafe(s).add(key.negate().multiplyUnsafe(k)).toBytes()
  return r.every((byte, i) => byte === encodedR[i])
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number)
  return value
}

/** The verifier holds no private key. */
function absent(): never {
  throw new Error('a page signs nothing')
}

export { absent as createPrivateKey, absent as generateKeyPairSync, absent as sign }
