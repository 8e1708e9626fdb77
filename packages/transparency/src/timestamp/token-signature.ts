// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AsnType } from 'asn1js'
import type { Attribute, Certificate, SignerInfo } from 'pkijs'
import type { Authority } from './authority.ts'
import { digestHex, engine, hashName } from './crypto-engine.ts'
import { childrenOf, hexOf, malformed, octetsOf, oidOf } from './der.ts'
import type { TimestampToken } from './timestamp-token.ts'

const ID_CONTENT_TYPE = '1.2.840.113549.1.9.3'
const ID_MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const ID_SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12'
const ID_SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47'
const ID_TST_INFO = '1.2.840.113549.1.9.16.1.4'
const ID_RSA = '1.2.840.113549.1.1.1'

/**
 * The certificate, among those given, that the token names by ESSCertID as its signer's, and under
 * whose key its signature is right.
 *
 * @throws AuditError `MALFORMED_TIMESTAMP`; other errors where the platform cannot read key or signature
 */
export async function signerOf(
  { info, infoDer, signer }: TimestampToken,
  certificates: readonly Authority[],
): Promise<Authority> {
  const attributes = signer.signedAttrs?.attributes ?? []
  if (oidOf(single(attributes, ID_CONTENT_TYPE), 'content-type') !== ID_TST_INFO) {
    throw malformed('what is signed is no TSTInfo')
  }
  const hash = hashName(signer.digestAlgorithm.algorithmId)
  if (hash === undefined) throw malformed(`unknown hash ${signer.digestAlgorithm.algorithmId}`)
  const digest = octetsOf(single(attributes, ID_MESSAGE_DIGEST), 'message-digest')
  if (hexOf(digest) !== (await digestHex(hash, infoDer))) {
    throw malformed(`its time (${info.timeMillis}) or imprint was changed`)
  }
  const named = await namedCertificate(attributes, certificates)
  if (!(await isSigned(signer, named.certificate, hash))) throw malformed('the signature is wrong')
  return named
}

/** The one value of the one attribute of a type; CMS wants each at most once. */
function single(attributes: readonly Attribute[], type: string): AsnType | undefined {
  const found = attributes.filter((attribute) => attribute.type === type)
  const values = found.flatMap((attribute) => attribute.values as AsnType[])
  if (found.length > 1 || values.length > 1) throw malformed(`attribute ${type} more than once`)
  return values[0]
}

async function namedCertificate(
  attributes: readonly Attribute[],
  certificates: readonly Authority[],
): Promise<Authority> {
  const first = single(attributes, ID_SIGNING_CERTIFICATE)
  const second = single(attributes, ID_SIGNING_CERTIFICATE_V2)
  if (first === undefined && second === undefined) throw malformed('no certificate is named')
  const wanted = [
    ...(first === undefined ? [] : [essCertificate(first, 'SHA-1')]),
    ...(second === undefined ? [] : [essCertificateV2(second)]),
  ]
  for (const candidate of certificates) {
    const digests = wanted.map(
      async ({ hash, hex }) => (await digestHex(hash, candidate.der)) === hex,
    )
    if ((await Promise.all(digests)).every(Boolean)) return candidate
  }
  throw malformed('the certificate that it names is not there')
}

interface CertificateHash {
  readonly hash: string
  readonly hex: string
}

/** SigningCertificate's first ESSCertID (RFC 2634 §5.4.1), whose hash is SHA-1 and nothing else. */
function essCertificate(attribute: AsnType, hash: string): CertificateHash {
  const [certs] = childrenOf(attribute, 'signing-certificate')
  const [id] = childrenOf(certs, 'signing-certificate')
  const [digest] = childrenOf(id, 'ESSCertID')
  return { hash, hex: hexOf(octetsOf(digest, 'ESSCertID')) }
}

/** The same of SigningCertificateV2 (RFC 5035 §3), whose hash is SHA-256 where none is named. */
function essCertificateV2(attribute: AsnType): CertificateHash {
  const [certs] = childrenOf(attribute, 'signing-certificate')
  const [id] = childrenOf(certs, 'signing-certificate')
  const [first, second] = childrenOf(id, 'ESSCertIDv2')
  if (first?.idBlock.tagNumber === 4) {
    return { hash: 'SHA-256', hex: hexOf(octetsOf(first, 'ESSCertIDv2')) }
  }
  const oid = oidOf(childrenOf(first, 'ESSCertIDv2')[0], 'ESSCertIDv2')
  const hash = hashName(oid)
  if (hash === undefined) throw malformed(`unknown hash ${oid}`)
  return { hash, hex: hexOf(octetsOf(second, 'ESSCertIDv2')) }
}

async function isSigned(
  { signature, signatureAlgorithm, signedAttrs }: SignerInfo,
  { subjectPublicKeyInfo }: Certificate,
  hash: string,
): Promise<boolean> {
  if (signedAttrs === undefined) return false
  const isBare = signatureAlgorithm.algorithmId === ID_RSA
  if (!isBare && engine.getHashAlgorithm(signatureAlgorithm) !== hash) {
    throw malformed('the signature uses another hash, or is of an unknown kind')
  }
  // The attributes as they were received, with the tag of a SET (RFC 5652 §5.4).
  return engine.verifyWithPublicKey(
    signedAttrs.encodedValue,
    signature,
    subjectPublicKeyInfo,
    signatureAlgorithm,
    isBare ? hash : undefined,
  )
}
