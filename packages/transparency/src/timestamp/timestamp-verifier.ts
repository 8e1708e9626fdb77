// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { Authority } from './authority.ts'
import { assertMayStamp, assertTrusted, readAuthorities, readCertificate } from './authority.ts'
import { SHA256_OID } from './crypto-engine.ts'
import { hexOf, malformed } from './der.ts'
import { assertDigest } from './timestamp-request.ts'
import { parseToken } from './timestamp-token.ts'
import { signerOf } from './token-signature.ts'

/** What a valid time-stamp says. */
export interface Timestamp {
  /** When the authority saw the digest, by its clock: `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly time: string
  /** By how much that may be wrong, in milliseconds; undefined where the authority does not say. */
  readonly accuracyMillis: number | undefined
  /** Object identifier of the rules under which the authority works. */
  readonly policy: string
  /** The authority's number of the time-stamp, in hex. */
  readonly serial: string
}

/** Checks a DER TimeStampResp over a SHA-256 digest. */
export type TimestampVerifier = (token: Uint8Array, digestHex: string) => Promise<Timestamp>

/** A time that may be wrong by more bounds nothing. */
const ACCURACY_MILLIS_MAX = 60_000

/**
 * A verifier that trusts these authorities: a token counts if its certificate is one of them or
 * leads to one. It asks nobody, so it does not learn whether a certificate was revoked.
 *
 * The verifier rejects with AuditError `MALFORMED_TIMESTAMP` whatever is wrong with a token, and
 * `INVALID_OPTION` for a digest that is none; it takes bounded time and memory.
 *
 * @param authorities PEM texts, each one certificate or several
 * @throws AuditError `MALFORMED_CERTIFICATE`
 * @see spec/timestamps.md
 */
export function timestampVerifier(authorities: readonly string[]): TimestampVerifier {
  const trusted = readAuthorities(authorities)
  return (token, digestHex) => verifyToken(token, { digestHex, trusted })
}

/** What a token must fit. */
export interface TokenExpectation {
  readonly digestHex: string
  /** Without them the signature is checked under the certificate that comes with the token. */
  readonly trusted?: readonly Authority[]
  /** That of our request, content octets in hex. */
  readonly nonce?: string
}

/** @throws AuditError `MALFORMED_TIMESTAMP`, `INVALID_OPTION` */
export async function verifyToken(
  response: Uint8Array,
  expected: TokenExpectation,
): Promise<Timestamp> {
  assertDigest(expected.digestHex)
  try {
    return await checkToken(response, expected)
  } catch (error) {
    if (error instanceof AuditError) throw error
    // Whatever the libraries say of what they cannot read.
    throw malformed('a part of it cannot be read', error)
  }
}

async function checkToken(
  response: Uint8Array,
  { digestHex, nonce, trusted }: TokenExpectation,
): Promise<Timestamp> {
  const token = parseToken(response)
  const { info } = token
  if (info.hash !== SHA256_OID) throw malformed('it is not over a SHA-256 digest')
  if (hexOf(info.imprint) !== digestHex) throw malformed('it is over something else')
  if (nonce !== undefined && info.nonce !== nonce) throw malformed('it answers another request')
  const { accuracyMillis = 0 } = info
  if (accuracyMillis > ACCURACY_MILLIS_MAX) throw malformed('its time is too inaccurate')
  const others = token.certificates.map(readCertificate)
  const signer = await signerOf(token, [...(trusted ?? []), ...others])
  assertMayStamp(signer)
  if (trusted !== undefined) await assertTrusted(signer, { others, trusted }, info.timeMillis)
  return {
    time: new Date(info.timeMillis).toISOString(),
    accuracyMillis: info.accuracyMillis,
    policy: info.policy,
    serial: info.serial,
  }
}
