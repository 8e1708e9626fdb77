// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { fstatSync, statSync } from 'node:fs'
import type { JournalFs } from './journal-fs.ts'
import { FILE_MODE } from './journal-fs.ts'

/**
 * A segment file that its epoch writes to, opened twice.
 *
 * Linux tells an error of writing back once to each open file description (errseq_t, since 4.13;
 * fsync(2), "Linux notes"; Documentation/core-api/errseq.rst): of two syncs under way on one
 * descriptor, one is told and the other succeeds. Synchronous syncs therefore have a description of
 * their own, so that each hears for itself what became of the file's pages, which they share. It is
 * opened with the file, as what another process was told before an opening is not told again.
 * Systems other than Linux promise less, to one descriptor as to two.
 */
export interface OpenSegment {
  /** Written to, and synced asynchronously. */
  readonly fd: number
  /** Synced synchronously. */
  readonly syncFd: number
  readonly path: string
  readonly inode: number
}

/**
 * Creates a segment file, which must not be there.
 *
 * @param finalPath where it will lie, if that is not where it is made
 * @throws what the file system throws; nothing stays open then
 */
export function createSegment(fs: JournalFs, path: string, finalPath: string = path): OpenSegment {
  const fd = fs.openSync(path, 'ax', FILE_MODE)
  try {
    const syncFd = fs.openSync(path, 'r+', FILE_MODE)
    try {
      return { fd, syncFd, path: finalPath, inode: fstatSync(fd).ino }
    } catch (error) {
      closeQuietly(fs, syncFd)
      throw error
    }
  } catch (error) {
    closeQuietly(fs, fd)
    throw error
  }
}

/** Whether it is still the file of its name, with `bytes` in it: only its epoch writes to it. */
export function isSegmentInPlace({ inode, path }: OpenSegment, bytes: number): boolean {
  try {
    const { ino, size } = statSync(path)
    return size === bytes && ino === inode
  } catch {
    return false
  }
}

/** Closes its descriptors; never throws. */
export function releaseSegment(fs: JournalFs, { fd, syncFd }: OpenSegment): void {
  closeQuietly(fs, syncFd)
  closeQuietly(fs, fd)
}

/** Closes a descriptor that nothing depends on any more: what it wrote was synced or given up. */
export function closeQuietly(fs: JournalFs, fd: number): void {
  try {
    fs.closeSync(fd)
  } catch {
    // close(2) lets go of the descriptor, whatever it answers.
  }
}
