// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { TenantLogTiles } from '@spanseal/core'
import {
  AuditError,
  entriesPath,
  parseCheckpoint,
  parseEntries,
  parseNote,
  TILE_WIDTH,
  tilePath,
} from '@spanseal/core'
import { errnoOf } from './log-fs.ts'

const CHECKPOINT_BYTES_MAX = 65_536
const TILE_BYTES_MAX = TILE_WIDTH * 32
/** 256 entries of 65,535 bytes with their lengths. */
const ENTRIES_BYTES_MAX = TILE_WIDTH * 65_537
const TIMESTAMP_BYTES_MAX = 65_536

/**
 * A tenant log in the folder that it is served from. Reads what it is asked for and nothing else;
 * nothing is trusted: what is made from it counts if it leads to the root of a checkpoint that is.
 *
 * Rejects with AuditError `NOT_FOUND` where a file is not there, `LOG_UNUSABLE` where one cannot be
 * read or is no regular file or too long to be what it should, `MALFORMED_TILE` where tiles or entries
 * are not; `checkpoint` does not say whether the note is one.
 */
export function readTenantLog(folder: string): TenantLogTiles {
  const checkpoint = async (): Promise<string> =>
    (await readFile(folder, { path: 'checkpoint', bytesMax: CHECKPOINT_BYTES_MAX })).toString()
  return {
    name: folder,
    checkpoint,
    entries: (size) => entriesOf(folder, size),
    async tile({ level, index, width }) {
      const path = (w: number): string => tilePath({ level, index, width: w })
      return (await readWidest(folder, width, { path, bytesMax: TILE_BYTES_MAX })).bytes
    },
    async *timestamps() {
      const { size } = parseCheckpoint(parseNote(await checkpoint()).text)
      const path = timestampPath(size)
      const token = await readIfThere(folder, { path, bytesMax: TIMESTAMP_BYTES_MAX })
      if (token !== undefined) yield token
    },
  }
}

export function timestampPath(size: number): string {
  return `timestamps/${size}.tsr`
}

async function* entriesOf(folder: string, size: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
    yield* await readBundle(folder, index, width)
  }
}

/** The first `width` entries of a bundle; a full one may stand where a part of it was cleared away. */
export async function readBundle(
  folder: string,
  index: number,
  width: number,
): Promise<Uint8Array[]> {
  const path = (w: number): string => entriesPath({ index, width: w })
  const found = await readWidest(folder, width, { path, bytesMax: ENTRIES_BYTES_MAX })
  return parseEntries(found.bytes, found.width).slice(0, width)
}

interface Wanted {
  readonly path: string
  readonly bytesMax: number
}

async function readWidest(
  folder: string,
  width: number,
  wanted: { readonly path: (width: number) => string; readonly bytesMax: number },
): Promise<{ readonly bytes: Buffer; readonly width: number }> {
  const { path, bytesMax } = wanted
  const exact = await readIfThere(folder, { path: path(width), bytesMax })
  if (exact !== undefined || width === TILE_WIDTH) {
    return { bytes: exact ?? notThere(folder, path(width)), width }
  }
  const full = await readIfThere(folder, { path: path(TILE_WIDTH), bytesMax })
  return { bytes: full ?? notThere(folder, path(width)), width: TILE_WIDTH }
}

export async function readFile(folder: string, wanted: Wanted): Promise<Buffer> {
  return (await readIfThere(folder, wanted)) ?? notThere(folder, wanted.path)
}

function notThere(folder: string, path: string): never {
  const file = join(folder, path)
  throw new AuditError('NOT_FOUND', `${file} is not there`, { details: { file } })
}

/** Undefined where there is no such file. */
export async function readIfThere(
  folder: string,
  { path, bytesMax }: Wanted,
): Promise<Buffer | undefined> {
  const file = join(folder, path)
  let handle: FileHandle
  try {
    // O_NONBLOCK: opening a named pipe must not wait for its other end.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw unusable(file, `cannot be read (${errnoOf(error) ?? 'unknown'})`, error)
  }
  try {
    const what = await handle.stat()
    if (!what.isFile()) throw unusable(file, 'is not a regular file')
    if (what.size > bytesMax) throw unusable(file, `has over ${bytesMax} bytes`)
    // Bounded also where it grows while it is read.
    const bytes = Buffer.alloc(Math.min(what.size, bytesMax))
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0)
    return bytes.subarray(0, bytesRead)
  } catch (error) {
    if (error instanceof AuditError) throw error
    throw unusable(file, `cannot be read (${errnoOf(error) ?? 'unknown'})`, error)
  } finally {
    await handle.close()
  }
}

export function unusable(file: string, why: string, cause?: unknown): AuditError {
  return new AuditError('LOG_UNUSABLE', `${file} ${why}`, { cause, details: { file } })
}
