// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * A Produce request that makes the broker fence its own producer: the last one of a connection, with
 * the producer's epoch raised by one. What it appends is what is there already, byte for byte; what
 * the producer sends from then on is refused as coming from a producer that was replaced.
 *
 * The record batch is found by its checksum, so that no version of the request need be understood
 * (Kafka, "Record Batch": magic at byte 16, CRC-32C at 17 over all from 21 on, producer epoch at 51,
 * base sequence at 53).
 *
 * @param request without its length; not changed
 * @throws Error when there is no record batch in it
 */
export function fencing(request: Buffer): Buffer {
  const forged = Buffer.from(request)
  for (let start = 0; start + BATCH_HEADER_BYTES <= forged.length; start++) {
    const end = start + 12 + forged.readInt32BE(start + 8)
    if (forged[start + 16] !== 2 || end < start + BATCH_HEADER_BYTES || end > forged.length)
      continue
    const body = forged.subarray(start + 21, end)
    if (crc32c(body) !== forged.readUInt32BE(start + 17)) continue
    forged.writeInt16BE(forged.readInt16BE(start + 51) + 1, start + 51)
    forged.writeInt32BE(0, start + 53)
    forged.writeUInt32BE(crc32c(body), start + 17)
    return forged
  }
  throw new Error('no record batch in this request')
}

const BATCH_HEADER_BYTES = 61
/** Castagnoli's polynomial, reversed. */
const POLYNOMIAL = 0x82f63b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
