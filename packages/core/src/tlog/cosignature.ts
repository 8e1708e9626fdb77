// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { verifyEd25519 } from '../ed25519.ts'
import { AuditError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'
import type { Note } from '../note.ts'

/** C2SP tlog-cosignature, `cosignature/v1` with Ed25519: https://c2sp.org/tlog-cosignature */

const COSIGNATURE_TYPE = 0x04
const TIME_BYTES = 8
const KEY_NAME = /^[^\s+]{1,256}$/u

/** A witness that cosigns heads. */
export interface WitnessKey {
  readonly name: string
  /** The first four bytes of `SHA-256(name ‖ 0x0A ‖ 0x04 ‖ key)`, as 8 hex digits. */
  readonly keyId: string
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

/** The verifier key text of a witness, `<name>+<key id>+<base64(0x04 ‖ key)>`. */
export function formatWitnessKey(name: string, publicKey: Uint8Array): string {
  const key = Buffer.concat([Buffer.of(COSIGNATURE_TYPE), publicKey]).toString('base64')
  return `${name}+${keyIdOf(name, publicKey)}+${key}`
}

function keyIdOf(name: string, publicKey: Uint8Array): string {
  const head = Buffer.concat([Buffer.from(`${name}\n`, 'utf8'), Buffer.of(COSIGNATURE_TYPE)])
  return sha256Hex(Buffer.concat([head, publicKey])).slice(0, 8)
}

/**
 * Parses a witness's verifier key.
 *
 * @throws AuditError `MALFORMED_KEY` when it is not an Ed25519 cosignature key in its one form
 */
export function parseWitnessKey(vkey: string): WitnessKey {
  const [name = '', keyId = ''] = vkey.slice(0, 512).split('+', 2)
  const key = Buffer.from(vkey.slice(name.length + keyId.length + 2), 'base64')
  const publicKey = key.subarray(1)
  const wellFormed =
    vkey.length <= 512 &&
    KEY_NAME.test(name) &&
    key.length === 33 &&
    key[0] === COSIGNATURE_TYPE &&
    formatWitnessKey(name, publicKey) === vkey
  if (wellFormed) return { name, keyId, publicKey }
  throw new AuditError(
    'MALFORMED_KEY',
    `not a witness's key: ${JSON.stringify(vkey.slice(0, 120))}; expected <name>+<8 hex digits>+<base64 of 0x04 and an Ed25519 key>`,
  )
}

/** What a witness says: it saw this head, consistent with all it saw before, at this time. */
export interface Cosignature {
  readonly witness: WitnessKey
  /** Unix seconds. */
  readonly time: number
}

/** The bytes that a witness signs over a checkpoint's text. */
export function cosignedMessage(text: string, timeSeconds: number): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${timeSeconds}\n${text}`, 'utf8')
}

/** The blob of a cosignature line: key id, time, signature. */
export function cosignatureBlob(
  witness: WitnessKey,
  timeSeconds: number,
  signature: Uint8Array,
): Buffer {
  const time = Buffer.alloc(TIME_BYTES)
  time.writeBigUInt64BE(BigInt(timeSeconds))
  return Buffer.concat([Buffer.from(witness.keyId, 'hex'), time, signature])
}

/**
 * The valid cosignatures of the given witnesses on a checkpoint's note, one a witness, the latest.
 *
 * A witness is its public key: two names with one key are counted once. Lines of others are ignored;
 * a line in a witness's name and id that is wrong is ignored too, since anybody can add one.
 */
export function cosignaturesOf(note: Note, witnesses: readonly WitnessKey[]): Cosignature[] {
  const found = new Map<string, Cosignature>()
  for (const { name, keyId, signature } of note.signatures) {
    const witness = witnesses.find((one) => one.name === name && one.keyId === keyId)
    if (witness === undefined || signature.length !== TIME_BYTES + 64) continue
    const time = Number(Buffer.from(signature.subarray(0, TIME_BYTES)).readBigUInt64BE())
    if (!Number.isSafeInteger(time) || time === 0) continue
    const message = cosignedMessage(note.text, time)
    if (!verifyEd25519(witness.publicKey, message, signature.subarray(TIME_BYTES))) continue
    const id = Buffer.from(witness.publicKey).toString('hex')
    const known = found.get(id)
    if (known === undefined || known.time < time) found.set(id, { witness, time })
  }
  return [...found.values()]
}
