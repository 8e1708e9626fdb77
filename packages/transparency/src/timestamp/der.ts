// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { AsnType } from 'asn1js'
import {
  Constructed,
  fromBER,
  GeneralizedTime,
  Integer,
  ObjectIdentifier,
  OctetString,
} from 'asn1js'

/** Reading DER that nobody vouches for: everything is bounded, and everything that is odd is refused. */

/** Answers of public authorities have 2 to 8 KB, certificates included. */
export const TOKEN_BYTES_MAX = 65_536
const DEPTH_MAX = 32
/** A token of three certificates has some 700. */
const NODES_MAX = 10_000

/** The one error of this folder for what is no valid time-stamp. */
export function malformed(why: string, cause?: unknown): AuditError {
  return new AuditError('MALFORMED_TIMESTAMP', `time-stamp: ${why}`, { cause })
}

/**
 * The outermost value; its end is the end of the bytes, which are copied.
 *
 * @throws AuditError `MALFORMED_TIMESTAMP`
 */
export function parseDer(bytes: Uint8Array, what: string): AsnType {
  if (bytes.length > TOKEN_BYTES_MAX) throw malformed(`${what} has over ${TOKEN_BYTES_MAX} bytes`)
  const limits = { maxDepth: DEPTH_MAX, maxNodes: NODES_MAX, maxContentLength: TOKEN_BYTES_MAX }
  // Values inside octet strings are read where they are asked for, not on suspicion.
  const parsed = fromBER(Uint8Array.from(bytes), { ...limits, parseEmbedded: false })
  if (parsed.offset !== bytes.length || parsed.result.error !== '') {
    throw malformed(`${what} is no DER: ${parsed.result.error || 'something follows it'}`)
  }
  return parsed.result
}

/** The values inside a sequence, a set or an explicit tag. */
export function childrenOf(value: AsnType | undefined, what: string): readonly AsnType[] {
  if (value instanceof Constructed) return value.valueBlock.value as readonly AsnType[]
  throw malformed(`${what} is not constructed`)
}

/** The value inside that has this context-specific tag. */
export function tagged(values: readonly AsnType[], tag: number): AsnType | undefined {
  return values.find(({ idBlock }) => idBlock.tagClass === 3 && idBlock.tagNumber === tag)
}

/** The bytes of a value as they were read, tag and length included. */
export function rawOf(value: AsnType): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(value.valueBeforeDecodeView)
}

export function oidOf(value: AsnType | undefined, what: string): string {
  if (value instanceof ObjectIdentifier) return value.valueBlock.toString()
  throw malformed(`${what} is no object identifier`)
}

/** The content of a primitive octet string. */
export function octetsOf(value: AsnType | undefined, what: string): Uint8Array<ArrayBuffer> {
  if (value instanceof OctetString && !value.idBlock.isConstructed) {
    return Uint8Array.from(value.valueBlock.valueHexView)
  }
  throw malformed(`${what} is no octet string`)
}

/** An integer's content octets in hex; as DER has one form of each, equal texts are equal numbers. */
export function integerHex(value: AsnType | undefined, what: string): string {
  if (value instanceof Integer) return hexOf(value.valueBlock.valueHexView)
  throw malformed(`${what} is no integer`)
}

/** An integer from 0 to 2^31-1. */
export function smallInteger(value: AsnType | undefined, what: string): number {
  const hex = integerHex(value, what)
  const number = Number.parseInt(hex, 16)
  if (hex.length > 8 || number > 0x7fff_ffff) throw malformed(`${what} is out of range`)
  return number
}

const TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{1,9}))?Z$/

/** Unix milliseconds of a GeneralizedTime in UTC with seconds; what is finer is cut off. */
export function timeOf(value: AsnType | undefined, what: string): number {
  const text = value instanceof GeneralizedTime ? latin1(value) : ''
  const [, year, month, day, hour, minute, second, fraction = ''] = TIME.exec(text) ?? []
  if (year === undefined) throw malformed(`${what} is no UTC time with seconds`)
  const seconds = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const millis = Date.parse(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}Z`)
  if (!Number.isFinite(millis) || new Date(millis).toISOString().slice(0, 19) !== seconds) {
    throw malformed(`${what} is no time that the calendar has`)
  }
  return millis
}

function latin1(value: GeneralizedTime): string {
  return Buffer.from(value.valueBlock.valueHexView).toString('latin1')
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
