// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { LeafReader, NodeSource, TileId } from '@spanseal/core'
import {
  consistencyProof,
  inclusionProof,
  inclusionRoot,
  isConsistent,
  leafHash,
  leafNodes,
  MerkleFrontier,
  TILE_WIDTH,
  tileHash,
  tileNodes,
  tilePath,
  treeRoot,
} from '@spanseal/core'

/**
 * What one proof costs: inclusion and consistency from the tiles of a large log, and inclusion from
 * the `leaves` file of the largest epoch, with the bytes read, against hashing the log in the same
 * run. 10^5 records; 10^7 with SLOW=1.
 *
 *     node --conditions=spanseal-source bench/proof.ts
 */

const SLOW = process.env['SLOW'] === '1'
const RECORDS = SLOW ? 10_000_000 : 100_000
/** An epoch is rolled at this many. */
const EPOCH_RECORDS_MAX = 1_000_000
const RECORD_BYTES = 1_200
const HASHED = 100_000
const PROOFS = 500
const LEAVES_PROOFS = 9
const HASH_BYTES = 32

/** Record `i` of the log; the same bytes at each call, until the next. */
const line = Buffer.alloc(RECORD_BYTES, 'x')
function record(i: number): Buffer {
  line.write(String(i).padStart(16, '0'), 0, 'latin1')
  return line
}

/** Writes tiles as leaves come, holding one tile a level. */
class TileWriter {
  readonly #folder: string
  readonly #levels: Buffer[][] = []
  readonly #written: number[] = []
  size = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  async append(leafHex: string): Promise<void> {
    this.size++
    await this.#add(0, tileHash(leafHex))
  }

  /** Writes the tiles that are not full. */
  end(): void {
    for (const [level, hashes] of this.#levels.entries()) {
      if (hashes.length > 0) this.#write(level, hashes)
    }
  }

  async #add(level: number, hash: Buffer): Promise<void> {
    const hashes = (this.#levels[level] ??= [])
    hashes.push(hash)
    if (hashes.length < TILE_WIDTH) return
    const tile = this.#write(level, hashes)
    this.#levels[level] = []
    this.#written[level] = (this.#written[level] ?? 0) + 1
    const nodes = leafNodes(async (first, count) =>
      tile.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES),
    )
    await this.#add(level + 1, tileHash(await nodes(8, 0)))
  }

  #write(level: number, hashes: readonly Buffer[]): Buffer {
    const index = this.#written[level] ?? 0
    const path = join(this.#folder, tilePath({ level, index, width: hashes.length }))
    mkdirSync(dirname(path), { recursive: true })
    const bytes = Buffer.concat(hashes)
    writeFileSync(path, bytes)
    return bytes
  }
}

interface Log {
  readonly folder: string
  readonly size: number
  readonly root: string
  /** The head when half of it was there. */
  readonly half: { readonly size: number; readonly root: string }
}

/** Makes the log as a stream: nothing of it is held but one tile a level. */
async function makeLog(folder: string): Promise<Log> {
  const tiles = new TileWriter(folder)
  const tree = new MerkleFrontier()
  const leaves = openSync(join(folder, 'leaves'), 'w')
  let half = { size: 0, root: '' }
  for (let i = 0; i < RECORDS; i++) {
    const leaf = leafHash(record(i))
    tree.append(leaf)
    await tiles.append(leaf)
    if (i < EPOCH_RECORDS_MAX) writeSync(leaves, tileHash(leaf))
    if (tree.size === RECORDS / 2) half = { size: tree.size, root: tree.root() }
  }
  tiles.end()
  closeSync(leaves)
  return { folder, size: RECORDS, root: tree.root(), half }
}

interface Cost {
  readonly millis: number[]
  readonly bytes: number[]
}

function counted(log: Log): { readonly nodes: NodeSource; bytes: number; files: number } {
  const cost = { bytes: 0, files: 0 }
  const read = async (tile: TileId): Promise<Uint8Array> => {
    const bytes = await readFile(join(log.folder, tilePath(tile)))
    cost.bytes += bytes.length
    cost.files++
    return bytes
  }
  return Object.assign(cost, { nodes: tileNodes(log.size, read) })
}

async function inclusionCost(log: Log): Promise<Cost> {
  const cost: Cost = { millis: [], bytes: [] }
  for (let n = 0; n < PROOFS; n++) {
    // Spread over the log by the golden ratio, so that no two share their tiles.
    const index = Math.floor(((n * 0.618_033_988_749) % 1) * log.size)
    const source = counted(log)
    const from = performance.now()
    const proof = await inclusionProof(index, log.size, source.nodes)
    cost.millis.push(performance.now() - from)
    cost.bytes.push(source.bytes)
    const place = { index, size: log.size }
    if (inclusionRoot(leafHash(record(index)), place, proof) !== log.root) {
      throw new Error(`the proof of ${index} does not hold`)
    }
  }
  return cost
}

async function consistencyCost(log: Log): Promise<Cost> {
  const cost: Cost = { millis: [], bytes: [] }
  for (let n = 0; n < PROOFS; n++) {
    const source = counted(log)
    const from = performance.now()
    const proof = await consistencyProof(log.half.size, log.size, source.nodes)
    cost.millis.push(performance.now() - from)
    cost.bytes.push(source.bytes)
    if (!isConsistent(log.half, log, proof)) throw new Error('the log is not consistent')
  }
  return cost
}

async function leavesCost(log: Log): Promise<Cost> {
  const size = Math.min(EPOCH_RECORDS_MAX, log.size)
  const handle = await open(join(log.folder, 'leaves'), 'r')
  const cost: Cost = { millis: [], bytes: [] }
  let bytesRead = 0
  const read: LeafReader = async (first, count) => {
    const bytes = Buffer.allocUnsafe(count * HASH_BYTES)
    const { bytesRead: got } = await handle.read(bytes, 0, bytes.length, first * HASH_BYTES)
    bytesRead += got
    return bytes.subarray(0, got)
  }
  const root = await treeRoot(size, leafNodes(read))
  for (let n = 0; n < LEAVES_PROOFS; n++) {
    const index = Math.floor(((n * 0.618_033_988_749) % 1) * size)
    bytesRead = 0
    const from = performance.now()
    const proof = await inclusionProof(index, size, leafNodes(read))
    cost.millis.push(performance.now() - from)
    cost.bytes.push(bytesRead)
    if (inclusionRoot(leafHash(record(index)), { index, size }, proof) !== root) {
      throw new Error(`the proof of ${index} does not hold`)
    }
  }
  await handle.close()
  return cost
}

/** Leaf and tree of some of the records; the whole log would be that many times as long. */
function hashingMillis(): number {
  const tree = new MerkleFrontier()
  const from = performance.now()
  for (let i = 0; i < HASHED; i++) tree.append(leafHash(record(i)))
  tree.root()
  return ((performance.now() - from) * RECORDS) / HASHED
}

function at(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number
}

function row(what: string, { millis, bytes }: Cost, hashing: number): Record<string, string> {
  return {
    proof: what,
    'median, ms': at(millis, 0.5).toFixed(2),
    '99 of 100, ms': at(millis, 0.99).toFixed(2),
    'slowest, ms': at(millis, 1).toFixed(2),
    'bytes read': at(bytes, 1).toLocaleString('en-US'),
    'hashing the log takes': `${Math.round(hashing / at(millis, 0.5)).toLocaleString('en-US')} times as long`,
  }
}

/** Makes the log, prints the table, and removes the log. */
export async function benchProof(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-proof-'))
  try {
    const log = await makeLog(folder)
    const hashing = hashingMillis()
    const records = RECORDS.toLocaleString('en-US')
    console.log(
      `${records} records of ${RECORD_BYTES} bytes; hashing them, with the tree: ${(hashing / 1000).toFixed(1)} s (from ${HASHED.toLocaleString('en-US')})`,
    )
    const inclusion = await inclusionCost(log)
    console.table([
      row('inclusion, from tiles', inclusion, hashing),
      row('consistency with half of it, from tiles', await consistencyCost(log), hashing),
      row(
        `inclusion, from a leaves file (${Math.min(EPOCH_RECORDS_MAX, RECORDS)})`,
        await leavesCost(log),
        hashing,
      ),
    ])
    const half = at(inclusion.millis, 0.5)
    const under = inclusion.millis.filter((millis) => millis < 5).length
    console.log(
      `an inclusion proof takes under 5 ms: ${half < 5 ? 'yes' : 'NO'} (${under} of ${PROOFS} did)`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) await benchProof()
