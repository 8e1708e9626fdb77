// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Certificate } from 'pkijs'
import { CryptoEngine } from 'pkijs'
import { hexOf } from './der.ts'

/**
 * Hashes and signatures by the platform's WebCrypto, through the engine of pkijs. Held here instead
 * of set as pkijs's global engine: whoever else uses pkijs in the process is not disturbed.
 */
export const engine: CryptoEngine = new CryptoEngine({
  name: 'platform',
  crypto: globalThis.crypto,
})

/** Hashes that a time-stamp's signatures may use. SHA-1 is none: collisions of it can be made. */
const HASHES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512',
}

export const SHA256_OID = '2.16.840.1.101.3.4.2.1'

/** The name of a hash that is allowed; undefined for every other. */
export function hashName(oid: string): string | undefined {
  return HASHES[oid]
}

export async function digestHex(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hexOf(new Uint8Array(await globalThis.crypto.subtle.digest(hash, bytes)))
}

/** Whether the certificate is signed by the other's key, with a hash that is allowed. */
export async function isSignedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  const hash = engine.getHashAlgorithm(certificate.signatureAlgorithm)
  if (!Object.values(HASHES).includes(hash)) return false
  // Keys and signatures of kinds that cannot be read are reported as errors.
  return certificate.verify(issuer, engine).catch(() => false)
}
