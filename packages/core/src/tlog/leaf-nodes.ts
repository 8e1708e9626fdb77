// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import { hexToLatin1, latin1ToHex, nodeHashLatin1 } from '../hash.ts'
import { MerkleFrontier } from '../merkle.ts'
import type { LeafRange, NodeSource } from './proof.ts'
import { inclusionRanges } from './proof.ts'
import { subtreeHash } from './tile.ts'

const HASH_BYTES = 32
/** 64 KiB of leaves at a time. */
const READ_LEVEL_MAX = 11

/**
 * Gives the leaf hashes `[first, first + count)`, 32 bytes each; fewer where there are no more. Not
 * asked for more than 2,048 at a time.
 */
export type LeafReader = (first: number, count: number) => Promise<Uint8Array>

/**
 * The nodes of a tree out of its leaves alone, as a `leaves` file has them: reads what they cover,
 * 64 KiB at a time, in O(log n) memory.
 *
 * @throws AuditError `MALFORMED_TILE`, out of the returned function, where leaves are not there
 */
export function leafNodes(read: LeafReader): NodeSource {
  const node = async (level: number, index: number): Promise<string> => {
    if (level > READ_LEVEL_MAX) {
      const left = await node(level - 1, index * 2)
      const right = await node(level - 1, index * 2 + 1)
      return latin1ToHex(nodeHashLatin1(hexToLatin1(left), hexToLatin1(right)))
    }
    const count = 2 ** level
    const bytes = await read(index * count, count)
    if (bytes.length === count * HASH_BYTES) return subtreeHash(bytes, 0, count)
    throw new AuditError('MALFORMED_TILE', `leaf ${index * count + count - 1} is not there`)
  }
  return node
}

/** Makes the proof of one leaf while the leaves pass by in their order: O(log n) memory. */
export class InclusionCollector {
  readonly #ranges: readonly LeafRange[]
  readonly #hashes: readonly MerkleFrontier[]
  readonly #order: readonly number[]
  #at = 0
  #rank = 0

  /** @param index below `size` */
  constructor(index: number, size: number) {
    this.#ranges = inclusionRanges(index, size)
    this.#hashes = this.#ranges.map(() => new MerkleFrontier())
    const byPlace = (a: number, b: number): number => this.#range(a).low - this.#range(b).low
    this.#order = this.#ranges.map((_, i) => i).toSorted(byPlace)
  }

  /** Takes the next leaf, 64 hex digits. Those behind the tree are left out. */
  append(leafHex: string): void {
    const at = this.#at++
    const current = this.#order[this.#rank]
    if (current === undefined || at < this.#range(current).low) return
    this.#hashes[current]?.append(leafHex)
    if (at + 1 === this.#range(current).high) this.#rank++
  }

  /** The proof, from the leaf up; undefined while leaves are missing. */
  path(): string[] | undefined {
    return this.#rank < this.#order.length ? undefined : this.#hashes.map((tree) => tree.root())
  }

  #range(i: number): LeafRange {
    return this.#ranges[i] as LeafRange
  }
}
