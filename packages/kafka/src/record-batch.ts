// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { messageBytes } from './message.ts'
import type { TransportRecord } from './transport.ts'

/**
 * Kafka's record batch, version 2, from messages without anything between: a client's own encoder
 * makes a dozen objects a record, and that is most of what sending costs. See "Record Batch" in
 * Kafka's protocol documentation.
 */

const MAGIC = 2
/** From the first byte to the records. */
const HEAD_BYTES = 61
/** Where the checksum lies; it is over all that follows it. */
const CRC_AT = 17
const LENGTH_AT = 8
/** A record longer than this many bytes needs more for its own length. */
const VARINT_BYTES_MAX = 8

/** Kafka's numbers for how the records are packed. */
const PACKINGS = { none: 0, gzip: 1, zstd: 4 } as const

/** The records of one batch, laid out and not yet packed. */
export interface LaidOutRecords {
  readonly bytes: Buffer
  /** What they lie in. */
  readonly memory: Buffer
  readonly count: number
  /** Unix milliseconds. */
  readonly firstTimestamp: number
  readonly maxTimestamp: number
}

/** What makes a batch of records a certain producer's next one. */
export interface BatchPlace {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly packing: keyof typeof PACKINGS
}

/** One header as it was last: most are the same in every record of a batch. */
interface KnownHeader {
  readonly name: Buffer
  value: string | Uint8Array
  bytes: Uint8Array
}

/** Memory that was given back and is kept for later: of the batch that is packed and of the next. */
const SPARE_MAX = 2

/**
 * Lays out records; keeps the bytes of headers that do not change, and the memory of batches that are
 * done with: a new megabyte for each makes V8 collect garbage ten times a second.
 */
export class RecordLayout {
  readonly #known = new Map<string, KnownHeader>()
  readonly #spare: Buffer[] = []
  #target: Buffer = Buffer.alloc(0)
  #at = 0

  /** @param records at least one */
  layOut(records: readonly TransportRecord[]): LaidOutRecords {
    const firstTimestamp = records[0]?.timestamp ?? 0
    let maxTimestamp = firstTimestamp
    let room = 0
    const sizes = records.map((record) => {
      maxTimestamp = Math.max(maxTimestamp, record.timestamp)
      const size = messageBytes(record) + VARINT_BYTES_MAX
      room += size
      return size
    })
    this.#target = this.#memory(room)
    this.#at = 0
    for (const [i, record] of records.entries()) {
      const delta = record.timestamp - firstTimestamp
      this.#record(record, { delta, offset: i, sizeMax: sizes[i] as number })
    }
    const memory = this.#target
    const bytes = memory.subarray(0, this.#at)
    return { bytes, memory, count: records.length, firstTimestamp, maxTimestamp }
  }

  /** Takes the memory of laid out records back: their bytes are not looked at any more. */
  reuse({ memory }: LaidOutRecords): void {
    if (this.#spare.length < SPARE_MAX) this.#spare.push(memory)
  }

  #memory(byteCount: number): Buffer {
    const spare = this.#spare.pop()
    return spare !== undefined && spare.length >= byteCount ? spare : Buffer.allocUnsafe(byteCount)
  }

  #record(
    { key, value, headers }: TransportRecord,
    place: { readonly delta: number; readonly offset: number; readonly sizeMax: number },
  ): void {
    const start = this.#at
    // Its length stands before it, in as many bytes as that takes, and is known behind it.
    const reserved = varintBytes(2 * place.sizeMax)
    this.#at += reserved
    this.#target[this.#at++] = 0 // no attributes
    this.#varint(place.delta)
    this.#varint(place.offset)
    this.#bytes(typeof key === 'string' ? Buffer.from(key, 'utf8') : key)
    this.#bytes(value)
    const names = Object.keys(headers)
    this.#varint(names.length)
    for (const name of names) this.#header(name, headers[name] as string | Uint8Array)
    const length = this.#at - start - reserved
    const needed = varintBytes(2 * length)
    if (needed < reserved) {
      this.#target.copyWithin(start + needed, start + reserved, this.#at)
      this.#at -= reserved - needed
    }
    const end = this.#at
    this.#at = start
    this.#varint(length)
    this.#at = end
  }

  #header(name: string, value: string | Uint8Array): void {
    let known = this.#known.get(name)
    if (known === undefined) {
      known = { name: Buffer.from(name, 'utf8'), value: '', bytes: new Uint8Array() }
      this.#known.set(name, known)
    }
    if (known.value !== value) {
      known.value = value
      known.bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
    }
    this.#bytes(known.name)
    this.#bytes(known.bytes)
  }

  #bytes(bytes: Uint8Array): void {
    this.#varint(bytes.length)
    this.#target.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** A whole number of at most 2^52 in size, zigzag. */
  #varint(value: number): void {
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    while (rest >= 0x80) {
      this.#target[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#target[this.#at++] = rest
  }
}

function varintBytes(zigzag: number): number {
  let bytes = 1
  for (let rest = zigzag; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}

/**
 * The batch with its head.
 *
 * @param packed the laid out bytes, packed as `place.packing` says
 * @param crc32c of the bytes that it is given, as an unsigned number of 32 bits
 */
export function recordBatch(
  { count, firstTimestamp, maxTimestamp }: LaidOutRecords,
  { place, packed }: { readonly place: BatchPlace; readonly packed: Uint8Array },
  crc32c: (bytes: Uint8Array) => number,
): Buffer {
  const batch = Buffer.allocUnsafe(HEAD_BYTES + packed.length)
  batch.writeBigInt64BE(0n, 0) // the broker gives the offset
  batch.writeInt32BE(batch.length - LENGTH_AT - 4, LENGTH_AT)
  batch.writeInt32BE(-1, 12) // the leader's epoch is not ours to say
  batch.writeInt8(MAGIC, 16)
  batch.writeInt16BE(PACKINGS[place.packing], 21)
  batch.writeInt32BE(count - 1, 23)
  batch.writeBigInt64BE(BigInt(firstTimestamp), 27)
  batch.writeBigInt64BE(BigInt(maxTimestamp), 35)
  batch.writeBigInt64BE(place.producerId, 43)
  batch.writeInt16BE(place.producerEpoch, 51)
  batch.writeInt32BE(place.firstSequence, 53)
  batch.writeInt32BE(count, 57)
  batch.set(packed, HEAD_BYTES)
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_AT + 4)), CRC_AT)
  return batch
}

/** The sequence number behind `count` records: they begin again at 0 behind 2^31 − 1. */
export function sequenceBehind(firstSequence: number, count: number): number {
  return (firstSequence + count) % 2 ** 31
}
