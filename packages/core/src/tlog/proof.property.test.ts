// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AuditError } from '../errors.ts'
import { InclusionCollector, leafNodes } from './leaf-nodes.ts'
import type { NodeSource } from './proof.ts'
import {
  consistencyProof,
  inclusionProof,
  inclusionRoot,
  isConsistent,
  PROOF_HASHES_MAX,
  treeRoot,
} from './proof.ts'

/** Every size up to here is tried in full. */
const SIZE_MAX = 70

const leaves = Array.from({ length: SIZE_MAX }, (_, i) =>
  createHash('sha256').update(`leaf ${i}`).digest(),
)
const leafHexes = leaves.map((leaf) => leaf.toString('hex'))

/** RFC 6962 §2.1 as it stands there. */
function treeHash(low: number, high: number): Buffer {
  if (high - low === 1) return leaves[low] as Buffer
  let split = 1
  while (split * 2 < high - low) split *= 2
  const [left, right] = [treeHash(low, low + split), treeHash(low + split, high)]
  return createHash('sha256').update('\u0001').update(left).update(right).digest()
}

function rootOf(size: number): string {
  return size === 0 ? createHash('sha256').digest('hex') : treeHash(0, size).toString('hex')
}

/** RFC 6962 §2.1.1, PATH. */
function path(index: number, low: number, high: number): string[] {
  if (high - low === 1) return []
  let split = 1
  while (split * 2 < high - low) split *= 2
  const middle = low + split
  return index < middle
    ? [...path(index, low, middle), treeHash(middle, high).toString('hex')]
    : [...path(index, middle, high), treeHash(low, middle).toString('hex')]
}

const nodes: NodeSource = async (level, index) =>
  treeHash(index * 2 ** level, (index + 1) * 2 ** level).toString('hex')
const roots = Array.from({ length: SIZE_MAX + 1 }, (_, size) => rootOf(size))

describe('inclusion', () => {
  it('is proved for every leaf of every size, by the hashes of RFC 6962', async () => {
    for (let size = 1; size <= SIZE_MAX; size++) {
      for (let index = 0; index < size; index++) {
        const proof = await inclusionProof(index, size, nodes)
        expect(proof).toEqual(path(index, 0, size))
        const leaf = leafHexes[index] as string
        expect(inclusionRoot(leaf, { index, size }, proof)).toBe(roots[size])
      }
    }
  })

  it('comes out the same from a leaves file and from leaves that pass by', async () => {
    const file = Buffer.concat(leaves)
    const fromFile = leafNodes(async (first, count) =>
      file.subarray(first * 32, (first + count) * 32),
    )
    for (let size = 1; size <= SIZE_MAX; size++) {
      expect(await treeRoot(size, fromFile)).toBe(roots[size])
      for (let index = 0; index < size; index++) {
        const wanted = path(index, 0, size)
        expect(await inclusionProof(index, size, fromFile)).toEqual(wanted)
        const collector = new InclusionCollector(index, size)
        for (const leaf of leafHexes.slice(0, size - 1)) collector.append(leaf)
        expect(collector.path()).toEqual(index === size - 1 ? wanted : undefined)
        for (const leaf of leafHexes.slice(size - 1)) collector.append(leaf)
        expect(collector.path()).toEqual(wanted)
      }
    }
  })

  it('is refuted by any change of leaf, index or hash, and by hashes more or less', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: SIZE_MAX }),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        async (size, n, at, bit) => {
          const index = n % size
          const root = roots[size]
          const leaf = leafHexes[index] as string
          const proof = path(index, 0, size)
          const place = { index, size }
          for (let other = 0; other < size; other++) {
            const reached = inclusionRoot(leaf, { index: other, size }, proof)
            expect(reached === root).toBe(other === index)
          }
          expect(inclusionRoot(flipped(leaf, bit), place, proof)).not.toBe(root)
          const hash = at % Math.max(1, proof.length)
          expect(inclusionRoot(leaf, place, proof.toSpliced(hash, 0, leaf))).not.toBe(root)
          expect(inclusionRoot(leaf, place, [...proof, root as string])).not.toBe(root)
          if (proof.length === 0) return
          const changed = proof.with(hash, flipped(proof[hash] as string, bit))
          expect(inclusionRoot(leaf, place, changed)).not.toBe(root)
          expect(inclusionRoot(leaf, place, proof.toSpliced(hash, 1))).not.toBe(root)
        },
      ),
    )
  })

  it('binds a root to one size where the root is signed with it', async () => {
    // Some sizes share the way of a leaf: a proof alone does not tell the size, the head does.
    const proof = path(4, 0, 15)
    expect(path(4, 0, 16).length).toBe(proof.length)
    expect(inclusionRoot(leafHexes[4] as string, { index: 4, size: 16 }, proof)).toBe(roots[15])
    expect(roots[16]).not.toBe(roots[15])
  })
})

describe('consistency', () => {
  it('is proved for all pairs of sizes', async () => {
    for (let second = 0; second <= SIZE_MAX; second++) {
      for (let first = 0; first <= second; first++) {
        const proof = await consistencyProof(first, second, nodes)
        const heads = [headOf(first), headOf(second)] as const
        expect(isConsistent(...heads, proof)).toBe(true)
        expect(first < second && isConsistent(heads[1], heads[0], proof)).toBe(false)
      }
    }
  })

  it('is refuted by any change of a root, a size or a hash, and by hashes more or less', async () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: SIZE_MAX }),
      fc.integer({ min: 1, max: SIZE_MAX }),
    )
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async ([a, b], at, bit) => {
        const [first, second] = [headOf(Math.min(a, b)), headOf(Math.max(a, b))]
        const proof = await consistencyProof(first.size, second.size, nodes)
        const otherFirst = { ...first, root: flipped(first.root, bit) }
        const otherSecond = { ...second, root: flipped(second.root, bit) }
        expect(isConsistent(otherFirst, second, proof)).toBe(false)
        expect(isConsistent(first, otherSecond, proof)).toBe(false)
        const hash = at % Math.max(1, proof.length)
        expect(isConsistent(first, second, [...proof, second.root])).toBe(false)
        expect(isConsistent(first, second, proof.toSpliced(hash, 0, first.root))).toBe(false)
        if (proof.length === 0) return
        const changed = proof.with(hash, flipped(proof[hash] as string, bit))
        expect(isConsistent(first, second, changed)).toBe(false)
        expect(isConsistent(first, second, proof.toSpliced(hash, 1))).toBe(false)
      }),
    )
  })

  it('is no statement about heads whose roots belong to other sizes', async () => {
    for (let second = 2; second <= SIZE_MAX; second++) {
      for (let first = 1; first < second; first++) {
        const proof = await consistencyProof(first, second, nodes)
        for (const other of [first - 1, first + 1].filter((size) => size > 0 && size < second)) {
          const heads = [headOf(other), headOf(second)] as const
          expect(isConsistent(...heads, proof)).toBe(false)
        }
      }
    }
  })
})

describe('hostile input', () => {
  const number = fc.oneof(
    fc.integer({ min: -2, max: 80 }),
    fc.constantFrom(Number.NaN, Infinity, -Infinity, 0.5, 2 ** 53, 2 ** 53 - 1, 2 ** 63, -0),
    fc.double(),
  )
  const hash = fc.oneof(
    fc.constantFrom(...leafHexes.slice(0, 4), 'AB', '', '0'.repeat(63)),
    fc.string(),
  )
  const proof = fc.array(hash, { maxLength: 80 })

  it('never throws, and never holds by chance', () => {
    fc.assert(
      fc.property(number, number, hash, proof, (index, size, leaf, hashes) => {
        const root = inclusionRoot(leaf, { index, size }, hashes)
        expect(size !== 1 && roots.includes(String(root))).toBe(false)
        const heads = [{ size: index, root: leaf }, headOf(SIZE_MAX)] as const
        expect(index !== 0 && isConsistent(...heads, hashes)).toBe(false)
      }),
    )
  })

  it('is bounded in length', () => {
    const long = Array.from({ length: 1_000_000 }, () => leafHexes[0] as string)
    expect(inclusionRoot(leafHexes[0] as string, { index: 0, size: 2 ** 53 - 1 }, long)).toBe(
      undefined,
    )
    expect(isConsistent(headOf(1), { size: 2 ** 53 - 1, root: leafHexes[0] as string }, long)).toBe(
      false,
    )
  })

  it('asks for no proof that cannot be', async () => {
    const impossible: readonly (() => Promise<unknown>)[] = [
      ...[70, -1, 0.5, Number.NaN, 2 ** 53].map((index) => () => inclusionProof(index, 70, nodes)),
      ...[71, -1, 0.5, Number.NaN].map((first) => () => consistencyProof(first, 70, nodes)),
      ...[-1, 0.5, Number.NaN, 2 ** 53].map((size) => () => treeRoot(size, nodes)),
      () => inclusionProof(0, 0, nodes),
      () => consistencyProof(1, Infinity, nodes),
    ]
    for (const run of impossible) {
      const error: unknown = await run().catch((e: unknown) => e)
      expect((error as AuditError).code).toBe('INVALID_OPTION')
    }
    expect(await treeRoot(0, nodes)).toBe(roots[0])
  })

  it('works at the largest sizes', async () => {
    const size = 2 ** 53 - 1
    const asked = new Set<string>()
    const proofOfLast = await inclusionProof(size - 1, size, async (level, index) => {
      asked.add(`${level}/${index}`)
      expect((index + 1) * 2 ** level).toBeLessThanOrEqual(size)
      return leafHexes[level % SIZE_MAX] as string
    })
    expect(proofOfLast.length).toBeLessThanOrEqual(PROOF_HASHES_MAX)
    expect(asked.size).toBe(52)
    const leaf = leafHexes[0] as string
    expect(inclusionRoot(leaf, { index: size - 1, size }, proofOfLast)).toMatch(/^[0-9a-f]{64}$/)
  })
})

function headOf(size: number): { size: number; root: string } {
  return { size, root: roots[size] as string }
}

function flipped(hex: string, bit: number): string {
  const bytes = Buffer.from(hex, 'hex')
  const at = bit % 256
  bytes[at >> 3] = (bytes[at >> 3] as number) ^ (1 << (at & 7))
  return bytes.toString('hex')
}
