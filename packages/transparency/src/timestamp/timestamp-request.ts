// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import { Integer, Null, OctetString } from 'asn1js'
import { AlgorithmIdentifier, MessageImprint, TimeStampReq } from 'pkijs'
import { SHA256_OID } from './crypto-engine.ts'
import { hexOf } from './der.ts'

/** What is sent to an authority, and what its answer must repeat. */
export interface TimestampRequest {
  /** DER of an RFC 3161 TimeStampReq. */
  readonly der: Uint8Array<ArrayBuffer>
  /** Content octets of the nonce in hex. */
  readonly nonce: string
}

const NONCE_BYTES = 16

/**
 * A request for a time-stamp over a SHA-256 digest, with a nonce of 127 random bits and the wish for
 * the authority's certificate.
 *
 * @param digestHex 64 digits of lower-case hex
 * @throws AuditError `INVALID_OPTION`
 */
export function timestampRequest(digestHex: string): TimestampRequest {
  const nonce = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  // Positive and in DER's shortest form, so that the answer can be compared byte for byte.
  nonce[0] = ((nonce[0] as number) & 0x7f) | 0x40
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({
        algorithmId: SHA256_OID,
        algorithmParams: new Null(),
      }),
      hashedMessage: new OctetString({ valueHex: assertDigest(digestHex) }),
    }),
    nonce: new Integer({ valueHex: nonce.buffer }),
    certReq: true,
  })
  return { der: new Uint8Array(request.toSchema().toBER()), nonce: hexOf(nonce) }
}

/** The bytes of a SHA-256 digest; anything else is refused. */
export function assertDigest(digestHex: string): Uint8Array<ArrayBuffer> {
  if (!/^[0-9a-f]{64}$/.test(digestHex)) {
    throw new AuditError('INVALID_OPTION', 'digestHex: give 64 digits of lower-case hex', {
      details: { option: 'digestHex' },
    })
  }
  return Uint8Array.from(Buffer.from(digestHex, 'hex'))
}
