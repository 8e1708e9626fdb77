// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from './errors.ts'
import { sha256Hex } from './hash.ts'

const EPOCH_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const EPOCH_TAG = 'spanseal/epoch/1\0'
const RANDOM_BITS = 74n
const UNIX_MILLIS_MAX = 2 ** 48 - 1

/** Whether `text` has the form of an epoch id (a UUIDv7, RFC 9562 §5.7, in lower case). */
export function isEpochId(text: string): boolean {
  return EPOCH_ID.test(text)
}

/**
 * The id of the epoch that `publicKey` signs, opened at `unixMillis`: a UUIDv7 whose 74 random bits
 * are the first 74 of `SHA-256("spanseal/epoch/1" ‖ 0x00 ‖ public key)`, so that another key means
 * another id.
 *
 * @param publicKey 32 bytes
 * @param unixMillis 0 to 2^48 − 1
 * @throws AuditError `INVALID_OPTION` for another time, such as that of a clock before 1970
 */
export function epochId(publicKey: Uint8Array, unixMillis: number): string {
  if (!Number.isInteger(unixMillis) || unixMillis < 0 || unixMillis > UNIX_MILLIS_MAX) {
    throw new AuditError('INVALID_OPTION', `no epoch can begin at ${unixMillis} ms since 1970`)
  }
  const digest = sha256Hex(Buffer.concat([Buffer.from(EPOCH_TAG, 'latin1'), publicKey]))
  const bits = BigInt(`0x${digest}`) >> (256n - RANDOM_BITS)
  const time = unixMillis.toString(16).padStart(12, '0')
  const randA = (bits >> 62n).toString(16).padStart(3, '0')
  const randB = ((bits & ((1n << 62n) - 1n)) | (0b10n << 62n)).toString(16).padStart(16, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randA}-${randB.slice(0, 4)}-${randB.slice(4)}`
}

/** The time in an epoch id, in milliseconds since 1970. */
export function epochMillis(epoch: string): number {
  return Number.parseInt(epoch.slice(0, 8) + epoch.slice(9, 13), 16)
}

/** Whether `epoch`'s random bits are those of `publicKey`. */
export function epochBelongsTo(epoch: string, publicKey: Uint8Array): boolean {
  return isEpochId(epoch) && epochId(publicKey, epochMillis(epoch)) === epoch
}
