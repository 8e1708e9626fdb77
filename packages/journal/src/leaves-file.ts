// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { closeSync, constants, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { EpochBytes, LeafReader } from '@spanseal/core'
import { walkLeaves } from '@spanseal/core'
import { errnoOf, FILE_MODE } from './journal-fs.ts'
import { makeFolder } from './make-folder.ts'

/**
 * `leaves` files: the leaf hashes of an epoch, 32 bytes a record, so that a proof need not read the
 * records again (`spec/tiles.md`).
 *
 * They are never trusted and can be made again at any time. Only an epoch's own writer may leave
 * one in the epoch's folder, since no process writes into another's epoch; everybody else keeps
 * them in a folder of their own, `<folder>/<epoch>.leaves`.
 */

const HASH_BYTES = 32
const WRITE_BYTES = 64 * 1024

/** An open file of leaves. */
export interface LeavesFile {
  /** Whole hashes in it. */
  readonly count: number
  readonly read: LeafReader
  close(): Promise<void>
}

/** Opens a file of leaves; undefined where there is no regular file. */
export async function openLeaves(path: string): Promise<LeavesFile | undefined> {
  let handle: FileHandle
  try {
    // O_NONBLOCK: opening a named pipe must not wait for its other end.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
  const what = await handle.stat()
  if (!what.isFile()) {
    await handle.close()
    return undefined
  }
  return {
    count: Math.floor(what.size / HASH_BYTES),
    async read(first, count) {
      const bytes = Buffer.alloc(count * HASH_BYTES)
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, first * HASH_BYTES)
      return bytes.subarray(0, bytesRead)
    },
    close: () => handle.close(),
  }
}

/**
 * Makes the file again from the epoch's records. It appears under its name whole, so that two
 * processes can do so at once.
 *
 * @returns how many leaves there are
 */
export async function rebuildLeaves(epoch: EpochBytes, path: string): Promise<number> {
  makeFolder(dirname(path))
  const draft = join(dirname(path), `.new-${process.pid}-${basename(path)}`)
  const fd = openSync(draft, 'w', FILE_MODE)
  let count: number
  try {
    count = await writeLeaves(epoch, fd)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
  renameSync(draft, path)
  return count
}

async function writeLeaves(epoch: EpochBytes, fd: number): Promise<number> {
  const buffer = Buffer.alloc(WRITE_BYTES)
  let filled = 0
  const flush = (): void => {
    for (let done = 0; done < filled; ) done += writeSync(fd, buffer, done, filled - done)
    filled = 0
  }
  const count = await walkLeaves(epoch, (leaf) => {
    buffer.write(leaf, filled, 'hex')
    filled += HASH_BYTES
    if (filled === WRITE_BYTES) flush()
    return 'go on'
  })
  flush()
  return count
}
