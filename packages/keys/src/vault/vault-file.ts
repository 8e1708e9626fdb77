// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Commitment, CommitPlace, Encoding } from '@spanseal/core'
import { canonicalize } from '@spanseal/core'
import { seal, unseal } from './sealed-box.ts'
import { vaultError } from './vault-fs.ts'

/** One file of a vault: a head in clear, then a sealed box. `spec/erasure.md` is normative. */

const FORMAT = 'spanseal/vault/1'
const LF = 0x0a
/** Of the head's line. */
export const HEAD_BYTES_MAX = 4_096
const KIDS_MAX = 16
const HEX64 = /^[0-9a-f]{64}$/
const KID = /^[0-9a-f]{16}$/
const EPOCH = /^[0-9a-f-]{36}$/
const ENCODINGS: readonly unknown[] = ['bytes', 'text', 'json', 'typed/1', 'items/1', 'args/1']

/** What stands in clear, and in the record too. */
export interface VaultHead {
  readonly alg: Commitment['alg']
  readonly c: string
  readonly enc: Encoding
  /** Whose data keys the box is under, ascending: all of them are needed. */
  readonly kids: readonly string[]
  readonly log: string
}

/** What opens the commitment; absent for a plain digest, which is its own proof. */
export interface VaultOpening {
  readonly place: CommitPlace
  /** 64 hex digits. */
  readonly salt: string
}

/** What the box holds. */
export interface VaultContent {
  readonly opening?: VaultOpening
  /** The encoded bytes. */
  readonly bytes: Uint8Array
}

/** The file of a value; `secret` are the data keys of `head.kids`, one behind the other. */
export function formatVaultFile(
  head: VaultHead,
  { opening, bytes }: VaultContent,
  secret: Uint8Array,
): Buffer {
  const bound = headLine(head)
  const within = Buffer.from(`${canonicalize(opening ?? {})}\n`)
  return Buffer.concat([bound, seal(secret, Buffer.concat([within, bytes]), bound)])
}

function headLine({ alg, c, enc, kids, log }: VaultHead): Buffer {
  return Buffer.from(`${canonicalize({ alg, c, enc, kids, log, vault: FORMAT })}\n`)
}

/**
 * A file's head, and its box still sealed.
 *
 * @throws AuditError `VAULT_UNUSABLE` for anything but the one form
 */
export function parseVaultFile(path: string, file: Buffer): { head: VaultHead; box: Buffer } {
  const end = file.subarray(0, HEAD_BYTES_MAX).indexOf(LF)
  const value = end < 0 ? undefined : jsonIn(file.subarray(0, end))
  const head = value as Partial<VaultHead> | undefined
  const fits =
    (head?.alg === 'blinded-sha256' || head?.alg === 'sha256') &&
    typeof head.c === 'string' &&
    HEX64.test(head.c) &&
    ENCODINGS.includes(head.enc) &&
    typeof head.log === 'string' &&
    areKids(head.kids)
  if (!fits) throw vaultError(path, 'is no file of a vault')
  const known = head as VaultHead
  // Unknown keys and every other spelling fall away here.
  if (!headLine(known).equals(file.subarray(0, end + 1))) {
    throw vaultError(path, 'is no file of a vault in its one form')
  }
  return { head: known, box: file.subarray(end + 1) }
}

function areKids(kids: unknown): boolean {
  return (
    Array.isArray(kids) &&
    kids.length >= 1 &&
    kids.length <= KIDS_MAX &&
    kids.every(
      (kid, i) => typeof kid === 'string' && KID.test(kid) && (i === 0 || kid > kids[i - 1]),
    )
  )
}

/**
 * Opens a file's box.
 *
 * @throws AuditError `VAULT_UNUSABLE` where it was changed, or belongs to another head or key
 */
export function openVaultBox(
  path: string,
  { head, box }: { readonly head: VaultHead; readonly box: Buffer },
  secret: Uint8Array,
): VaultContent {
  const plain = unseal(secret, box, headLine(head))
  if (plain === undefined) {
    throw vaultError(path, 'was changed, or is not what its key belongs to')
  }
  const end = plain.subarray(0, HEAD_BYTES_MAX).indexOf(LF)
  const opening = end < 0 ? undefined : jsonIn(plain.subarray(0, end))
  const bytes = plain.subarray(end + 1)
  if (head.alg === 'sha256' && opening !== undefined) return { bytes }
  if (!isOpening(opening)) throw vaultError(path, 'does not say what opens its commitment')
  return { opening, bytes }
}

function isOpening(value: unknown): value is VaultOpening {
  const { place, salt } = Object(value) as Partial<VaultOpening>
  return (
    typeof salt === 'string' &&
    HEX64.test(salt) &&
    typeof place?.epoch === 'string' &&
    EPOCH.test(place.epoch) &&
    Number.isSafeInteger(place.seq) &&
    typeof place.pointer === 'string'
  )
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
