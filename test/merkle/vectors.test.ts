// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { inclusionRoot, isConsistent } from '@spanseal/core'
import { describe, expect, test } from 'vitest'

/**
 * Proofs made elsewhere, right and wrong ones, under ../shared/vectors/merkle.
 *
 * `subtreeinclusion` and `subtreeconsistency` are out of scope: proofs about inner subtrees
 * `[start, end)`, which no format of ours carries and no witness that we speak to asks for.
 */

const root = join(import.meta.dirname, '../../../shared/vectors/merkle')
const MISSING = '../shared/vectors/merkle is not there'

interface InclusionCase {
  readonly leafIdx: number
  readonly treeSize: number
  readonly root: string
  readonly leafHash: string
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}

interface ConsistencyCase {
  readonly size1: number
  readonly size2: number
  readonly root1: string
  readonly root2: string
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}

/**
 * They demand an error for an old tree of size 0. C2SP's witness protocol takes one, with an empty
 * proof: an empty tree is the beginning of every tree. Whether such a head is of use is for its
 * user to decide.
 */
const SIZE_0_DEMANDS_AN_ERROR: ReadonlySet<string> = new Set([
  'additional/size1-is-zero-and-does-not-equal-size2.json',
  'additional/size1-is-zero-and-size2-is-not-zero.json',
  'additional/sizes-are-equal-zero-and-proof-is-empty.json',
])

function casesOf<T>(kind: string): [name: string, T][] {
  const folder = join(root, kind)
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((path) => [relative(folder, path), JSON.parse(readFileSync(path, 'utf8')) as T])
}

function hex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex')
}

describe('inclusion', () => {
  const cases = casesOf<InclusionCase>('inclusion')

  test('there are as many cases as there should be', ({ skip }) => {
    skip(!existsSync(root), MISSING)
    expect(cases).toHaveLength(98)
    expect(cases.filter(([, { wantErr }]) => !wantErr).length).toBeGreaterThan(4)
  })

  test.for(cases)('%s', ([, one]) => {
    const place = { index: one.leafIdx, size: one.treeSize }
    const reached = inclusionRoot(hex(one.leafHash), place, (one.proof ?? []).map(hex))
    expect(reached !== undefined && reached === hex(one.root)).toBe(!one.wantErr)
  })
})

describe('consistency', () => {
  const cases = casesOf<ConsistencyCase>('consistency')

  test('there are as many cases as there should be', ({ skip }) => {
    skip(!existsSync(root), MISSING)
    expect(cases).toHaveLength(98)
    const skipped = cases.filter(([name]) => SIZE_0_DEMANDS_AN_ERROR.has(name))
    expect(skipped).toHaveLength(SIZE_0_DEMANDS_AN_ERROR.size)
  })

  test.for(cases)('%s', ([name, one], { skip }) => {
    skip(SIZE_0_DEMANDS_AN_ERROR.has(name), 'C2SP takes an old size of 0 with an empty proof')
    const first = { size: one.size1, root: hex(one.root1) }
    const second = { size: one.size2, root: hex(one.root2) }
    expect(isConsistent(first, second, (one.proof ?? []).map(hex))).toBe(!one.wantErr)
  })
})
