// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import { hexToLatin1, latin1ToHex, nodeHashLatin1 } from '../hash.ts'
import type { NodeSource } from './proof.ts'

/** C2SP tlog-tiles: https://c2sp.org/tlog-tiles; tiles of height 8. */

export const TILE_WIDTH = 256
const TILE_HEIGHT = 8
const HASH_BYTES = 32
const ENTRY_BYTES_MAX = 65_535

/** A tile of hashes: its `width` first hashes, of which there are 256 at most. */
export interface TileId {
  readonly level: number
  readonly index: number
  /** 1 to 256. */
  readonly width: number
}

/** The path of a tile of hashes, `tile/<level>/<index>[.p/<width>]`. */
export function tilePath({ level, index, width }: TileId): string {
  return `tile/${level}/${indexPath(index)}${partial(width)}`
}

/** The path of a bundle of entries, `tile/entries/<index>[.p/<width>]`. */
export function entriesPath({ index, width }: Omit<TileId, 'level'>): string {
  return `tile/entries/${indexPath(index)}${partial(width)}`
}

function partial(width: number): string {
  return width === TILE_WIDTH ? '' : `.p/${width}`
}

/** 1234067 becomes `x001/x234/067`. */
function indexPath(index: number): string {
  const groups: string[] = []
  let rest = index
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'))
    rest = Math.floor(rest / 1000)
  } while (rest > 0)
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
}

/** How wide a tile is in the tree of `size` leaves; 0 where it is not there. */
export function tileWidth(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level)
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH))
}

/** Gives the bytes of a tile, `width`·32 of them (more where only a wider one is there). */
export type TileReader = (tile: TileId) => Promise<Uint8Array>

/** A proof goes through one tile a level, and at the right edge through another: 16 at most. */
const TILES_HELD = 16

/**
 * The nodes of the tree of `size` leaves, out of its tiles. Holds the last 16 tiles, so that one
 * proof reads no tile twice (a quarter of the time of reading them for each hash).
 *
 * @throws AuditError `MALFORMED_TILE`, out of the returned function, for a tile that is too short
 */
export function tileNodes(size: number, read: TileReader): NodeSource {
  const held = new Map<string, Uint8Array>()
  const tileBytes = async (tile: TileId): Promise<Uint8Array> => {
    const path = tilePath(tile)
    const known = held.get(path)
    if (known !== undefined) return known
    const bytes = await read(tile)
    const [oldest] = held.size < TILES_HELD ? [] : held.keys()
    if (oldest !== undefined) held.delete(oldest)
    held.set(path, bytes)
    return bytes
  }
  return async (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const span = 2 ** (level % TILE_HEIGHT)
    const first = index * span
    const tileIndex = Math.floor(first / TILE_WIDTH)
    const tile = {
      level: tileLevel,
      index: tileIndex,
      width: tileWidth(tileLevel, tileIndex, size),
    }
    const bytes = tile.width === 0 ? new Uint8Array(0) : await tileBytes(tile)
    const offset = (first % TILE_WIDTH) * HASH_BYTES
    if (bytes.length < offset + span * HASH_BYTES) {
      throw new AuditError('MALFORMED_TILE', `${tilePath(tile)} has ${bytes.length} bytes only`)
    }
    return subtreeHash(bytes, offset, span)
  }
}

/** The hash over `count` (a power of two) hashes of 32 bytes each, as hex. */
export function subtreeHash(bytes: Uint8Array, offset: number, count: number): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let row: string[] = []
  for (let i = 0; i < count; i++) {
    row.push(view.toString('latin1', offset + i * HASH_BYTES, offset + (i + 1) * HASH_BYTES))
  }
  while (row.length > 1) {
    const above: string[] = []
    for (let i = 0; i < row.length; i += 2) {
      above.push(nodeHashLatin1(row[i] as string, row[i + 1] as string))
    }
    row = above
  }
  return latin1ToHex(row[0] as string)
}

/** A hash as the 32 bytes that a tile holds. */
export function tileHash(hex: string): Buffer {
  return Buffer.from(hexToLatin1(hex), 'latin1')
}

/**
 * One entry as a bundle of entries holds it: its length in two bytes, big-endian, then the entry.
 *
 * @throws AuditError `MALFORMED_TILE` for an entry over 65,535 bytes
 */
export function bundledEntry(entry: Uint8Array): Buffer {
  if (entry.length > ENTRY_BYTES_MAX) {
    throw new AuditError('MALFORMED_TILE', `an entry of ${entry.length} bytes does not fit a tile`)
  }
  const framed = Buffer.alloc(2 + entry.length)
  framed.writeUInt16BE(entry.length)
  framed.set(entry, 2)
  return framed
}

/**
 * The first `width` entries of a bundle.
 *
 * @throws AuditError `MALFORMED_TILE` when it breaks off or goes on behind a whole bundle
 */
export function parseEntries(bytes: Uint8Array, width: number): Uint8Array[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const entries: Uint8Array[] = []
  let offset = 0
  while (entries.length < width) {
    const start = offset + 2
    const end = start <= view.length ? start + view.readUInt16BE(offset) : Infinity
    if (end > view.length) {
      throw new AuditError('MALFORMED_TILE', `a bundle breaks off in entry ${entries.length}`)
    }
    entries.push(view.subarray(start, end))
    offset = end
  }
  if (width === TILE_WIDTH && offset < view.length) {
    throw new AuditError('MALFORMED_TILE', 'a bundle goes on behind its 256 entries')
  }
  return entries
}
