// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash, hash } from 'node:crypto'

/**
 * SHA-256 and the two RFC 6962 hashes. This file, `hmac.ts` and `ed25519.ts` are the only ones of
 * this package that import `node:crypto`.
 *
 * Digests travel as lower-case hex (records) or as latin1 strings of 32 characters (inside trees
 * and commitments): asking `crypto.hash` for a string costs a third of asking for a Buffer
 * (278 ns against 1,199 ns for 100 bytes on Node 24).
 */

/** SHA-256 of bytes or of a string's UTF-8, as 64 lower-case hex digits. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex')
}

/** SHA-256 as a latin1 string of 32 characters, one a byte. */
export function sha256Latin1(data: Uint8Array | string): string {
  return hash('sha256', data, 'latin1' as 'hex')
}

/** SHA-256 fed in pieces, for streams. */
export class IncrementalSha256 {
  readonly #state = createHash('sha256')

  update(data: Uint8Array | string): this {
    this.#state.update(data)
    return this
  }

  /** Ends the computation; 64 lower-case hex digits. */
  hex(): string {
    return this.#state.digest('hex')
  }
}

const LEAF_PREFIX = 0x00 // RFC 6962 §2.1
const NODE_PREFIX = 0x01 // RFC 6962 §2.1

/**
 * The RFC 6962 leaf hash of `frame[1..end)`: the caller lays the bytes out behind one free byte, so
 * that hashing needs no copy.
 *
 * @returns 64 lower-case hex digits
 */
export function leafHashOfFrame(frame: Uint8Array, end: number): string {
  frame[0] = LEAF_PREFIX
  return hash('sha256', frame.subarray(0, end), 'hex')
}

/** `SHA-256(0x00 ‖ data)` as 64 lower-case hex digits (RFC 6962 §2.1). */
export function leafHash(data: Uint8Array): string {
  const frame = Buffer.allocUnsafe(data.length + 1)
  frame.set(data, 1)
  return leafHashOfFrame(frame, frame.length)
}

const nodeFrame = Buffer.alloc(65)
nodeFrame[0] = NODE_PREFIX

/** `SHA-256(0x01 ‖ left ‖ right)` over latin1 digests (RFC 6962 §2.1). */
export function nodeHashLatin1(left: string, right: string): string {
  nodeFrame.write(left, 1, 32, 'latin1')
  nodeFrame.write(right, 33, 32, 'latin1')
  return hash('sha256', nodeFrame, 'latin1' as 'hex')
}

/** The same over two digests in hex. */
export function leafPairHashLatin1(leftHex: string, rightHex: string): string {
  nodeFrame.write(leftHex, 1, 32, 'hex')
  nodeFrame.write(rightHex, 33, 32, 'hex')
  return hash('sha256', nodeFrame, 'latin1' as 'hex')
}

/** Hex digest to latin1 digest. */
export function hexToLatin1(hex: string): string {
  return Buffer.from(hex, 'hex').toString('latin1')
}

/** Latin1 digest to lower-case hex. */
export function latin1ToHex(digest: string): string {
  return Buffer.from(digest, 'latin1').toString('hex')
}
