// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { BitString } from 'asn1js'
import { BasicConstraints, Certificate, ExtKeyUsage } from 'pkijs'
import { isSignedBy } from './crypto-engine.ts'
import { hexOf, malformed, parseDer } from './der.ts'

/** A certificate with its bytes. */
export interface Authority {
  readonly der: Uint8Array<ArrayBuffer>
  readonly certificate: Certificate
}

const ID_BASIC_CONSTRAINTS = '2.5.29.19'
const ID_KEY_USAGE = '2.5.29.15'
const ID_EXTENDED_KEY_USAGE = '2.5.29.37'
const ID_TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
const ID_ANY_USAGE = '2.5.29.37.0'
/** Critical extensions that change nothing for us, beside the three above: policies, names. */
const KNOWN: ReadonlySet<string> = new Set([
  ID_BASIC_CONSTRAINTS,
  ID_KEY_USAGE,
  ID_EXTENDED_KEY_USAGE,
  '2.5.29.32',
  '2.5.29.17',
])
const CHAIN_CERTIFICATES_MAX = 8
/** A token may bring 16 certificates of one name: no search through all orders of them. */
const SIGNATURE_CHECKS_MAX = 64

/** Bits of KeyUsage in its first octet. */
const SIGNS = 0xc0
const SIGNS_CERTIFICATES = 0x04

export function readCertificate(der: Uint8Array<ArrayBuffer>): Authority {
  return { der, certificate: new Certificate({ schema: parseDer(der, 'a certificate') }) }
}

/**
 * The certificates of PEM texts; one text may hold several.
 *
 * @throws AuditError `MALFORMED_CERTIFICATE` where one cannot be read or there is none
 */
export function readAuthorities(pems: readonly string[]): readonly Authority[] {
  const blocks = pems.flatMap((pem) => [
    ...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g),
  ])
  const refuse = (why: string, cause?: unknown): AuditError =>
    new AuditError('MALFORMED_CERTIFICATE', `time-stamp authority: ${why}`, { cause })
  if (blocks.length === 0) throw refuse('the PEM holds no certificate')
  return blocks.map(([, base64 = '']) => {
    try {
      return readCertificate(Uint8Array.from(Buffer.from(base64, 'base64')))
    } catch (error) {
      throw refuse('a certificate of the PEM cannot be read', error)
    }
  })
}

/**
 * Whether a certificate may sign time-stamps at a time: the extended key usage is critical and is
 * time-stamping alone (RFC 3161 §2.3), and the key may sign.
 *
 * @throws AuditError `MALFORMED_TIMESTAMP`
 */
export function assertMayStamp({ certificate }: Authority): void {
  const usage = extensionOf(certificate, ID_EXTENDED_KEY_USAGE)
  const purposes = usage?.parsedValue instanceof ExtKeyUsage ? usage.parsedValue.keyPurposes : []
  if (usage?.critical !== true || purposes.length !== 1 || purposes[0] !== ID_TIME_STAMPING) {
    throw malformed('the certificate is not made for time-stamping alone')
  }
  if (!mayUse(certificate, SIGNS)) throw malformed('the certificate’s key may not sign')
}

/**
 * Follows issuers from a certificate to one that is trusted, all of them valid at the time.
 *
 * @throws AuditError `MALFORMED_TIMESTAMP`
 */
export async function assertTrusted(
  signer: Authority,
  from: { readonly others: readonly Authority[]; readonly trusted: readonly Authority[] },
  atMillis: number,
): Promise<void> {
  const trusted = new Set(from.trusted.map(({ der }) => hexOf(der)))
  const candidates = [...from.trusted, ...from.others]
  let checks = 0
  const leads = async (one: Authority, below: number): Promise<boolean> => {
    if (!isValidAt(one.certificate, atMillis) || hasUnknownCritical(one.certificate)) return false
    if (trusted.has(hexOf(one.der))) return true
    if (below >= CHAIN_CERTIFICATES_MAX) return false
    for (const next of candidates) {
      if (!one.certificate.issuer.isEqual(next.certificate.subject)) continue
      if (!mayIssue(next.certificate, below)) continue
      if (++checks > SIGNATURE_CHECKS_MAX) throw malformed('too many certificates of one name')
      if (!(await isSignedBy(one.certificate, next.certificate))) continue
      if (await leads(next, below + 1)) return true
    }
    return false
  }
  if (!(await leads(signer, 0))) {
    throw malformed('its certificate leads to no trusted authority that was valid at its time')
  }
}

/** @param below certificates between the issuer and the signer's */
function mayIssue(certificate: Certificate, below: number): boolean {
  const constraints = extensionOf(certificate, ID_BASIC_CONSTRAINTS)?.parsedValue as unknown
  if (!(constraints instanceof BasicConstraints) || !constraints.cA) return false
  const depth = constraints.pathLenConstraint
  if (depth !== undefined && (typeof depth !== 'number' || depth < below)) return false
  const purposes = extensionOf(certificate, ID_EXTENDED_KEY_USAGE)?.parsedValue as unknown
  const isForStamps =
    purposes === undefined ||
    (purposes instanceof ExtKeyUsage &&
      [ID_TIME_STAMPING, ID_ANY_USAGE].some((purpose) => purposes.keyPurposes.includes(purpose)))
  return isForStamps && mayUse(certificate, SIGNS_CERTIFICATES)
}

function extensionOf(
  { extensions = [] }: Certificate,
  id: string,
): NonNullable<Certificate['extensions']>[number] | undefined {
  return extensions.find(({ extnID }) => extnID === id)
}

/** Whether the key may be used so; a certificate without KeyUsage does not restrict it. */
function mayUse(certificate: Certificate, bits: number): boolean {
  const usage = extensionOf(certificate, ID_KEY_USAGE)
  if (usage === undefined) return true
  const [octet = 0] = (usage.parsedValue as BitString).valueBlock.valueHexView
  return (octet & bits) !== 0
}

function isValidAt({ notAfter, notBefore }: Certificate, millis: number): boolean {
  return notBefore.value.getTime() <= millis && millis <= notAfter.value.getTime()
}

function hasUnknownCritical({ extensions = [] }: Certificate): boolean {
  const ids = extensions.map(({ extnID }) => extnID)
  const isTwice = new Set(ids).size !== ids.length
  return isTwice || extensions.some(({ critical, extnID }) => critical && !KNOWN.has(extnID))
}
