// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { AuditError } from '@spanseal/core'

/** Files of a keyring: owner only, whole or absent. */

const SECRET_MODE = 0o600
const GROUP_OR_OTHER = 0o077
/** The largest file a keyring holds is a note; anything above is not ours. */
const SECRET_BYTES_MAX = 65_536
/** File systems without hard links answer with one of these. */
const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EACCES', 'EMLINK'])

/** Where the keys of one log lie, and what may be done there. */
export interface LogKeys {
  readonly log: string
  readonly folder: string
  /** False: nothing is made or replaced, and what is missing is `NOT_FOUND`. */
  readonly create: boolean
  /** Unix milliseconds. */
  readonly now: () => number
}

export function notFound(what: string, { log, folder }: LogKeys): AuditError {
  return new AuditError('NOT_FOUND', `keyring: no ${what} of ${log} in ${folder}`, {
    details: { file: folder },
  })
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}

/** An error of the file system as a coded one; its message names the path, never the content. */
export function unusable(path: string, cause: unknown): AuditError {
  if (cause instanceof AuditError) return cause
  const why = errnoOf(cause) ?? 'unreadable'
  return new AuditError('KEYRING_UNUSABLE', `keyring: ${path} cannot be used (${why})`, {
    cause,
    details: { file: path },
  })
}

/** Lower-case hex of `bytes` random bytes. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

/** The text of a secret file, or undefined where there is none. */
export function readSecret(path: string): string | undefined {
  let fd: number
  try {
    // O_NONBLOCK: a named pipe in our place must not hang the agent.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw unusable(path, error)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile() || stat.size > SECRET_BYTES_MAX) {
      throw new AuditError('KEYRING_UNUSABLE', `keyring: ${path} is not a keyring file`, {
        details: { file: path },
      })
    }
    assertPrivate(path, stat.mode)
    const bytes = Buffer.alloc(stat.size)
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0))
  } catch (error) {
    throw unusable(path, error)
  } finally {
    closeSync(fd)
  }
}

/** @throws AuditError `KEYRING_UNSAFE` when group or others have any right (not told on Windows) */
export function assertPrivate(path: string, mode: number): void {
  if (process.platform === 'win32' || (mode & GROUP_OR_OTHER) === 0) return
  const octal = (mode & 0o777).toString(8)
  throw new AuditError(
    'KEYRING_UNSAFE',
    `keyring: ${path} has mode ${octal}: others than its owner have rights; run chmod go= on it`,
    { details: { file: path } },
  )
}

/**
 * Creates `path` with `text` unless it exists; whoever sees the file sees it whole.
 *
 * @returns false when another process was first
 */
export function createSecret(path: string, text: string): boolean {
  const draft = `${path}.${randomHex(8)}.tmp`
  makePrivateFolder(dirname(path))
  try {
    writeSynced(draft, text)
    try {
      linkSync(draft, path)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false
      if (!NO_HARD_LINKS.has(errnoOf(error) ?? '')) throw error
      writeSynced(path, text)
    }
    syncFolder(dirname(path))
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw unusable(path, error)
  } finally {
    rmSync(draft, { force: true })
  }
}

function writeSynced(path: string, text: string): void {
  writeFileSync(path, text, { flag: 'wx', mode: SECRET_MODE, flush: true })
}

/** Replaces `path` by `text` in one step; not synced: a power cut may bring the older text back. */
export function replaceFile(path: string, text: string): void {
  const draft = `${path}.${randomHex(8)}.tmp`
  makePrivateFolder(dirname(path))
  try {
    writeFileSync(draft, text, { flag: 'wx', mode: SECRET_MODE })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw unusable(path, error)
  }
}

/** Makes a folder for its owner only; its parents too. */
export function makePrivateFolder(path: string): string {
  try {
    makeFolder(path)
    return path
  } catch (error) {
    throw unusable(path, error)
  }
}

// Node's `recursive` never ends where the parent is there and takes no folders, as in /proc.
function makeFolder(path: string): void {
  if (isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (!isFolder(path)) throw error // else somebody else made it meanwhile
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** A new directory entry is durable only after its folder is synced. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const SLOT = /^(\d{4})\.[a-z]+$/

/** The numbers of the files `0001.<ext>`, `0002.<ext>` … in a folder, ascending. */
export function slots(folder: string, ext: string): number[] {
  return namesIn(folder)
    .filter((name) => SLOT.test(name) && name.endsWith(`.${ext}`))
    .map((name) => Number(name.slice(0, 4)))
    .sort((a, b) => a - b)
}

/** The names in a folder; none where there is no folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw unusable(folder, error)
  }
}

export function slotPath(folder: string, slot: number, ext: string): string {
  return join(folder, `${String(slot).padStart(4, '0')}.${ext}`)
}
