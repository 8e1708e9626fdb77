// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { hexToLatin1, latin1ToHex, nodeHashLatin1, sha256Latin1 } from './hash.ts'

/**
 * The root of an RFC 6962 §2.1 tree that only grows, in O(log n) memory.
 *
 * Holds the roots of the perfect subtrees that cover the leaves, largest first: one a set bit of
 * the size. Appending a leaf merges equal neighbours, so an append costs one node hash on average.
 */
export class MerkleFrontier {
  #size = 0
  readonly #roots: string[] = []

  /** How many leaves there are. */
  get size(): number {
    return this.#size
  }

  /** Appends a leaf hash given as 64 hex digits. */
  append(leafHex: string): void {
    let node = hexToLatin1(leafHex)
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      node = nodeHashLatin1(this.#roots.pop() as string, node)
    }
    this.#roots.push(node)
    this.#size++
  }

  /** The root hash as 64 hex digits; of no leaves: SHA-256 of nothing. */
  root(): string {
    if (this.#roots.length === 0) return latin1ToHex(sha256Latin1(''))
    return latin1ToHex(this.#roots.reduceRight((right, left) => nodeHashLatin1(left, right)))
  }
}
