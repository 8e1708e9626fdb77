// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { verifyEd25519 } from './ed25519.ts'
import { AuditError } from './errors.ts'
import { sha256Hex } from './hash.ts'
import type { Signer } from './ports.ts'

/** C2SP signed-note: https://c2sp.org/signed-note */

const NOTE_BYTES_MAX = 65_536
const SIGNATURES_MAX = 64
const ED25519_TYPE = 0x01
const KEY_NAME = /^[^\s+]{1,256}$/u
const SIGNATURE_LINE = /^— ([^\s+]{1,256}) ([A-Za-z0-9+/]{1,8192}={0,2})$/u

/** A public key that signs notes. */
export interface NoteKey {
  readonly name: string
  /** The first four bytes of `SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)`, as 8 hex digits. */
  readonly keyId: string
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

export interface NoteSignature {
  readonly name: string
  readonly keyId: string
  readonly signature: Uint8Array
}

/** A note taken apart, its signatures not yet checked. */
export interface Note {
  /** What is signed, with its last LF. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

function keyIdOf(name: string, publicKey: Uint8Array): string {
  const head = Buffer.from(`${name}\n`, 'utf8')
  return sha256Hex(Buffer.concat([head, Buffer.of(ED25519_TYPE), publicKey])).slice(0, 8)
}

/** The verifier key text `<name>+<key id>+<base64(0x01 ‖ key)>` of a public key. */
export function formatVkey(name: string, publicKey: Uint8Array): string {
  const key = Buffer.concat([Buffer.of(ED25519_TYPE), publicKey]).toString('base64')
  return `${name}+${keyIdOf(name, publicKey)}+${key}`
}

/**
 * Parses a verifier key.
 *
 * @throws AuditError `MALFORMED_KEY` when it is not an Ed25519 verifier key in its one canonical form
 */
export function parseVkey(vkey: string): NoteKey {
  const [name = '', keyId = '', encoded = ''] = split2(vkey)
  const key = Buffer.from(encoded, 'base64')
  const publicKey = key.subarray(1)
  if (
    vkey.length > 512 ||
    !KEY_NAME.test(name) ||
    key.length !== 33 ||
    key[0] !== ED25519_TYPE ||
    formatVkey(name, publicKey) !== vkey ||
    keyId.length !== 8
  ) {
    throw new AuditError(
      'MALFORMED_KEY',
      `not an Ed25519 verifier key: ${JSON.stringify(vkey.slice(0, 120))}; expected <name>+<8 hex digits>+<base64>`,
    )
  }
  return { name, keyId, publicKey }
}

// The base64 part may hold "+", the name and the key id may not.
function split2(vkey: string): string[] {
  const first = vkey.indexOf('+')
  const second = vkey.indexOf('+', first + 1)
  if (first < 0 || second < 0) return []
  return [vkey.slice(0, first), vkey.slice(first + 1, second), vkey.slice(second + 1)]
}

function assembleNote(text: string, vkey: string, signature: Uint8Array): string {
  const { name, keyId } = parseVkey(vkey)
  const blob = Buffer.concat([Buffer.from(keyId, 'hex'), signature]).toString('base64')
  const note = `${text}\n— ${name} ${blob}\n`
  // In pairs: nothing is handed out that could not be read back.
  if (text.endsWith('\n') && parseNote(note).text === text) return note
  throw new AuditError('MALFORMED_NOTE', 'the text of a note must end with a line feed')
}

/**
 * Signs `text` (which ends with LF) with a signer that may be elsewhere.
 *
 * @throws AuditError `MALFORMED_NOTE` for a text that cannot be a note's, `MALFORMED_KEY` for the
 * signer's `vkey`
 */
export async function signNote(text: string, signer: Signer): Promise<string> {
  return assembleNote(text, signer.vkey, await signer.sign(Buffer.from(text, 'utf8')))
}

/** Like {@link signNote}, with a key in this process. */
export function signNoteSync(
  text: string,
  key: { readonly vkey: string; sign(message: Uint8Array): Uint8Array },
): string {
  return assembleNote(text, key.vkey, key.sign(Buffer.from(text, 'utf8')))
}

/**
 * Takes a note apart.
 *
 * @throws AuditError `MALFORMED_NOTE` when it is over 64 KiB, has no text or signature, more than 64
 * signatures, control characters other than LF, or a line that is no signature after the blank line
 */
export function parseNote(note: string): Note {
  const end = note.lastIndexOf('\n\n')
  const fail = (why: string): never => {
    throw new AuditError('MALFORMED_NOTE', `not a signed note: ${why}`)
  }
  if (note.length > NOTE_BYTES_MAX || Buffer.byteLength(note) > NOTE_BYTES_MAX) fail('over 64 KiB')
  if (end < 0 || !note.endsWith('\n')) fail('no signatures')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids them
  if (/[\u0000-\u0009\u000b-\u001f\u007f]|\p{Surrogate}/u.test(note)) fail('control characters')
  const lines = note.slice(end + 2, -1).split('\n')
  if (lines.length > SIGNATURES_MAX) fail('more than 64 signatures')
  const signatures = lines.map((line): NoteSignature => {
    const [, name = '', blob = ''] = SIGNATURE_LINE.exec(line) ?? fail('a line is no signature')
    const bytes = Buffer.from(blob, 'base64')
    if (bytes.length < 5 || bytes.toString('base64') !== blob) fail('a signature is not base64')
    return { name, keyId: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) }
  })
  return { text: note.slice(0, end + 1), signatures }
}

/**
 * Whether one of the note's signatures is `key`'s. Signatures of other keys are ignored, as the
 * specification asks; a signature that claims to be this key's and is wrong makes the answer false.
 */
export function noteSignedBy(note: Note, key: NoteKey): boolean {
  const claimed = note.signatures.filter((s) => s.name === key.name && s.keyId === key.keyId)
  const message = Buffer.from(note.text, 'utf8')
  // Anybody can repeat a signature, 64 times in each of a million notes: what stands there twice is
  // checked once.
  const distinct = new Map(claimed.map((s) => [Buffer.from(s.signature).toString('latin1'), s]))
  return (
    claimed.length > 0 &&
    [...distinct.values()].every((s) => verifyEd25519(key.publicKey, message, s.signature))
  )
}
