// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { TenantLogTiles } from '@spanseal/core'
import {
  AuditError,
  bundledEntry,
  entriesPath,
  leafHash,
  MerkleFrontier,
  TILE_WIDTH,
  tileHash,
  tileNodes,
  tilePath,
  tileWidth,
  treeRoot,
} from '@spanseal/core'
import { readBundle } from './log-files.ts'

const HASH_BYTES = 32

/** A file that the tree of a new size needs, and that of the old one had not. */
export interface NewFile {
  readonly path: string
  readonly bytes: Buffer
}

/**
 * The tiles at the right edge of a tree: all that is needed to append to it, one tile a level and the
 * last bundle of entries. A value: appending gives another one, so that what was not published is
 * forgotten by not keeping it.
 */
export class RightEdge {
  readonly size: number
  /** Of each level its last tile, as far as it goes; without the full ones. */
  readonly #levels: readonly Buffer[]
  /** The entries of the last bundle, framed. */
  readonly #entries: Buffer

  private constructor(size: number, levels: readonly Buffer[], entries: Buffer) {
    this.size = size
    this.#levels = levels
    this.#entries = entries
  }

  static readonly empty: RightEdge = new RightEdge(0, [], Buffer.alloc(0))

  /** Reads the edge of the tree of `size` leaves. Rejects as {@link readTenantLog} does. */
  static async read(log: TenantLogTiles, size: number): Promise<RightEdge> {
    const levels: Buffer[] = []
    for (let level = 0; TILE_WIDTH ** level <= size; level++) {
      const index = Math.floor(size / TILE_WIDTH ** (level + 1))
      const width = tileWidth(level, index, size)
      const bytes = width === 0 ? [] : await log.tile({ level, index, width })
      levels.push(Buffer.from(bytes).subarray(0, width * HASH_BYTES))
    }
    const width = size % TILE_WIDTH
    const bundle =
      width === 0 ? [] : await readBundle(log.name, Math.floor(size / TILE_WIDTH), width)
    for (const [i, entry] of bundle.entries()) {
      const leaf = levels[0]?.toString('hex', i * HASH_BYTES, (i + 1) * HASH_BYTES)
      if (leafHash(entry) === leaf) continue
      throw new AuditError('MALFORMED_TILE', 'the last entries are other ones than their hashes')
    }
    return new RightEdge(size, levels, Buffer.concat(bundle.map(bundledEntry)))
  }

  /**
   * The edge after more entries, the files that it needs, and the new tree's root.
   *
   * @throws AuditError `MALFORMED_TILE` for an entry over 65,535 bytes
   */
  async append(entries: readonly Uint8Array[]): Promise<{
    readonly edge: RightEdge
    readonly files: readonly NewFile[]
    readonly root: string
  }> {
    const files: NewFile[] = []
    const levels = this.#levels.map((tile) => [tile])
    let bundle = [this.#entries]
    let size = this.size
    for (const entry of entries) {
      push(levels, 0, tileHash(leafHash(entry)))
      bundle.push(bundledEntry(entry))
      size++
      if (size % TILE_WIDTH > 0) continue
      const index = size / TILE_WIDTH - 1
      files.push({ path: entriesPath({ index, width: TILE_WIDTH }), bytes: Buffer.concat(bundle) })
      bundle = []
      this.#fill(levels, size, files)
    }
    const edge = new RightEdge(
      size,
      levels.map((tile) => Buffer.concat(tile)),
      Buffer.concat(bundle),
    )
    edge.#partials(this.size, files)
    return { edge, files, root: await edge.root() }
  }

  /** Full tiles become one hash each in the level above. */
  #fill(levels: Buffer[][], size: number, files: NewFile[]): void {
    for (let level = 0, count = size / TILE_WIDTH; ; level++, count /= TILE_WIDTH) {
      const bytes = Buffer.concat(levels[level] as Buffer[])
      files.push({ path: tilePath({ level, index: count - 1, width: TILE_WIDTH }), bytes })
      levels[level] = []
      push(levels, level + 1, tileHash(hashOver(bytes)))
      if (count % TILE_WIDTH > 0) return
    }
  }

  /** The parts of tiles that the old tree had not. */
  #partials(oldSize: number, files: NewFile[]): void {
    for (const [level, bytes] of this.#levels.entries()) {
      const index = Math.floor(this.size / TILE_WIDTH ** (level + 1))
      const width = bytes.length / HASH_BYTES
      if (width > tileWidth(level, index, oldSize)) {
        files.push({ path: tilePath({ level, index, width }), bytes })
      }
    }
    const width = this.size % TILE_WIDTH
    if (width === 0 || this.size === oldSize) return
    const index = Math.floor(this.size / TILE_WIDTH)
    files.push({ path: entriesPath({ index, width }), bytes: this.#entries })
  }

  /** The root, from the edge alone: of the perfect subtrees that cover a tree each is in its level's last tile. */
  root(): Promise<string> {
    const read = tileNodes(this.size, ({ level }) => Promise.resolve(this.#levels[level] as Buffer))
    return treeRoot(this.size, read)
  }
}

function push(levels: Buffer[][], level: number, hash: Buffer): void {
  const tile = levels[level]
  if (tile === undefined) levels[level] = [hash]
  else tile.push(hash)
}

/** A full tile is a tree of 256 leaves. */
function hashOver(tile: Buffer): string {
  const tree = new MerkleFrontier()
  for (let at = 0; at < tile.length; at += HASH_BYTES) {
    tree.append(tile.toString('hex', at, at + HASH_BYTES))
  }
  return tree.root()
}
