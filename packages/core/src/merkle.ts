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

  /**
   * A tree that goes on from a compact range: the roots of the perfect subtrees that cover the first
   * `size` leaves, largest first, 64 hex digits each. Undefined where their number does not fit `size`,
   * or one is no hash. That they are the right ones shows in the roots that follow.
   */
  static resume(size: number, nodes: readonly string[]): MerkleFrontier | undefined {
    if (!Number.isSafeInteger(size) || size < 0 || nodes.length !== setBits(size)) return undefined
    if (!nodes.every((node) => /^[0-9a-f]{64}$/.test(node))) return undefined
    const tree = new MerkleFrontier()
    tree.#size = size
    const whole = size % 2 === 1 ? nodes.slice(0, -1) : nodes
    tree.#roots.push(...whole.map(hexToLatin1))
    if (size % 2 === 1) tree.#single = nodes.at(-1)
    return tree
  }

  /** The compact range: what {@link MerkleFrontier.resume} takes. */
  nodes(): string[] {
    const nodes = this.#roots.map(latin1ToHex)
    return this.#single === undefined ? nodes : [...nodes, this.#single]
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

function setBits(size: number): number {
  let bits = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2
  return bits
}
