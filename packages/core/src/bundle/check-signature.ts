// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { checkCertificateChain, parseCertificate } from '../certificate.ts'
import { epochMillis } from '../epoch-id.ts'
import { AuditError } from '../errors.ts'
import type { NoteKey } from '../note.ts'
import { formatVkey, noteSignedBy, parseNote } from '../note.ts'
import type { Bundle } from './bundle.ts'
import type { BundleReport } from './bundle-verdict.ts'
import type { SignedHead } from './read-head.ts'

/** Whose signature is looked for. */
export interface SignatureClaim {
  readonly log: string
  readonly epoch: string
  readonly head: SignedHead | undefined
  readonly keys: readonly NoteKey[]
}

/** The check `signature`: whether a key that a pinned key vouches for signed the epoch's checkpoint. */
export function checkSignature(
  { certs }: Bundle,
  { log, epoch, head, keys }: SignatureClaim,
  report: BundleReport,
): boolean {
  const vkey = epochKeyOf(certs, `${log}/${epoch}`, keys)
  if (vkey === undefined) {
    if (keys.length === 0) return false
    const message = `The bundle holds no certificate, and you pinned no key of epoch ${epoch}.`
    report.fault('signature', 'unsigned', message)
    return false
  }
  report.asked('signature')
  const at = new Date(epochMillis(epoch)).toISOString()
  const found = follow(() => checkCertificateChain({ log, epoch, vkey, certs, at }, keys))
  if (typeof found === 'string') {
    report.fault('signature', 'forged', `The epoch’s key does not fit: ${found}.`)
    return false
  }
  if (!found.valid) {
    const message = `The epoch was opened at ${at} by its id, when a certificate on the way to it was not valid.`
    report.notice('signature', 'expired', message)
  }
  if (head === undefined) return false
  if (!noteSignedBy(head.note, found.key)) {
    const message = `The checkpoint of size ${head.size} is not signed by the key of its epoch.`
    report.fault('signature', 'forged', message)
    return false
  }
  const pinned = found.pinned || keys.some((key) => formatVkey(key.name, key.publicKey) === vkey)
  if (!pinned && keys.length > 0) {
    const message = `No key that you pinned (${keys.length}) vouches for the key of epoch ${epoch}.`
    report.fault('signature', 'unsigned', message)
  }
  return pinned
}

/** The key that the first certificate is for, or a pinned one of that name where there is none. */
function epochKeyOf(
  certs: readonly string[],
  name: string,
  keys: readonly NoteKey[],
): string | undefined {
  const [first] = certs
  const pinned = keys.find((key) => key.name === name)
  if (first === undefined) return pinned && formatVkey(pinned.name, pinned.publicKey)
  const certificate = follow(() => parseCertificate(parseNote(first).text))
  // What is no certificate names no key; following it says so.
  return typeof certificate === 'string' ? '' : certificate.vkey
}

/** What `run` gives, or why it refuses. */
export function follow<T extends object>(run: () => T): T | string {
  try {
    return run()
  } catch (error) {
    if (error instanceof AuditError) return error.message
    throw error
  }
}
