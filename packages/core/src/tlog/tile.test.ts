// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { codeOf } from '../error-code.fixture.ts'
import { AuditError } from '../errors.ts'
import { leafHash } from '../hash.ts'
import { MerkleFrontier } from '../merkle.ts'
import { inclusionProof, inclusionRoot, treeRoot } from './proof.ts'
import type { TileId } from './tile.ts'
import {
  bundledEntry,
  entriesPath,
  parseEntries,
  subtreeHash,
  TILE_WIDTH,
  tileHash,
  tileNodes,
  tilePath,
  tileWidth,
} from './tile.ts'

const LEAVES = 70_000
const leaves = Buffer.concat(
  Array.from({ length: LEAVES }, (_, i) => tileHash(leafHash(Buffer.from(`${i}`)))),
)

/** A tile made from the leaves; counted. */
function reader(read: TileId[] = []): (tile: TileId) => Promise<Buffer> {
  return async (tile) => {
    read.push(tile)
    const span = TILE_WIDTH ** tile.level
    const hashes = Array.from({ length: tile.width }, (_, i) =>
      tileHash(subtreeHash(leaves, (tile.index * TILE_WIDTH + i) * span * 32, span)),
    )
    return Buffer.concat(hashes)
  }
}

function leafAt(index: number): string {
  return leaves.toString('hex', index * 32, (index + 1) * 32)
}

function rootOf(size: number): string {
  const tree = new MerkleFrontier()
  for (let i = 0; i < size; i++) tree.append(leafAt(i))
  return tree.root()
}

describe('the paths of tiles', () => {
  it('are those of C2SP', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067')
    expect(tilePath({ level: 2, index: 0, width: 7 })).toBe('tile/2/000.p/7')
    expect(tilePath({ level: 63, index: 999, width: 255 })).toBe('tile/63/999.p/255')
    expect(tilePath({ level: 1, index: 1000, width: 256 })).toBe('tile/1/x001/000')
    expect(entriesPath({ index: 5, width: 256 })).toBe('tile/entries/005')
    expect(entriesPath({ index: 12_345, width: 1 })).toBe('tile/entries/x012/345.p/1')
  })

  it('name tiles as wide as the tree makes them', () => {
    expect([0, 1, 2].map((level) => tileWidth(level, 0, 70_000))).toEqual([256, 256, 1])
    expect(tileWidth(0, 273, 70_000)).toBe(112)
    expect(tileWidth(0, 274, 70_000)).toBe(0)
    expect(tileWidth(1, 1, 70_000)).toBe(17)
    expect(tileWidth(0, 0, 0)).toBe(0)
    expect(tileWidth(6, 0, 2 ** 53 - 1)).toBe(31)
  })
})

describe('tileNodes', () => {
  it('gives the root at sizes around the edges of tiles', async () => {
    for (const size of [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000]) {
      expect(await treeRoot(size, tileNodes(size, reader()))).toBe(rootOf(size))
    }
  })

  it('proves inclusion from few tiles', async () => {
    const size = LEAVES
    const root = rootOf(size)
    for (const index of [0, 1, 255, 256, 65_535, 65_536, 69_888, 69_999]) {
      const read: TileId[] = []
      const proof = await inclusionProof(index, size, tileNodes(size, reader(read)))
      expect(inclusionRoot(leafAt(index), { index, size }, proof)).toBe(root)
      const distinct = new Set(read.map((tile) => tilePath(tile)))
      expect(distinct.size).toBeLessThanOrEqual(8)
      expect(read).toHaveLength(distinct.size)
      for (const { level, index: at, width } of read) expect(width).toBe(tileWidth(level, at, size))
    }
  })

  it('takes the first hashes of a wider tile', async () => {
    const wider = reader()
    const nodes = tileNodes(100, (tile) => wider({ ...tile, width: 200 }))
    expect(await treeRoot(100, nodes)).toBe(rootOf(100))
  })

  it('refuses a tile that is too short, and one that is not there', async () => {
    const short = tileNodes(100, async () => leaves.subarray(0, 99 * 32))
    const none = tileNodes(0, async () => leaves)
    for (const run of [(): Promise<string> => short(0, 99), (): Promise<string> => none(0, 0)]) {
      const error: unknown = await run().catch((e: unknown) => e)
      expect((error as AuditError).code).toBe('MALFORMED_TILE')
    }
  })

  it('hands on what the reader fails with', async () => {
    const failing = tileNodes(1, async () => {
      throw new AuditError('NOT_FOUND', 'no such tile')
    })
    const error: unknown = await failing(0, 0).catch((e: unknown) => e)
    expect((error as AuditError).code).toBe('NOT_FOUND')
  })
})

describe('bundles of entries', () => {
  const entries = ['', 'a', 'é'.repeat(300), 'x'.repeat(65_535)].map((text) => Buffer.from(text))
  const bundle = Buffer.concat(entries.map((entry) => bundledEntry(entry)))

  it('are read back', () => {
    expect(parseEntries(bundle, 4).map((entry) => Buffer.from(entry))).toEqual(entries)
    expect(parseEntries(bundle, 2)).toHaveLength(2)
  })

  it('are refused where they break off anywhere, or go on behind a whole bundle', () => {
    const short = bundle.subarray(0, 2 + 3 + 602)
    for (let cut = 0; cut < short.length; cut++) {
      expect(codeOf(() => parseEntries(short.subarray(0, cut), 3))).toBe('MALFORMED_TILE')
    }
    const full = Buffer.concat(Array.from({ length: 256 }, () => bundledEntry(Buffer.from('a'))))
    expect(parseEntries(full, 256)).toHaveLength(256)
    expect(codeOf(() => parseEntries(Buffer.concat([full, full]), 256))).toBe('MALFORMED_TILE')
    expect(codeOf(() => bundledEntry(Buffer.alloc(65_536)))).toBe('MALFORMED_TILE')
  })
})
