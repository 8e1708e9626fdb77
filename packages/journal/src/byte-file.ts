// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** A file of records to read at any place, compressed or not: places count the bytes of records. */
export interface ByteFile {
  readonly path: string
  /** Bytes that can be read; less than were written where it is damaged. */
  readonly size: number
  /** Unix milliseconds of the last change. */
  readonly changedMillis: number
  /** What is wrong behind `size`: bytes that are there and cannot be read. */
  readonly damage?: string | undefined
  /** Copies bytes from `position` to `target`; fewer than asked for at will, 0 at the end. */
  readInto(target: Uint8Array, range: TargetRange): number
  close(): void
}

export interface TargetRange {
  readonly start: number
  readonly length: number
  /** In the file. */
  readonly position: number
}

/** A file as it lies on the disk. */
export interface RegularFile extends ByteFile {
  readonly fd: number
}

/**
 * Opens a regular file to read; a named pipe or device in its place is refused, not waited for.
 *
 * @param links whether a symbolic link is followed; default true
 */
export function openRegular(path: string, links = true): RegularFile {
  const follow = links ? 0 : constants.O_NOFOLLOW
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | follow)
  const stat = fstatSync(fd)
  if (!stat.isFile()) {
    closeSync(fd)
    throw new Error(`${path} is not a regular file`)
  }
  return {
    path,
    fd,
    size: stat.size,
    changedMillis: stat.mtimeMs,
    readInto: (target, { start, length, position }) =>
      readSync(fd, target, start, length, position),
    close: () => closeSync(fd),
  }
}

/** `length` bytes from `offset`, or as many as there are. */
export function readRange(file: ByteFile, offset: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const range = { start: filled, length: length - filled, position: offset + filled }
    const read = file.readInto(buffer, range)
    if (read === 0) break
    filled += read
  }
  return buffer.subarray(0, filled)
}
