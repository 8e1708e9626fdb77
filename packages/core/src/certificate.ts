// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { epochBelongsTo, isEpochId } from './epoch-id.ts'
import { AuditError } from './errors.ts'
import { isLogName } from './log-name.ts'
import type { Note, NoteKey } from './note.ts'
import { formatVkey, noteSignedBy, parseNote, parseVkey } from './note.ts'

/**
 * What a key may do. `issuer` and `retention` are signed by the tenant key, `epoch` by an issuer;
 * nothing else is accepted.
 */
export type CertificateRole = 'issuer' | 'retention' | 'epoch'

/** A statement that `vkey` may act in `role` for `log` during a time. */
export interface Certificate {
  readonly role: CertificateRole
  readonly log: string
  readonly vkey: string
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`, inclusive. */
  readonly notBefore: string
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`, inclusive. */
  readonly notAfter: string
}

const HEADER = 'spanseal/cert/1'
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const ROLES: readonly string[] = ['issuer', 'retention', 'epoch']

/** The text that is signed. */
export function formatCertificate(c: Certificate): string {
  return `${HEADER}\n${c.role}\n${c.log}\n${c.vkey}\n${c.notBefore}\n${c.notAfter}\n`
}

/**
 * Parses a certificate's text.
 *
 * @throws AuditError `MALFORMED_CERTIFICATE` for anything but the one canonical form, for an unknown
 * role, and for a key name that does not fit the role
 */
export function parseCertificate(text: string): Certificate {
  const [header = '', role = '', log = '', vkey = '', notBefore = '', notAfter = ''] =
    text.split('\n')
  const certificate = { role: role as CertificateRole, log, vkey, notBefore, notAfter }
  const wellFormed =
    text.length <= 2048 &&
    header === HEADER &&
    ROLES.includes(role) &&
    isLogName(log) &&
    isTime(notBefore) &&
    isTime(notAfter) &&
    notBefore <= notAfter &&
    formatCertificate(certificate) === text
  if (wellFormed && nameFitsRole(certifiedName(vkey), certificate)) return certificate
  throw new AuditError('MALFORMED_CERTIFICATE', 'not a certificate in its canonical form')
}

// `Date.parse` takes February 30 for March 1, so the way back is needed.
function isTime(text: string): boolean {
  if (!TIME.test(text)) return false
  const millis = Date.parse(text)
  return !Number.isNaN(millis) && new Date(millis).toISOString() === text
}

function certifiedName(vkey: string): string {
  try {
    return parseVkey(vkey).name
  } catch (cause) {
    throw new AuditError('MALFORMED_CERTIFICATE', 'a certificate for what is no key', { cause })
  }
}

function nameFitsRole(name: string, { role, log }: Certificate): boolean {
  if (!name.startsWith(`${log}/`)) return false
  const last = name.slice(log.length + 1)
  switch (role) {
    case 'epoch':
      return isEpochId(last)
    case 'issuer':
      return /^issuer-[a-z0-9]{1,32}$/.test(last)
    case 'retention':
      return /^retention-[a-z0-9]{1,32}$/.test(last)
  }
}

/** What {@link checkCertificateChain} found. */
export interface CertifiedKey {
  readonly key: NoteKey
  /** Whether a pinned key vouches for it. */
  readonly pinned: boolean
  /** The verifier key of the issuer that certified it, as far as it is known; for revocations. */
  readonly issuer?: string
  /** Whether every certificate on the way was valid at `at`. */
  readonly valid: boolean
}

/** What a chain of certificates has to prove. */
export interface CertificateClaim {
  readonly log: string
  readonly epoch: string
  /** The epoch key that `epoch.open` names. */
  readonly vkey: string
  /** Signed notes: the epoch's certificate, then the issuer's where there is one. */
  readonly certs: readonly string[]
  /** The time of `epoch.open`, `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly at: string
}

/**
 * Follows the certificates from an epoch key up to a pinned key: epoch ← issuer, or
 * epoch ← issuer ← tenant. The pinned keys come from the verifier, never from the file under test.
 *
 * @throws AuditError `MALFORMED_CERTIFICATE`, `MALFORMED_NOTE` or `MALFORMED_KEY` when the claim
 * contradicts itself: a wrong signature, another log, key, role or epoch, more than two certificates
 */
export function checkCertificateChain(
  claim: CertificateClaim,
  pinned: readonly NoteKey[],
): CertifiedKey {
  const key = epochKeyOf(claim)
  const [epochNote, issuerNote, ...more] = claim.certs
  if (more.length > 0) refuse('more than two certificates')
  if (epochNote === undefined) return { key, pinned: isAmong(pinned, key), valid: true }

  const note = parseNote(epochNote)
  const certificate = certificateFor(note, 'epoch', claim)
  const valid = coversTime(certificate, claim.at)
  if (issuerNote === undefined) {
    const by = signerAmong(note, pinned, isIssuerOf(claim.log))
    if (by === undefined) return { key, pinned: isAmong(pinned, key), valid }
    return { key, pinned: true, valid, issuer: formatVkey(by.name, by.publicKey) }
  }
  const upper = parseNote(issuerNote)
  const issuer = certificateFor(upper, 'issuer', claim)
  const issuerKey = parseVkey(issuer.vkey)
  if (!noteSignedBy(note, issuerKey)) refuse('the epoch certificate is not signed by its issuer')
  const byTenant = signerAmong(upper, pinned, ({ name }) => name === claim.log) !== undefined
  return {
    key,
    pinned: byTenant || isAmong(pinned, issuerKey),
    valid: valid && coversTime(issuer, claim.at),
    issuer: issuer.vkey,
  }
}

function refuse(why: string): never {
  throw new AuditError('MALFORMED_CERTIFICATE', why)
}

function epochKeyOf({ log, epoch, vkey }: CertificateClaim): NoteKey {
  const key = parseVkey(vkey)
  if (key.name !== `${log}/${epoch}`) refuse('the epoch key is named after another epoch')
  if (!epochBelongsTo(epoch, key.publicKey)) refuse('the epoch id is not made from the epoch key')
  return key
}

function certificateFor(note: Note, role: CertificateRole, claim: CertificateClaim): Certificate {
  const certificate = parseCertificate(note.text)
  if (certificate.role !== role || certificate.log !== claim.log) {
    refuse(`the ${role} certificate is for another role or log`)
  }
  if (role === 'epoch' && certificate.vkey !== claim.vkey) {
    refuse('the epoch certificate is for another key')
  }
  return certificate
}

function isIssuerOf(log: string): (key: NoteKey) => boolean {
  return ({ name }) => name.startsWith(`${log}/issuer-`)
}

function isAmong(pinned: readonly NoteKey[], key: NoteKey): boolean {
  const vkey = formatVkey(key.name, key.publicKey)
  return pinned.some((one) => formatVkey(one.name, one.publicKey) === vkey)
}

/** The pinned key that may sign here and did; a signature in the name of one that is wrong is refused. */
function signerAmong(
  note: Note,
  pinned: readonly NoteKey[],
  maySign: (key: NoteKey) => boolean,
): NoteKey | undefined {
  const signer = pinned.find((key) => maySign(key) && noteSignedBy(note, key))
  if (signer !== undefined) return signer
  const claimed = pinned.some((key) =>
    note.signatures.some(({ name, keyId }) => name === key.name && keyId === key.keyId),
  )
  return claimed ? refuse('a certificate is not signed by whom it names') : undefined
}

function coversTime({ notBefore, notAfter }: Certificate, at: string): boolean {
  return isTime(at) && notBefore <= at && at <= notAfter
}
