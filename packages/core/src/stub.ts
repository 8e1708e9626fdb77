// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { parseCertificate } from './certificate.ts'
import { AuditError } from './errors.ts'
import { MerkleFrontier } from './merkle.ts'
import type { Note, NoteKey } from './note.ts'
import { noteSignedBy, parseNote, parseVkey } from './note.ts'
import { PROOF_HASHES_MAX } from './tlog/proof.ts'

/** What stands in the place of an epoch's first records when their retention has passed. */
export interface Stub {
  /** `<log>/<epoch>`. */
  readonly origin: string
  /** The `seq` of the last record that is gone; all from 1 on are. */
  readonly lastSeq: number
  /** The latest time until which any of them had to be kept, `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly keepUntil: string
  /** The leaf of the last record that is gone, 64 hex digits. */
  readonly lastLeaf: string
  /** The compact range [0, lastSeq], largest subtree first, 64 hex digits each. */
  readonly nodes: readonly string[]
}

const HEADER = 'spanseal/stub/1'
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const STUB_LENGTH_MAX = 8192

/** The text that a retention key signs. */
export function formatStub({ origin, lastSeq, keepUntil, lastLeaf, nodes }: Stub): string {
  const hashes = [lastLeaf, ...nodes].map(
    (hex) => `${Buffer.from(hex, 'hex').toString('base64')}\n`,
  )
  return `${HEADER}\n${origin}\n${lastSeq}\n${keepUntil}\n${hashes.join('')}`
}

/**
 * Parses a stub's text.
 *
 * @throws AuditError `MALFORMED_STUB` for anything but the one canonical form: a `lastSeq` from 1 on, a
 * time that the calendar has, as many nodes as the compact range has
 */
export function parseStub(text: string): Stub {
  const lines = text.slice(0, STUB_LENGTH_MAX).split('\n')
  const [header = '', origin = '', seqText = '', keepUntil = '', ...hashes] = lines.slice(0, -1)
  const hex = hashes
    .slice(0, PROOF_HASHES_MAX + 1)
    .map((hash) => Buffer.from(hash, 'base64').toString('hex'))
  const [lastLeaf = '', ...nodes] = hex
  const stub: Stub = { origin, lastSeq: Number(seqText), keepUntil, lastLeaf, nodes }
  const wellFormed =
    text.length <= STUB_LENGTH_MAX &&
    header === HEADER &&
    origin.length > 0 &&
    /^[1-9]\d{0,15}$/.test(seqText) &&
    Number.isSafeInteger(stub.lastSeq + 1) &&
    isTime(keepUntil) &&
    lastLeaf.length === 64 &&
    MerkleFrontier.resume(stub.lastSeq + 1, nodes) !== undefined &&
    formatStub(stub) === text
  if (wellFormed) return stub
  throw new AuditError('MALFORMED_STUB', 'not a stub in its canonical form')
}

// `Date.parse` takes February 30 for March 1, so the way back is needed.
function isTime(text: string): boolean {
  if (!TIME.test(text)) return false
  const millis = Date.parse(text)
  return !Number.isNaN(millis) && new Date(millis).toISOString() === text
}

/** What a stub has to prove. */
export interface StubClaim {
  readonly log: string
  readonly epoch: string
  /** The stub's note. */
  readonly note: string
  /** The retention certificate's note. */
  readonly certificate: string
}

/** What {@link checkStub} found. */
export interface CertifiedStub {
  readonly stub: Stub
  /** The verifier key that signed it. */
  readonly vkey: string
  /** Whether a pinned key of the tenant vouches for it. */
  readonly pinned: boolean
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`: the certificate counts between these, inclusive. */
  readonly notBefore: string
  readonly notAfter: string
}

/**
 * Checks a stub: it is of this epoch, and signed by a key with a retention certificate of this log,
 * never by an issuer or epoch key.
 *
 * @throws AuditError `MALFORMED_STUB`, `MALFORMED_NOTE`, `MALFORMED_CERTIFICATE` or `MALFORMED_KEY` when
 * the claim contradicts itself
 */
export function checkStub(claim: StubClaim, pinned: readonly NoteKey[]): CertifiedStub {
  const note = parseNote(claim.note)
  const stub = parseStub(note.text)
  if (stub.origin !== `${claim.log}/${claim.epoch}`) refuse(`it is of ${stub.origin}`)
  const upper = parseNote(claim.certificate)
  const certificate = parseCertificate(upper.text)
  if (certificate.role !== 'retention' || certificate.log !== claim.log) {
    refuse(`its certificate is for the role ${certificate.role} in ${certificate.log}`)
  }
  if (!noteSignedBy(note, parseVkey(certificate.vkey))) {
    refuse('it is not signed by the key of its certificate')
  }
  const { vkey, notBefore, notAfter } = certificate
  return { stub, vkey, notBefore, notAfter, pinned: isByTenant(upper, claim.log, pinned) }
}

function refuse(why: string): never {
  throw new AuditError('MALFORMED_STUB', why)
}

/** A signature in the name of a pinned tenant key that is wrong is refused. */
function isByTenant(note: Note, log: string, pinned: readonly NoteKey[]): boolean {
  const tenants = pinned.filter(({ name }) => name === log)
  if (tenants.some((key) => noteSignedBy(note, key))) return true
  const claimed = tenants.some((key) =>
    note.signatures.some(({ name, keyId }) => name === key.name && keyId === key.keyId),
  )
  return claimed ? refuse('its certificate is not signed by the tenant key that it names') : false
}
