// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Certificate } from './certificate.ts'
import { formatCertificate } from './certificate.ts'
import { Ed25519PrivateKey } from './ed25519.ts'
import { epochId } from './epoch-id.ts'
import type { NoteKey } from './note.ts'
import { formatVkey, parseVkey, signNoteSync } from './note.ts'

/** Keys of tests: made from a number, so that every run signs the same bytes. */

/** A key that can sign notes under its name. */
export interface NamedKey {
  readonly vkey: string
  readonly note: NoteKey
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

export function aNamedKey(name: string, seed: number): NamedKey {
  const key = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, seed))
  const vkey = formatVkey(name, key.publicKey)
  return {
    vkey,
    note: parseVkey(vkey),
    publicKey: key.publicKey,
    sign: (message) => key.sign(message),
  }
}

export const LOG = 'example.com/support'
export const OPENED_AT = '2026-11-21T09:30:00.000Z'

/** The key of an epoch that was opened at {@link OPENED_AT}, named as its log and id ask. */
export function anEpochKey(seed: number, log: string = LOG): NamedKey & { readonly epoch: string } {
  const { publicKey } = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, seed))
  const epoch = epochId(publicKey, Date.parse(OPENED_AT))
  return { ...aNamedKey(`${log}/${epoch}`, seed), epoch }
}

/** A signed certificate for `subject`; valid on the day of {@link OPENED_AT} unless told otherwise. */
export function aCertificate(
  subject: { readonly vkey: string },
  signer: NamedKey,
  fields: Partial<Certificate> = {},
): string {
  const certificate: Certificate = {
    role: 'epoch',
    log: LOG,
    vkey: subject.vkey,
    notBefore: '2026-11-21T00:00:00.000Z',
    notAfter: '2026-11-21T23:59:59.999Z',
    ...fields,
  }
  return signNoteSync(formatCertificate(certificate), signer)
}
