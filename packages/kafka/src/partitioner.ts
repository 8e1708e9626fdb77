// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

const SEED = 0x9747b28c
const M = 0x5bd1e995

/** MurmurHash2 of 32 bits as Kafka's Java client computes it; a signed 32-bit integer. */
export function murmur2(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const tail = data.length & ~3
  let h = SEED ^ data.length
  for (let i = 0; i < tail; i += 4) {
    let k = Math.imul(view.getInt32(i, true), M)
    k = Math.imul(k ^ (k >>> 24), M)
    h = Math.imul(h, M) ^ k
  }
  const rest = data.length - tail
  if (rest === 3) h ^= (data[tail + 2] as number) << 16
  if (rest >= 2) h ^= (data[tail + 1] as number) << 8
  if (rest >= 1) h = Math.imul(h ^ (data[tail] as number), M)
  h = Math.imul(h ^ (h >>> 13), M)
  return h ^ (h >>> 15)
}

/** The partition that Kafka's Java client picks for a key. */
export function partitionOfKey(key: string | Uint8Array, partitionCount: number): number {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'utf8') : key
  return (murmur2(bytes) & 0x7fff_ffff) % partitionCount
}

const EPOCHS_REMEMBERED_MAX = 10_000

/**
 * Which partition each epoch goes to: decided once, by the partition count at first sight, so that
 * an epoch stays in one partition, and thereby in order, when partitions are added under it.
 */
export class PartitionMap {
  readonly #partitionOf = new Map<string, number>()

  /** @param partitionCount how many the topic has now */
  of(topic: string, epoch: string, partitionCount: number): number {
    const place = `${topic}/${epoch}`
    const known = this.#partitionOf.get(place)
    // Fewer than before: it is another topic of the same name.
    if (known !== undefined && known < partitionCount) return known
    const partition = partitionOfKey(epoch, partitionCount)
    const oldest = this.#partitionOf.keys().next().value
    if (this.#partitionOf.size >= EPOCHS_REMEMBERED_MAX && oldest !== undefined) {
      this.#partitionOf.delete(oldest)
    }
    this.#partitionOf.set(place, partition)
    return partition
  }
}
