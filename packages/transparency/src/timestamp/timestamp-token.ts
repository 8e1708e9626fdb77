// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AsnType } from 'asn1js'
import type { SignerInfo } from 'pkijs'
import { SignedData } from 'pkijs'
import {
  childrenOf,
  integerHex,
  malformed,
  octetsOf,
  oidOf,
  parseDer,
  rawOf,
  smallInteger,
  tagged,
  timeOf,
} from './der.ts'

/** A time-stamp response taken apart; nothing in it is verified. */
export interface TimestampToken {
  readonly info: TokenInfo
  /** DER of the TSTInfo: what is signed. */
  readonly infoDer: Uint8Array<ArrayBuffer>
  readonly signer: SignerInfo
  /** DER of the certificates that came with it. */
  readonly certificates: readonly Uint8Array<ArrayBuffer>[]
}

/** RFC 3161 TSTInfo, as far as it is used. */
export interface TokenInfo {
  readonly policy: string
  readonly hash: string
  readonly imprint: Uint8Array
  readonly serial: string
  readonly timeMillis: number
  readonly accuracyMillis: number | undefined
  /** Content octets in hex. */
  readonly nonce: string | undefined
}

const ID_SIGNED_DATA = '1.2.840.113549.1.7.2'
const ID_TST_INFO = '1.2.840.113549.1.9.16.1.4'
const CERTIFICATES_MAX = 16
/** RFC 3161 PKIStatus: granted, and granted with modifications. */
const GRANTED: ReadonlySet<number> = new Set([0, 1])

/**
 * Takes apart the DER of a TimeStampResp.
 *
 * @throws AuditError `MALFORMED_TIMESTAMP`; other errors where pkijs cannot read a part
 */
export function parseToken(response: Uint8Array): TimestampToken {
  const [status, token, ...more] = childrenOf(parseDer(response, 'the answer'), 'the answer')
  const code = smallInteger(childrenOf(status, 'the status')[0], 'the status')
  if (!GRANTED.has(code)) throw malformed(`the authority refused (status ${code})`)
  if (token === undefined || more.length > 0) throw malformed('the answer holds no token')
  const [kind, content] = childrenOf(token, 'the token')
  if (oidOf(kind, 'the token’s type') !== ID_SIGNED_DATA) throw malformed('no signed data')
  const [signedData] = childrenOf(content, 'the signed data')
  // Before pkijs reads the same values: it takes them out of the tree.
  const certificates = certificatesOf(childrenOf(signedData, 'the signed data'))
  const { encapContentInfo, signerInfos } = new SignedData({ schema: signedData })
  const [signer] = signerInfos
  if (signer === undefined || signerInfos.length > 1) throw malformed('not exactly one signer')
  if (encapContentInfo.eContentType !== ID_TST_INFO) throw malformed('the content is no TSTInfo')
  if (encapContentInfo.eContent === undefined) throw malformed('the content is not there')
  const infoDer = octetsOf(encapContentInfo.eContent as AsnType, 'the content')
  return { info: parseInfo(infoDer), infoDer, signer, certificates }
}

function certificatesOf(signedData: readonly AsnType[]): readonly Uint8Array<ArrayBuffer>[] {
  const set = tagged(signedData, 0)
  if (set === undefined) return []
  const values = childrenOf(set, 'the certificates')
  if (values.length > CERTIFICATES_MAX) throw malformed(`over ${CERTIFICATES_MAX} certificates`)
  return values.map(rawOf)
}

function parseInfo(der: Uint8Array): TokenInfo {
  const values = childrenOf(parseDer(der, 'TSTInfo'), 'TSTInfo')
  const [version, policy, imprint, serial, time, ...optional] = values
  if (smallInteger(version, 'version') !== 1) throw malformed('TSTInfo is not of version 1')
  const [algorithm, hashed] = childrenOf(imprint, 'messageImprint')
  if (tagged(optional, 1) !== undefined) throw malformed('TSTInfo has extensions')
  return {
    policy: oidOf(policy, 'policy'),
    hash: oidOf(childrenOf(algorithm, 'hashAlgorithm')[0], 'hashAlgorithm'),
    imprint: octetsOf(hashed, 'hashedMessage'),
    serial: integerHex(serial, 'serialNumber'),
    timeMillis: timeOf(time, 'genTime'),
    accuracyMillis: accuracyOf(optional[0]),
    nonce: nonceOf(optional),
  }
}

const UNIVERSAL = 1
const INTEGER = 2
const SEQUENCE = 16

/** Accuracy, rounded up to milliseconds; undefined where the authority does not say. */
function accuracyOf(first: AsnType | undefined): number | undefined {
  if (!isUniversal(first, SEQUENCE)) return undefined
  const values = childrenOf(first, 'accuracy')
  const [seconds] = values.filter((value) => isUniversal(value, INTEGER))
  const part = (tag: number): number => {
    const value = tagged(values, tag)
    if (value === undefined) return 0
    // An implicitly tagged INTEGER: 1 to 999, so two content octets at most.
    const octets = rawOf(value).subarray(2)
    const number = octets.reduce((sum, octet) => sum * 256 + octet, 0)
    if (octets.length > 2 || number < 1 || number > 999) throw malformed('accuracy is out of range')
    return number
  }
  const whole = seconds === undefined ? 0 : smallInteger(seconds, 'accuracy')
  return whole * 1000 + part(0) + Math.ceil(part(1) / 1000)
}

function nonceOf(optional: readonly AsnType[]): string | undefined {
  const nonce = optional.find((value) => isUniversal(value, INTEGER))
  return nonce === undefined ? undefined : integerHex(nonce, 'nonce')
}

function isUniversal(value: AsnType | undefined, tag: number): boolean {
  return value?.idBlock.tagClass === UNIVERSAL && value.idBlock.tagNumber === tag
}
