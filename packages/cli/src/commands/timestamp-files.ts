// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Stats } from 'node:fs'
import { constants } from 'node:fs'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AuditError } from '@spanseal/core'

/**
 * A whole regular file of bounded size.
 *
 * @throws AuditError `NOT_FOUND`, `INVALID_OPTION`
 */
export async function readSmallFile(
  path: string,
  bytesMax: number,
  option: string,
): Promise<Uint8Array> {
  const refuse = (code: 'NOT_FOUND' | 'INVALID_OPTION', why: string, cause?: unknown): AuditError =>
    new AuditError(code, `${option}: ${path} ${why}`, { cause, details: { option, file: path } })
  // A named pipe is not waited for.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw refuse('NOT_FOUND', 'is not there', error)
    throw refuse('INVALID_OPTION', `cannot be read (${error.code})`, error)
  })
  try {
    const stats: Stats = await file.stat()
    if (!stats.isFile()) throw refuse('INVALID_OPTION', 'is no regular file')
    const buffer = Buffer.alloc(Math.min(stats.size, bytesMax) + 1)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    if (bytesRead > bytesMax) throw refuse('INVALID_OPTION', `has over ${bytesMax} bytes`)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/**
 * Writes a file that appears whole, synced, and never in the place of another one.
 *
 * @returns false when there is one of that name already
 */
export async function publishFile(path: string, bytes: Uint8Array): Promise<boolean> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  const fresh = `${path}.tmp-${process.pid}`
  const file = await open(fresh, 'w')
  try {
    await file.writeFile(bytes)
    await file.sync()
    await file.close()
    // Unlike a rename, a link fails where the name is taken.
    await link(fresh, path)
  } catch (error) {
    await file.close()
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(fresh, { force: true })
  }
  const parent = await open(folder)
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
  return true
}
