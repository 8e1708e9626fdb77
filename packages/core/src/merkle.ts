// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  hexToLatin1,
  latin1ToHex,
  leafPairHashLatin1,
  nodeHashLatin1,
  sha256Latin1,
} from './hash.ts'

/**
 * The root of an RFC 6962 §2.1 tree that only grows, in O(log n) memory.
 *
 * Holds the roots of the perfect subtrees that cover the leaves, largest first: one a set bit of
 * the size. Appending a leaf merges equal neighbours, so an append costs one node hash on average.
 */
export class MerkleFrontier {
  #size = 0
  /** The roots of the subtrees of two leaves and more, as latin1. */
  readonly #roots: string[] = []
  /** A last leaf without a neighbour, as it came: turning hex into latin1 costs as much as half a hash. */
  #single: string | undefined

  /** How many leaves there are. */
  get size(): number {
    return this.#size
  }

  /** Appends a leaf hash given as 64 hex digits. */
  append(leafHex: string): void {
    this.#size++
    if (this.#single === undefined) {
      this.#single = leafHex
      return
    }
    let node = leafPairHashLatin1(this.#single, leafHex)
    this.#single = undefined
    for (let rest = this.#size / 2; rest % 2 === 0; rest /= 2) {
      node = nodeHashLatin1(this.#roots.pop() as string, node)
    }
    this.#roots.push(node)
  }

  /** The root hash as 64 hex digits; of no leaves: SHA-256 of nothing. */
  root(): string {
    const roots =
      this.#single === undefined ? this.#roots : [...this.#roots, hexToLatin1(this.#single)]
    if (roots.length === 0) return latin1ToHex(sha256Latin1(''))
    return latin1ToHex(roots.reduceRight((right, left) => nodeHashLatin1(left, right)))
  }
}
