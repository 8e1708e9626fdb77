// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { TenantLogBytes } from '@spanseal/core'
import {
  AuditError,
  entriesPath,
  parseCheckpoint,
  parseEntries,
  parseNote,
  TILE_WIDTH,
} from '@spanseal/core'
import type { GivenFile } from './given-file.ts'
import { readBytes } from './given-file.ts'

const CHECKPOINT_BYTES_MAX = 65_536
/** 256 entries of 65,535 bytes with their lengths. */
const ENTRIES_BYTES_MAX = TILE_WIDTH * 65_537
const TIMESTAMP_BYTES_MAX = 65_536

/** A tenant log in the files that it is served from. */
export function tenantLogOf(folder: string, files: readonly GivenFile[]): TenantLogBytes {
  const lead = folder === '' ? '' : `${folder}/`
  const own = new Map(
    files
      .filter(({ path }) => path.startsWith(lead))
      .map((file) => [file.path.slice(lead.length), file]),
  )
  return {
    name: folder === '' ? 'the tenant log' : folder,
    async checkpoint() {
      const bytes = await readBytes(found(own, 'checkpoint'), CHECKPOINT_BYTES_MAX)
      return Buffer.from(bytes).toString('utf8')
    },
    entries: (size) => entriesOf(own, size),
    timestamps: () => timestampsOf(own),
  }
}

type Named = ReadonlyMap<string, GivenFile>

function found(files: Named, path: string): GivenFile {
  const file = files.get(path)
  if (file !== undefined) return file
  throw new AuditError('NOT_FOUND', `the tenant log has no ${path}`, { details: { file: path } })
}

async function* entriesOf(files: Named, size: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
    const bytes = await readBytes(widest(files, index, width), ENTRIES_BYTES_MAX)
    yield* parseEntries(bytes, width)
  }
}

/** A part that was served may have been taken away when a wider one was there. */
function widest(files: Named, index: number, width: number): GivenFile {
  for (let each = width; each <= TILE_WIDTH; each++) {
    const file = files.get(entriesPath({ index, width: each }))
    if (file !== undefined) return file
  }
  return found(files, entriesPath({ index, width }))
}

async function* timestampsOf(files: Named): AsyncGenerator<Uint8Array> {
  const checkpoint = await readBytes(found(files, 'checkpoint'), CHECKPOINT_BYTES_MAX)
  const { size } = parseCheckpoint(parseNote(Buffer.from(checkpoint).toString('utf8')).text)
  const file = files.get(`timestamps/${size}.tsr`)
  if (file !== undefined) yield readBytes(file, TIMESTAMP_BYTES_MAX)
}
