// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { RegularFile } from '../byte-file.ts'
import { openRegular, readRange } from '../byte-file.ts'
import { errnoOf, FILE_MODE, syncFolder, writeAll } from '../journal-fs.ts'
import { compressedName, segmentName } from '../journal-layout.ts'
import { parseLineHead } from '../line-head.ts'
import { openCompressed } from './compressed-file.ts'
import { readMarker } from './delivered-marker.ts'
import { firstLine, lastLineEnd, lineBefore } from './line-tail.ts'
import type { SpoolFs } from './spool-fs.ts'
import { draftPath, removeDraft } from './spool-fs.ts'
import { FRAME_CONTENT_BYTES, FRAMES_MAX, frameOptions, RATIO_MAX } from './zstd-frames.ts'

/** Less takes a block of the file system, compressed or not. */
const SEGMENT_BYTES_MIN = 4_096

/** What a compression gained; undefined where the segment stays as it is. */
export interface Compressed {
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/**
 * Replaces a segment that takes no more records by its compressed form. The compressed file is whole,
 * read back and on disk before it gets its name, and has its name before the plain one goes; it keeps
 * the plain one's time of change.
 *
 * @throws the system's errors; the plain file is then still there
 */
export async function compressSegment(
  folder: string,
  firstSeq: number,
  fs: SpoolFs,
): Promise<Compressed | undefined> {
  const path = join(folder, segmentName(firstSeq))
  const file = openRegular(path, false)
  const draft = draftPath(folder, compressedName(firstSeq))
  try {
    const isWorthIt =
      file.size >= SEGMENT_BYTES_MIN &&
      file.size <= FRAMES_MAX * FRAME_CONTENT_BYTES &&
      holdsRecords(file, firstSeq)
    if (!isWorthIt || !(await writeDraft(file, draft, fs))) return undefined
    const bytesAfter = checkedSize(draft, file.size)
    if (bytesAfter === undefined || bytesAfter >= file.size || hasGrown(path, file.size)) {
      removeDraft(fs, draft)
      return undefined
    }
    fs.renameSync(draft, join(folder, compressedName(firstSeq)))
    syncFolder(fs, folder)
    removePlain(folder, firstSeq, fs)
    return { bytesBefore: file.size, bytesAfter }
  } catch (error) {
    removeDraft(fs, draft)
    if (errnoOf(error) === 'ENOENT') return undefined // removed meanwhile
    throw error
  } finally {
    file.close()
  }
}

/** Whether it begins as its name says and goes on to its end: a gigabyte of zeros is left alone. */
function holdsRecords(file: RegularFile, firstSeq: number): boolean {
  const first = firstLine(file)
  const end = lastLineEnd(file)
  const last = end === undefined ? undefined : lineBefore(file, end)
  return (
    first !== undefined &&
    parseLineHead(first)?.seq === firstSeq &&
    last !== undefined &&
    parseLineHead(last) !== undefined
  )
}

/**
 * Writes and syncs all frames.
 *
 * @returns false where a frame cannot be read back as it was, or shrinks further than readers take
 */
async function writeDraft(file: RegularFile, draft: string, fs: SpoolFs): Promise<boolean> {
  const fd = fs.openSync(draft, 'wx', FILE_MODE)
  try {
    for (let position = 0; position < file.size; position += FRAME_CONTENT_BYTES) {
      const length = Math.min(FRAME_CONTENT_BYTES, file.size - position)
      const content = readRange(file, position, length)
      const frame = await inThread((done) => zstdCompress(content, frameOptions(length), done))
      // The plain bytes are about to be removed for these.
      const options = { maxOutputLength: length }
      const back = await inThread((done) => zstdDecompress(frame, options, done))
      const isRead = frame.length * RATIO_MAX >= length && content.equals(back)
      if (content.length !== length || !isRead) {
        removeDraft(fs, draft)
        return false
      }
      writeAll(fs, fd, frame)
    }
    await new Promise<void>((resolve, reject) => {
      fs.fdatasync(fd, (error) => (error === null ? resolve() : reject(error)))
    })
  } finally {
    fs.closeSync(fd)
  }
  fs.utimesSync(draft, file.changedMillis)
  return true
}

/** What a call of zlib comes to, without blocking. */
function inThread(
  run: (done: (error: Error | null, bytes: Buffer) => void) => void,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    run((error, bytes) => (error === null ? resolve(bytes) : reject(error)))
  })
}

/** The size of a draft that reads as `contentBytes` in the form that every reader asks for. */
function checkedSize(draft: string, contentBytes: number): number | undefined {
  const content = openCompressed(draft)
  content.close()
  if (content.damage !== undefined || content.size !== contentBytes) return undefined
  const file = openRegular(draft, false)
  file.close()
  return file.size
}

/** Whether somebody still writes to it, against all rules. */
function hasGrown(path: string, size: number): boolean {
  const file = openRegular(path, false)
  file.close()
  return file.size !== size
}

function removePlain(folder: string, firstSeq: number, fs: SpoolFs): void {
  try {
    fs.unlinkSync(join(folder, segmentName(firstSeq)))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    // Somebody else compressed it, too, or removed it: what was removed must not come back.
    const marker = readMarker(folder)
    if (marker !== undefined && firstSeq < marker.size) {
      removeDraft(fs, join(folder, compressedName(firstSeq)))
    }
  }
}
