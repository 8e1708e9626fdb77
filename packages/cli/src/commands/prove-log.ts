// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { constants } from 'node:fs'
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

/** A full bundle of 256 entries with 65,535 bytes each. */
const FILE_BYTES_MAX = TILE_WIDTH * 65_537

/** The folder of a tenant log as it is served: checkpoint, tiles, bundles of entries, time-stamps. */
export function tenantLogFolder(folder: string): TenantLogTiles {
  const checkpoint = async (): Promise<string> => (await file(folder, 'checkpoint')).toString()
  return {
    name: folder,
    checkpoint,
    async *entries(size) {
      for (let index = 0; index * TILE_WIDTH < size; index++) {
        const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
        const bundle = await widest(folder, width, (w) => entriesPath({ index, width: w }))
        // A wider bundle than asked for is read as far as it is asked for.
        yield* parseEntries(bundle.bytes, bundle.width).slice(0, width)
      }
    },
    tile: async ({ level, index, width }) =>
      (await widest(folder, width, (w) => tilePath({ level, index, width: w }))).bytes,
    async *timestamps() {
      const { size } = parseCheckpoint(parseNote(await checkpoint()).text)
      const token = await fileIfThere(folder, `timestamps/${size}.tsr`)
      if (token !== undefined) yield token
    },
  }
}

/** A tile of that width; where it was cleared away, the full one that took its place. */
async function widest(
  folder: string,
  width: number,
  path: (width: number) => string,
): Promise<{ readonly bytes: Buffer; readonly width: number }> {
  const exact = await fileIfThere(folder, path(width))
  if (exact !== undefined) return { bytes: exact, width }
  return { bytes: await file(folder, path(TILE_WIDTH)), width: TILE_WIDTH }
}

async function file(folder: string, path: string): Promise<Buffer> {
  const bytes = await fileIfThere(folder, path)
  if (bytes !== undefined) return bytes
  throw new AuditError('LOG_UNUSABLE', `--log: ${join(folder, path)} is not there`, {
    details: { option: '--log', file: join(folder, path) },
  })
}

async function fileIfThere(folder: string, path: string): Promise<Buffer | undefined> {
  const full = join(folder, path)
  const refuse = (why: string, cause?: unknown): never => {
    const details = { option: '--log', file: full }
    throw new AuditError('LOG_UNUSABLE', `--log: ${full} ${why}`, { cause, details })
  }
  const handle = await open(full, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      const { code } = error as NodeJS.ErrnoException
      return code === 'ENOENT' ? undefined : refuse(`cannot be read (${code})`, error)
    },
  )
  if (handle === undefined) return undefined
  try {
    const what = await handle.stat()
    if (!what.isFile() || what.size > FILE_BYTES_MAX) return refuse('is no file of a log')
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
