// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isEpochId } from './epoch-id.ts'
import { AuditError } from './errors.ts'
import { isLogName } from './log-name.ts'
import type { NoteKey } from './note.ts'
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
    [notBefore, notAfter].every((t) => TIME.test(t) && !Number.isNaN(Date.parse(t))) &&
    notBefore <= notAfter &&
    formatCertificate(certificate) === text
  if (wellFormed && nameFitsRole(parseVkey(vkey).name, certificate)) return certificate
  throw new AuditError('MALFORMED_CERTIFICATE', 'not a certificate in its canonical form')
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
 * contradicts itself: a wrong signature, another log, key, role or epoch
 */
export function checkCertificateChain(
  claim: CertificateClaim,
  pinned: readonly NoteKey[],
): CertifiedKey {
  const key = parseVkey(claim.vkey)
  const refuse = (why: string): never => {
    throw new AuditError('MALFORMED_CERTIFICATE', why)
  }
  if (key.name !== `${claim.log}/${claim.epoch}`)
    refuse('the epoch key is named after another epoch')
  const isPinned = (k: NoteKey): boolean =>
    pinned.some((p) => formatVkey(p.name, p.publicKey) === formatVkey(k.name, k.publicKey))
  const [epochNote, issuerNote] = claim.certs
  if (epochNote === undefined) return { key, pinned: isPinned(key), valid: true }

  const note = parseNote(epochNote)
  const cert = parseCertificate(note.text)
  if (cert.role !== 'epoch' || cert.vkey !== claim.vkey || cert.log !== claim.log) {
    refuse('the epoch certificate is for another key, log or role')
  }
  const within = (c: Certificate): boolean => c.notBefore <= claim.at && claim.at <= c.notAfter
  if (issuerNote === undefined) {
    const signer = pinned.find(
      (p) => p.name.startsWith(`${claim.log}/issuer-`) && signedBy(note, p),
    )
    if (signer === undefined && pinned.some((p) => claimsToBe(note, p))) refuse('wrong signature')
    return { key, pinned: signer !== undefined, valid: within(cert) }
  }
  const upper = parseNote(issuerNote)
  const issuer = parseCertificate(upper.text)
  const issuerKey = parseVkey(issuer.vkey)
  if (issuer.role !== 'issuer' || issuer.log !== claim.log)
    refuse('the issuer certificate is for another log or role')
  if (!noteSignedBy(note, issuerKey)) refuse('the epoch certificate is not signed by its issuer')
  const tenant = pinned.find((p) => p.name === claim.log && noteSignedBy(upper, p))
  if (tenant === undefined && pinned.some((p) => p.name === claim.log && claimsToBe(upper, p)))
    refuse('wrong signature')
  return {
    key,
    pinned: tenant !== undefined || isPinned(issuerKey),
    valid: within(cert) && within(issuer),
  }
}

function signedBy(note: ReturnType<typeof parseNote>, key: NoteKey): boolean {
  return noteSignedBy(note, key)
}

function claimsToBe(note: ReturnType<typeof parseNote>, key: NoteKey): boolean {
  return note.signatures.some((s) => s.name === key.name && s.keyId === key.keyId)
}
