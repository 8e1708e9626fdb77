// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { AuditError } from '@spanseal/core'
import type { GivenFile } from './given-file.ts'

const CHUNK_BYTES = 256 * 1024
/** An export holds `log/tile/0/x001/x234/067.p/1`; deeper than that are only loops of links. */
const DEPTH_MAX = 12

/**
 * The regular files at paths and in the folders there, in the order of their names.
 *
 * @throws AuditError `NOT_FOUND` or `JOURNAL_UNUSABLE`
 */
export async function filesAt(paths: readonly string[]): Promise<GivenFile[]> {
  const files: GivenFile[] = []
  const taken = new Set<string>()
  for (const path of paths) {
    const real = await asked(path, () => realpath(path))
    // What is named twice is read once.
    if (taken.has(real)) continue
    taken.add(real)
    const trimmed = path.length > 1 ? path.replace(/[/\\]+$/, '') : path
    await gather(trimmed, 0, files)
  }
  return files
}

async function gather(path: string, depth: number, files: GivenFile[]): Promise<void> {
  const found = await asked(path, () => stat(path))
  if (found.isFile()) {
    files.push(fileAt(path, found.size, depth === 0))
    return
  }
  if (!found.isDirectory()) {
    if (depth > 0) return
    throw new AuditError('JOURNAL_UNUSABLE', `${path} is neither a folder nor a regular file`)
  }
  if (depth === DEPTH_MAX) return
  const names = await asked(path, () => readdir(path))
  for (const name of names.sort()) {
    await gather(path === '.' ? name : `${path}/${name}`, depth + 1, files)
  }
}

function fileAt(path: string, sizeBytes: number, chosen: boolean): GivenFile {
  return { path, sizeBytes, chosen, chunks: (from, to) => chunksOf(path, from, to) }
}

/** Each chunk is the reader's to keep. */
async function* chunksOf(
  path: string,
  fromByte = 0,
  toByte = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Uint8Array> {
  const handle = await openRegularFile(path)
  try {
    for (let position = fromByte; position < toByte; ) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, toByte - position))
      const { bytesRead } = await asked(path, () => handle.read(chunk, 0, chunk.length, position))
      if (bytesRead === 0) return
      position += bytesRead
      yield chunk.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

async function openRegularFile(path: string): Promise<FileHandle> {
  // O_NONBLOCK: opening a named pipe must not wait for its other end. Windows has neither.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
  const handle = await asked(path, () => open(path, flags))
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new AuditError('JOURNAL_UNUSABLE', `${path} is not a regular file`)
}

async function asked<T>(path: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    const details = { file: path }
    throw code === 'ENOENT'
      ? new AuditError('NOT_FOUND', `${path}: there is nothing there`, { cause, details })
      : new AuditError('JOURNAL_UNUSABLE', `${path} cannot be read (${code})`, { cause, details })
  }
}
