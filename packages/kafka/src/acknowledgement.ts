// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { SendRequest, SendResult } from './transport.ts'

const OFFSET = /^\d{1,19}$/

/**
 * Judges what the broker answered to a request: exactly one entry, of the right topic and partition,
 * without error, with an offset behind everything that this producer has had acknowledged. A client
 * that resolves without having written, as kafkajs does in two known ways, fails one of these.
 *
 * @param nextOffset the lowest offset that the first record can have
 * @returns the lowest offset that the next request's first record can have
 * @throws AuditError `DELIVERY_DOUBTFUL`
 */
export function checkAcknowledgement(
  request: SendRequest,
  results: readonly SendResult[],
  nextOffset: bigint,
): bigint {
  const { topic, partition, records } = request
  const doubt = (why: string): never => {
    throw new AuditError(
      'DELIVERY_DOUBTFUL',
      `${topic}/${partition}: ${why}; ${records.length} records will be sent again`,
      { details: { topic, partition } },
    )
  }
  const [result] = results
  if (result === undefined || results.length !== 1) {
    return doubt(`acknowledged for ${results.length} partitions instead of one`)
  }
  if (result.topic !== topic || result.partition !== partition) {
    return doubt(`acknowledged for ${result.topic}/${result.partition}`)
  }
  if (result.errorCode !== 0) return doubt(`acknowledged with error code ${result.errorCode}`)
  if (!OFFSET.test(result.baseOffset)) return doubt('acknowledged without an offset')
  const baseOffset = BigInt(result.baseOffset)
  if (baseOffset < nextOffset) {
    return doubt(`acknowledged at offset ${baseOffset}, which is not behind ${nextOffset - 1n}`)
  }
  return baseOffset + BigInt(records.length)
}
