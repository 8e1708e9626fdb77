// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Note, NoteKey } from '../note.ts'
import { noteSignedBy, parseNote, parseVkey } from '../note.ts'
import type { Revocation } from '../revocation.ts'
import { parseRevocation } from '../revocation.ts'
import type { Bundle } from './bundle.ts'
import type { BundleReport } from './bundle-verdict.ts'
import { follow } from './check-signature.ts'
import type { TenantOutcome } from './check-tenant.ts'

/** What is known of revoked keys. */
export interface RevocationClaim {
  readonly log: string
  readonly keys: readonly NoteKey[]
  /** Signed notes that the caller brought along. */
  readonly given: readonly string[]
  readonly tenant: TenantOutcome | undefined
}

/** The check `revocation`: what a revoked issuer vouched for counts only where it was held in time. */
export function checkRevocations(
  { certs, tenant }: Bundle,
  claim: RevocationClaim,
  report: BundleReport,
): void {
  const [first = ''] = certs
  const parsed = follow(() => parseNote(first))
  const certificate = typeof parsed === 'string' ? undefined : parsed
  const notes = new Set([...(tenant?.revocations ?? []), ...claim.given])
  const revokedBelow = new Map<string, number>()
  for (const text of notes) {
    const found = follow(() => readRevocation(text))
    if (typeof found === 'string') {
      report.fault('revocation', 'edited', 'What stands for a revocation is none.')
    } else if (
      found.revocation.log === claim.log &&
      isIssuerOf(certificate, found.revocation.vkey)
    ) {
      const { vkey, tenantLogSize } = found.revocation
      if (!isTenants(found.note, vkey, { claim, report })) continue
      revokedBelow.set(vkey, Math.min(tenantLogSize, revokedBelow.get(vkey) ?? Infinity))
    }
  }
  for (const [vkey, below] of revokedBelow) checkHeld(nameOf(vkey), below, { claim, report })
}

interface SignedRevocation {
  readonly revocation: Revocation
  readonly note: Note
}

function readRevocation(text: string): SignedRevocation {
  const note = parseNote(text)
  return { note, revocation: parseRevocation(note.text) }
}

/** Whether the epoch's certificate hangs on the key. */
function isIssuerOf(certificate: Note | undefined, vkey: string): boolean {
  return certificate !== undefined && noteSignedBy(certificate, parseVkey(vkey))
}

interface Asked {
  readonly claim: RevocationClaim
  readonly report: BundleReport
}

function isTenants(note: Note, vkey: string, { claim, report }: Asked): boolean {
  const tenantKeys = claim.keys.filter(({ name }) => name === claim.log)
  if (tenantKeys.some((key) => noteSignedBy(note, key))) return true
  if (tenantKeys.length > 0) {
    const message = `A revocation of ${nameOf(vkey)} is not signed by the tenant key that you pinned.`
    report.fault('revocation', 'forged', message)
  } else {
    const message = `There is a revocation of ${nameOf(vkey)}, and you pinned no tenant key that could confirm it.`
    report.fault('revocation', 'unverifiable', message)
  }
  return false
}

function checkHeld(name: string, below: number, { claim, report }: Asked): void {
  report.asked('revocation')
  const { signed = false, certificateEntry } = claim.tenant ?? {}
  if (signed && certificateEntry !== undefined && certificateEntry < below) return
  const message = `The key ${name} was revoked. What it vouched for counts only below entry ${below} of the tenant log, and the bundle does not show the epoch’s certificate there.`
  report.fault('revocation', 'unsigned', message)
}

function nameOf(vkey: string): string {
  return vkey.slice(0, vkey.indexOf('+'))
}
