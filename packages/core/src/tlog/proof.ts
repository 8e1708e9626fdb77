// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import { hexToLatin1, latin1ToHex, nodeHashLatin1, sha256Hex } from '../hash.ts'

/** Inclusion and consistency proofs of RFC 6962 §2.1 / RFC 9162 §2.1.3 and §2.1.4. */

/**
 * The hash of the perfect subtree over the leaves `[index·2^level, (index+1)·2^level)`, 64 hex
 * digits. Only asked for subtrees that are whole.
 */
export type NodeSource = (level: number, index: number) => Promise<string>

/** No tree of up to 2^53 leaves has a longer proof. */
export const PROOF_HASHES_MAX = 64

/**
 * The root of the first `size` leaves; of none, the SHA-256 of nothing.
 *
 * @throws AuditError `INVALID_OPTION` for a size that is none, and what `nodes` rejects with
 */
export async function treeRoot(size: number, nodes: NodeSource): Promise<string> {
  assertPlace(isCount(size), `a tree of size ${size}`)
  return size === 0 ? sha256Hex('') : rangeHash(0, size, nodes)
}

function assertPlace(isThere: boolean, what: string): void {
  if (!isThere) throw new AuditError('INVALID_OPTION', `there is no ${what}`)
}

/** The leaves `[low, high)`. */
export interface LeafRange {
  readonly low: number
  readonly high: number
}

/**
 * Over which leaves the hashes of the proof of leaf `index` in a tree of `size` go, from the leaf up.
 *
 * @throws AuditError `INVALID_OPTION` unless `index` is below `size`
 */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const isThere = isCount(index) && isCount(size) && index < size
  assertPlace(isThere, `leaf ${index} in a tree of size ${size}`)
  const ranges: LeafRange[] = []
  let low = 0
  let high = size
  while (high - low > 1) {
    const middle = low + splitOf(high - low)
    const isLeft = index < middle
    ranges.push(isLeft ? { low: middle, high } : { low, high: middle })
    if (isLeft) high = middle
    else low = middle
  }
  return ranges.reverse()
}

/**
 * The proof that leaf `index` is among the first `size` leaves, from the leaf up; at most
 * {@link PROOF_HASHES_MAX} hashes.
 *
 * @throws AuditError `INVALID_OPTION` unless `index` is below `size`, and what `nodes` rejects with
 */
export async function inclusionProof(
  index: number,
  size: number,
  nodes: NodeSource,
): Promise<string[]> {
  const proof: string[] = []
  for (const { low, high } of inclusionRanges(index, size)) {
    proof.push(await rangeHash(low, high, nodes))
  }
  return proof
}

/**
 * The proof that the tree of `second` leaves begins with the tree of `first` leaves.
 *
 * @throws AuditError `INVALID_OPTION` unless `first` is at most `second`, and what `nodes` rejects with
 */
export async function consistencyProof(
  first: number,
  second: number,
  nodes: NodeSource,
): Promise<string[]> {
  const proof: string[] = []
  const isThere = isCount(first) && isCount(second) && first <= second
  assertPlace(isThere, `tree of size ${first} in one of size ${second}`)
  if (first === 0 || first === second) return proof
  let low = 0
  let high = second
  // RFC 6962 §2.1.2: the subtree is told only if it is not the old tree itself.
  let isOldTree = true
  while (first !== high) {
    const middle = low + splitOf(high - low)
    const isLeft = first <= middle
    proof.push(await (isLeft ? rangeHash(middle, high, nodes) : rangeHash(low, middle, nodes)))
    if (isLeft) {
      high = middle
    } else {
      low = middle
      isOldTree = false
    }
  }
  if (!isOldTree) proof.push(await rangeHash(low, high, nodes))
  return proof.reverse()
}

/**
 * The root that a proof of inclusion leads to (RFC 9162 §2.1.3.2); undefined where the proof cannot
 * be one of leaf `index` in a tree of `size`. Index, size and proof may come from an attacker.
 */
export function inclusionRoot(
  leafHex: string,
  place: { readonly index: number; readonly size: number },
  proof: readonly string[],
): string | undefined {
  const { size } = place
  let { index } = place
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes([leafHex, ...proof])) {
    return undefined
  }
  let last = size - 1
  let node = hexToLatin1(leafHex)
  for (const hex of proof) {
    if (last === 0) return undefined
    const sibling = hexToLatin1(hex)
    if (isOdd(index) || index === last) {
      node = nodeHashLatin1(sibling, node)
      for (; !isOdd(index) && index !== 0; index = half(index)) last = half(last)
    } else {
      node = nodeHashLatin1(node, sibling)
    }
    index = half(index)
    last = half(last)
  }
  return last === 0 ? latin1ToHex(node) : undefined
}

/** A head of a tree as far as proofs care. */
export interface TreeHead {
  readonly size: number
  /** 64 hex digits. */
  readonly root: string
}

/**
 * Whether the tree of `second` begins with the tree of `first` (RFC 9162 §2.1.4.2). An empty tree is
 * the beginning of every tree, with an empty proof, as C2SP's witness protocol has it.
 */
export function isConsistent(first: TreeHead, second: TreeHead, proof: readonly string[]): boolean {
  if (!isCount(first.size) || !isCount(second.size) || first.size > second.size) return false
  if (first.size === second.size) return proof.length === 0 && first.root === second.root
  if (!areHashes([first.root, second.root, ...proof])) return false
  if (first.size === 0) return proof.length === 0
  let index = first.size - 1
  let last = second.size - 1
  for (; isOdd(index); index = half(index)) last = half(last)
  const path = index === 0 ? [first.root, ...proof] : [...proof]
  const [seed, ...rest] = path
  if (seed === undefined) return false
  let old = hexToLatin1(seed)
  let grown = old
  for (const hex of rest) {
    if (last === 0) return false
    const sibling = hexToLatin1(hex)
    if (isOdd(index) || index === last) {
      old = nodeHashLatin1(sibling, old)
      grown = nodeHashLatin1(sibling, grown)
      for (; !isOdd(index) && index !== 0; index = half(index)) last = half(last)
    } else {
      grown = nodeHashLatin1(grown, sibling)
    }
    index = half(index)
    last = half(last)
  }
  return last === 0 && latin1ToHex(old) === first.root && latin1ToHex(grown) === second.root
}

/** The hash over the leaves `[low, high)`, `low` a multiple of the largest power of two in the range. */
async function rangeHash(low: number, high: number, nodes: NodeSource): Promise<string> {
  const length = high - low
  const split = splitOf(length)
  if (length === 1 || split * 2 === length) {
    const level = Math.log2(length)
    return nodes(level, low / length)
  }
  const left = await rangeHash(low, low + split, nodes)
  const right = await rangeHash(low + split, high, nodes)
  return latin1ToHex(nodeHashLatin1(hexToLatin1(left), hexToLatin1(right)))
}

/** The largest power of two below `length`, which is at least 2; exact up to 2^53. */
function splitOf(length: number): number {
  let split = 1
  while (split * 2 < length) split *= 2
  return split
}

const HASH = /^[0-9a-f]{64}$/

function areHashes(hashes: readonly string[]): boolean {
  return hashes.length <= PROOF_HASHES_MAX + 2 && hashes.every((hash) => HASH.test(hash))
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isOdd(value: number): boolean {
  return value % 2 === 1
}

function half(value: number): number {
  return Math.floor(value / 2)
}
