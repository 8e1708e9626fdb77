// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { SealedCheckpoint, SealedRecord } from '@spanseal/core'
import type { TransportRecord } from './transport.ts'

/** A record as a Kafka message: the value is the line, byte for byte. Headers only help to route. */
export function recordMessage(record: SealedRecord, timestamp: number): TransportRecord {
  const headers: Record<string, string> = {
    'spanseal-log': record.log,
    'spanseal-epoch': record.epoch,
    'spanseal-seq': `${record.seq}`,
    'spanseal-leaf': record.leaf,
    'content-type': 'application/json',
    'spanseal-schema': 'record/1',
  }
  if (record.traceparent !== undefined) headers['traceparent'] = record.traceparent
  return { key: record.epoch, value: record.line, headers, timestamp }
}

/** A checkpoint as a Kafka message: the value is the signed note. */
export function checkpointMessage(
  checkpoint: SealedCheckpoint,
  timestamp: number,
): TransportRecord {
  const headers = {
    'spanseal-log': checkpoint.log,
    'spanseal-epoch': checkpoint.epoch,
    'spanseal-size': `${checkpoint.size}`,
    'content-type': 'text/plain; charset=utf-8',
    'spanseal-schema': 'checkpoint/1',
  }
  return { key: checkpoint.epoch, value: Buffer.from(checkpoint.note, 'utf8'), headers, timestamp }
}

// Lengths, offset and time of a record and of each header, as variable-length integers.
const RECORD_OVERHEAD_BYTES = 24
const HEADER_OVERHEAD_BYTES = 4

/** About how many bytes a message takes before compression; never too few. */
export function messageBytes(message: TransportRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + message.key.length + message.value.length
  for (const name in message.headers) {
    const value = message.headers[name] as string | Uint8Array
    const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length
    bytes += HEADER_OVERHEAD_BYTES + name.length + length
  }
  return bytes
}
