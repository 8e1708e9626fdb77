// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Encoding, ValueDigest } from './encode.ts'
import { AuditError } from './errors.ts'
import { hexToLatin1, latin1ToHex, sha256Hex } from './hash.ts'
import type { HmacKey } from './hmac.ts'

/**
 * Commitments: digests blinded by a salt that only the keyring can derive, so that a value cannot
 * be guessed from the log and one opening discloses one salt. `spec/commitments.md` is normative.
 */

const SALT_TAG = 'spanseal/salt/1\0'
const COMMIT_TAG = 'spanseal/commit/1\0'
const EQ_TAG = 'spanseal/eq/1\0'
const PSEUDONYM_TAG = 'spanseal/pseudonym/1\0'

const DIGEST = /^[0-9a-f]{64}$/

/** Below this many encoded bytes `eq` is left out: short values can be guessed. */
const EQ_BYTES_MIN = 32

/** A digest that opens at one place of one record only; or a plain one, where that was chosen. */
export type Commitment =
  | {
      readonly alg: 'blinded-sha256'
      /** 16 hex digits; a list where several data subjects are named. */
      readonly kid: string | readonly string[]
      readonly enc: Encoding
      /** 64 hex digits. */
      readonly c: string
      /** 32 hex digits; equal values of one log and period have equal ones. Never evidence. */
      readonly eq?: string
      readonly partial?: true
    }
  | { readonly alg: 'sha256'; readonly enc: Encoding; readonly c: string; readonly partial?: true }

/** A key that salts are derived from. */
export interface CommitKey {
  /** 16 random hex digits, derived from nothing. */
  readonly kid: string
  readonly key: HmacKey
}

/** The keys that a commitment is made under. */
export interface CommitKeys {
  /** The period's key, or the named data subjects' keys: one at least; a key given twice counts once. */
  readonly keys: readonly [CommitKey, ...CommitKey[]]
  /** The period's equality key; absent where a data subject is named. */
  readonly eq?: HmacKey
}

/** Where a commitment stands; an end's input keeps the place of its start's. */
export interface CommitPlace {
  readonly epoch: string
  readonly seq: number
  /** JSON Pointer (RFC 6901) of the field, for instance `/invocation/input`. */
  readonly pointer: string
}

/** Commits to a digest at a place. */
export function commit(digest: ValueDigest, place: CommitPlace, keys: CommitKeys): Commitment {
  const at = placeText(place)
  const { enc, h, bytes, partial } = digest
  const kids = distinct(keys.keys).map((key) => key.kid)
  const commitment = {
    alg: 'blinded-sha256' as const,
    kid: kids.length === 1 ? (kids[0] as string) : kids,
    enc,
    c: commitmentHex(saltFor(at, keys), h, at),
  }
  if (partial) return { ...commitment, partial: true }
  if (keys.eq === undefined || bytes < EQ_BYTES_MIN) return commitment
  return { ...commitment, eq: latin1ToHex(keys.eq.latin1(EQ_TAG + hexToLatin1(h)).slice(0, 16)) }
}

/** Plain `SHA-256(bytes)`, for stores indexed by it and values that cannot be guessed. */
export function plainCommitment(
  enc: Encoding,
  body: string | Uint8Array,
  partial = false,
): Commitment {
  const commitment = { alg: 'sha256' as const, enc, c: sha256Hex(body) }
  return partial ? { ...commitment, partial: true } : commitment
}

/** The salt of a place, 64 hex digits: what an opening discloses. */
export function commitmentSalt(place: CommitPlace, keys: CommitKeys): string {
  return latin1ToHex(saltFor(placeText(place), keys))
}

/**
 * Recomputes `c` from a disclosed salt; the checker's side of an opening.
 *
 * @throws AuditError `MALFORMED_RECORD` when `h` or `saltHex` is not 64 lower-case hex digits
 */
export function openCommitment(h: string, saltHex: string, place: CommitPlace): string {
  if (!DIGEST.test(h) || !DIGEST.test(saltHex)) {
    throw new AuditError(
      'MALFORMED_RECORD',
      'an opening needs a digest and a salt of 64 hex digits',
    )
  }
  return commitmentHex(hexToLatin1(saltHex), h, placeText(place))
}

// Epoch ids, numbers and our pointers are ASCII, so a latin1 string is the bytes.
function placeText({ epoch, seq, pointer }: CommitPlace): string {
  return `${epoch}\0${seq}\0${pointer}`
}

// The same key twice would cancel itself out.
function distinct(keys: readonly CommitKey[]): readonly CommitKey[] {
  if (keys.length === 1) return keys
  return keys.filter(({ kid }, i) => keys.findIndex((key) => key.kid === kid) === i)
}

function saltFor(place: string, { keys }: CommitKeys): string {
  const salts = distinct(keys).map(({ key }) => key.latin1(SALT_TAG + place))
  return salts.length === 1 ? (salts[0] as string) : salts.reduce(xorLatin1)
}

function xorLatin1(a: string, b: string): string {
  const codes = Array.from(a, (char, i) => char.charCodeAt(0) ^ b.charCodeAt(i))
  return String.fromCharCode(...codes)
}

let frame = Buffer.alloc(1024)

function commitmentHex(salt: string, h: string, place: string): string {
  const end = COMMIT_TAG.length + 64 + place.length
  if (end > frame.length) frame = Buffer.alloc(end * 2)
  frame.write(COMMIT_TAG, 0, 'latin1')
  frame.write(salt, COMMIT_TAG.length, 32, 'latin1')
  frame.write(h, COMMIT_TAG.length + 32, 32, 'hex')
  frame.write(place, COMMIT_TAG.length + 64, 'latin1')
  return sha256Hex(frame.subarray(0, end))
}

/** A commitment as one string, for span attributes. */
export function commitmentText(commitment: Commitment): string {
  if (commitment.alg === 'sha256') return `sha256:${commitment.c}`
  const kid = typeof commitment.kid === 'string' ? commitment.kid : commitment.kid.join('.')
  return `blinded-sha256:${kid}:${commitment.c}`
}

/** What is pseudonymised under the period key; people have keys of their own. */
export type PseudonymKind = 'session' | 'conversation' | 'address' | 'approver'

/** `p1:<kid>:<16 hex>`: the same id gives the same pseudonym within a log and period. */
export function pseudonym(kind: PseudonymKind, id: string, { kid, key }: CommitKey): string {
  const mac = key.utf8(`${PSEUDONYM_TAG}${kind}\0${id.toWellFormed()}`)
  return `p1:${kid}:${latin1ToHex(mac.slice(0, 8))}`
}

/** Eight keyed bytes as 16 hex digits, for fingerprints and shapes; `tag` separates their uses. */
export function keyedTag(tag: 'fingerprint' | 'shape', text: string, eq: HmacKey): string {
  return latin1ToHex(eq.utf8(`spanseal/${tag}/1\0${text.toWellFormed()}`).slice(0, 8))
}
