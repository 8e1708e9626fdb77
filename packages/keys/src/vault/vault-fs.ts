// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AuditError } from '@spanseal/core'
import { errnoOf } from '../secret-file.ts'

/** Files of a vault: owner only, whole or absent, on disk before anybody sees them. */

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
const GROUP_OR_OTHER = 0o077

export function vaultError(path: string, why: string, cause?: unknown): AuditError {
  return new AuditError('VAULT_UNUSABLE', `vault: ${path} ${why}`, {
    cause,
    details: { file: path },
  })
}

function failed(path: string, cause: unknown): AuditError {
  if (cause instanceof AuditError) return cause
  return vaultError(path, `cannot be used (${errnoOf(cause) ?? 'unreadable'})`, cause)
}

/** The names in a folder, sorted; none where there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw failed(folder, error)
  }
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw failed(path, error)
  }
}

/** The bytes of a file of at most `bytesMax`; undefined where there is none. */
export function readWhole(path: string, bytesMax: number): Promise<Buffer | undefined> {
  return readFrom(path, { bytesMax, wholeOnly: true })
}

/** The first bytes of a file, however long it is. */
export function readStart(path: string, bytesMax: number): Promise<Buffer | undefined> {
  return readFrom(path, { bytesMax, wholeOnly: false })
}

async function readFrom(
  path: string,
  { bytesMax, wholeOnly }: { readonly bytesMax: number; readonly wholeOnly: boolean },
): Promise<Buffer | undefined> {
  let handle: FileHandle
  try {
    // O_NONBLOCK: a named pipe in our place must not hang anybody.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw failed(path, error)
  }
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw vaultError(path, 'is no regular file')
    if (wholeOnly && found.size > bytesMax) throw vaultError(path, `has over ${bytesMax} bytes`)
    if (process.platform !== 'win32' && (found.mode & GROUP_OR_OTHER) !== 0) {
      throw vaultError(path, 'can be used by others than its owner; run chmod go= on it')
    }
    const bytes = Buffer.alloc(Math.min(found.size, bytesMax))
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return bytes.subarray(0, length)
  } catch (error) {
    throw failed(path, error)
  } finally {
    await handle.close()
  }
}

/** File systems without hard links answer with one of these. */
const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EACCES', 'EMLINK'])

/**
 * Puts a file in place: written and synced as a draft, then renamed (or linked, where it must not
 * replace another), then the folder synced.
 *
 * @returns false when `keep` is asked for and there was one already
 */
export async function putFile(
  path: string,
  bytes: Uint8Array,
  { drafts, keep = false }: { readonly drafts: string; readonly keep?: boolean },
): Promise<boolean> {
  const draft = `${drafts}/${randomBytes(16).toString('hex')}.tmp`
  try {
    await madeIfMissing(drafts, () => writeSynced(draft, bytes))
    await madeIfMissing(dirname(path), () =>
      keep ? linkOrWrite(draft, path, bytes) : rename(draft, path),
    )
    await syncFolder(dirname(path))
    return true
  } catch (error) {
    if (keep && errnoOf(error) === 'EEXIST') return false
    throw failed(path, error)
  } finally {
    await rm(draft, { force: true })
  }
}

/** Folders are there but for the first file in each. */
async function madeIfMissing(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    // Each new folder is an entry of the one above.
    for (const made of await makeFolder(folder)) await syncFolder(dirname(made))
    await work()
  }
}

/**
 * Makes a folder with those above it; Node's own `recursive` never ends where the parent is there and
 * takes no folders, as in /proc.
 *
 * @returns those that were made, the deepest first
 */
async function makeFolder(path: string): Promise<string[]> {
  if (await isFolder(path)) return []
  const parent = dirname(path)
  const made = parent === path ? [] : await makeFolder(parent)
  try {
    await mkdir(path, { mode: FOLDER_MODE })
    return [path, ...made]
  } catch (error) {
    if (!(await isFolder(path))) throw error
    return made // somebody else made it meanwhile
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

async function linkOrWrite(draft: string, path: string, bytes: Uint8Array): Promise<void> {
  try {
    await link(draft, path)
  } catch (error) {
    if (!NO_HARD_LINKS.has(errnoOf(error) ?? '')) throw error
    await writeSynced(path, bytes)
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', FILE_MODE)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes a file, overwritten first; another process may have been quicker. */
export async function destroy(path: string): Promise<void> {
  try {
    const handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW)
    try {
      await handle.write(Buffer.alloc((await handle.stat()).size), 0)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rm(path, { force: true })
    await syncFolder(dirname(path))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw failed(path, error)
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
