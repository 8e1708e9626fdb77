// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import * as fs from 'node:fs'

/** The calls by which records reach the disk; tests put faults in between. */
export interface JournalFs {
  openSync(path: string, flags: string, mode: number): number
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number): number
  fdatasync(fd: number, done: (error: Error | null) => void): void
  fdatasyncSync(fd: number): void
  fsyncSync(fd: number): void
  closeSync(fd: number): void
  mkdirSync(path: string, mode: number): void
  renameSync(from: string, to: string): void
  /** Default: `node:fs`. Bytes of the file system that holds `path`. */
  freeSpace?(path: string): FreeSpace
}

/** Of a file system. */
export interface FreeSpace {
  /** Bytes that this process may still write. */
  readonly freeBytes: number
  /** Bytes that it has; 0 where it does not tell. */
  readonly totalBytes: number
}

export const nodeFs: JournalFs = {
  openSync: fs.openSync,
  writeSync: fs.writeSync,
  fdatasync: fs.fdatasync,
  fdatasyncSync: fs.fdatasyncSync,
  fsyncSync: fs.fsyncSync,
  closeSync: fs.closeSync,
  mkdirSync: (path, mode) => {
    fs.mkdirSync(path, { mode })
  },
  renameSync: fs.renameSync,
  freeSpace,
}

/** @throws what statfs(2) throws */
export function freeSpace(path: string): FreeSpace {
  const { bavail, blocks, bsize } = fs.statfsSync(path)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

export const FILE_MODE = 0o600
export const FOLDER_MODE = 0o700

/** Writes all of `bytes`; a short write is followed by another, which then says what is wrong. */
export function writeAll(port: JournalFs, fd: number, bytes: Uint8Array): void {
  const { length } = bytes
  let written = port.writeSync(fd, bytes, 0, length)
  while (written < length) {
    const more = port.writeSync(fd, bytes, written, length - written)
    if (more <= 0) throw new Error(`write took ${written} of ${length} bytes and no more`)
    written += more
  }
}

/** A new or renamed entry is durable only after its folder is synced; Windows has no such call. */
export function syncFolder(port: JournalFs, path: string): void {
  if (process.platform === 'win32') return
  const fd = port.openSync(path, 'r', 0)
  try {
    port.fsyncSync(fd)
  } finally {
    port.closeSync(fd)
  }
}

/** The process or the machine lacks descriptors or memory: that says nothing of the file. */
export function isShortage(error: unknown): boolean {
  return SHORTAGES.has(errnoOf(error) ?? '')
}

const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}
