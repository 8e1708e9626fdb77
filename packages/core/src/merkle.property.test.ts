// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { leafHash } from './hash.ts'
import { MerkleFrontier } from './merkle.ts'

/** RFC 6962 §2.1 as it stands there. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return createHash('sha256').digest()
  if (leaves.length === 1) {
    return createHash('sha256')
      .update('\0')
      .update(leaves[0] as Buffer)
      .digest()
  }
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  const [left, right] = [treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split))]
  return createHash('sha256').update('\u0001').update(left).update(right).digest()
}

test('the root at every size is that of the recursion of RFC 6962', () => {
  const data = fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 40 })
  fc.assert(
    fc.property(data, (all) => {
      const leaves = all.map((bytes) => Buffer.from(bytes))
      const tree = new MerkleFrontier()
      for (let size = 0; size <= leaves.length; size++) {
        expect(tree.size).toBe(size)
        expect(tree.root()).toBe(treeHash(leaves.slice(0, size)).toString('hex'))
        if (size < leaves.length) tree.append(leafHash(leaves[size] as Buffer))
      }
    }),
  )
})

test('at sizes around the powers of two as well', () => {
  const leaves = Array.from({ length: 1030 }, (_, i) => Buffer.from(String(i)))
  const tree = new MerkleFrontier()
  for (const [i, leaf] of leaves.entries()) {
    tree.append(leafHash(leaf))
    const size = i + 1
    if (![127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025].includes(size)) continue
    expect(tree.root()).toBe(treeHash(leaves.slice(0, size)).toString('hex'))
  }
})
