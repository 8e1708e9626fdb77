// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Certificate, Signer } from '@spanseal/core'
import {
  AuditError,
  formatCertificate,
  formatRevocation,
  noteSignedBy,
  parseCertificate,
  parseNote,
  parseRevocation,
  parseVkey,
  signNote,
} from '@spanseal/core'
import { ISSUER_DAYS } from './issuer-keys.ts'

const DAY_MILLIS = 86_400_000
/** What a stub says has to hold for as long as the epochs are missing. */
export const RETENTION_DAYS_MAX = 3_650

export interface CertifyOptions {
  /** Shortens the certificate to so many days from now. */
  readonly days?: number
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
}

/** The unsigned text by which a key asks the tenant for its certificate. */
export function certificateRequest(certificate: Certificate): string {
  return formatCertificate(certificate)
}

/**
 * Signs a certificate with the tenant key. It never holds longer than the request asks.
 *
 * @param request the unsigned text, see {@link certificateRequest}
 * @throws AuditError `MALFORMED_CERTIFICATE` when the request is none
 * @throws AuditError `INVALID_OPTION` when the tenant key is another log's, the role is an issuer's to
 * sign, the time is too long, over, or more than a day ahead
 * @throws AuditError `SIGNER_FAILED` when what the signer gave does not verify
 */
export async function certify(
  request: string,
  tenant: Signer,
  { days, now = Date.now }: CertifyOptions = {},
): Promise<string> {
  const asked = parseCertificate(request)
  assertTenant(asked.log, tenant)
  if (asked.role === 'epoch') {
    throw new AuditError('INVALID_OPTION', 'certify: epochs are certified by issuers, not tenants')
  }
  const daysMax = asked.role === 'issuer' ? ISSUER_DAYS : RETENTION_DAYS_MAX
  const from = Date.parse(asked.notBefore)
  const length = Date.parse(asked.notAfter) - from
  if (length > daysMax * DAY_MILLIS || (days !== undefined && !(days >= 1 && days <= daysMax))) {
    throw new AuditError(
      'INVALID_OPTION',
      `certify: a certificate for the role ${asked.role} holds for 1 to ${daysMax} days`,
    )
  }
  if (from > now() + DAY_MILLIS) {
    throw new AuditError('INVALID_OPTION', `certify: ${asked.notBefore} is more than a day ahead`)
  }
  const end = now() + (days ?? daysMax) * DAY_MILLIS
  const notAfter = new Date(Math.min(Date.parse(asked.notAfter), end)).toISOString()
  if (notAfter <= new Date(now()).toISOString()) {
    throw new AuditError(
      'INVALID_OPTION',
      `certify: the key's time ended ${notAfter}; make another with \`spanseal keys rotate\``,
    )
  }
  return signedByTenant(formatCertificate({ ...asked, notAfter }), tenant)
}

/**
 * Signs a revocation with the tenant key.
 *
 * @param tenantLogSize what the key vouched for counts where the tenant log holds it below this size
 * @throws AuditError `MALFORMED_REVOCATION` when `vkey` is no issuer's or retention key, or the size is
 * none; `INVALID_OPTION` when the tenant key is another log's; `SIGNER_FAILED`
 */
export async function revoke(vkey: string, tenantLogSize: number, tenant: Signer): Promise<string> {
  const log = parseVkey(tenant.vkey).name
  const text = formatRevocation({ log, vkey, tenantLogSize })
  if (!parseVkey(vkey).name.startsWith(`${log}/`)) assertTenant(parseVkey(vkey).name, tenant)
  parseRevocation(text)
  return signedByTenant(text, tenant)
}

function assertTenant(wanted: string, tenant: Signer): void {
  const { name } = parseVkey(tenant.vkey)
  if (name === wanted) return
  throw new AuditError(
    'INVALID_OPTION',
    `tenant key: the key is named ${name}, and what it shall sign is of ${wanted}; take the tenant key of that log`,
    { details: { option: '--tenant-key' } },
  )
}

async function signedByTenant(text: string, tenant: Signer): Promise<string> {
  const note = await signNote(text, tenant)
  if (noteSignedBy(parseNote(note), parseVkey(tenant.vkey))) return note
  throw new AuditError('SIGNER_FAILED', 'signer: the signature is not by the key that it names')
}
