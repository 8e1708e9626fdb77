// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { constants } from 'node:zlib'
import type { ByteFile } from '../byte-file.ts'
import { readRange } from '../byte-file.ts'

/**
 * The form of a compressed segment: zstd frames (RFC 8878 §3.1.1) of 256 KiB of records each, the
 * last of 1 byte to 256 KiB, each with its content size, as a single segment, without a dictionary, with a
 * checksum. So any place is found by decoding one frame, and no reader ever holds more.
 */

export const FRAME_CONTENT_BYTES: number = 256 * 1024
/** 4 GiB of records. */
export const FRAMES_MAX = 16_384
/**
 * A line of at most 64 KiB holds the hash of the one before: 32 bytes that nobody can foretell. What
 * shrinks further than that holds no records.
 */
export const RATIO_MAX = 2_048

/** Options of zlib for one frame of that form. */
export function frameOptions(contentBytes: number): {
  readonly params: Record<number, number>
  readonly pledgedSrcSize: number
} {
  return {
    params: {
      [constants.ZSTD_c_compressionLevel]: 3,
      [constants.ZSTD_c_contentSizeFlag]: 1,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
    pledgedSrcSize: contentBytes,
  }
}

/** Where a frame lies in its file. */
export interface Frame {
  readonly at: number
  readonly length: number
  readonly contentBytes: number
}

const MAGIC = 0xfd2fb528
/** Magic number, descriptor and a content size of up to 4 bytes. */
const HEADER_BYTES_MAX = 9
const CHECKSUM_BYTES = 4
const BLOCK_HEADER_BYTES = 3
const RLE = 1
const RESERVED = 3

/**
 * The frames of a file, found by the sizes in their headers; nothing is decoded.
 *
 * @returns what is wrong behind the last frame, where something is
 */
export function listFrames(file: ByteFile): {
  readonly frames: readonly Frame[]
  readonly damage?: string
} {
  const frames: Frame[] = []
  if (file.size === 0) return { frames, damage: 'empty' }
  for (let at = 0; at < file.size; ) {
    const last = frames.at(-1)
    if (last !== undefined && last.contentBytes !== FRAME_CONTENT_BYTES) {
      return { frames, damage: `byte ${at}: a frame behind the last` }
    }
    if (frames.length === FRAMES_MAX) return { frames, damage: `more than ${FRAMES_MAX} frames` }
    const frame = frameAt(file, at)
    if (typeof frame === 'string') return { frames, damage: `byte ${at}: ${frame}` }
    frames.push(frame)
    at += frame.length
  }
  return { frames }
}

/** The frame at `at`, or what is wrong with it. */
function frameAt(file: ByteFile, at: number): Frame | string {
  const header = readRange(file, at, HEADER_BYTES_MAX)
  const parsed = contentOf(header)
  if (typeof parsed === 'string') return parsed
  const { contentBytes, headerBytes } = parsed
  const end = blocksEnd(file, at + headerBytes)
  if (end === undefined) return 'a block of no kind'
  const length = end + CHECKSUM_BYTES - at
  if (at + length > file.size) return 'cut off'
  if (contentBytes > length * RATIO_MAX) return 'shrunk further than records can be'
  return { at, length, contentBytes }
}

/** How much a frame holds, and how long its header is. */
function contentOf(
  header: Buffer,
): { readonly contentBytes: number; readonly headerBytes: number } | string {
  if (header.length < HEADER_BYTES_MAX) return 'cut off'
  if (header.readUInt32LE(0) !== MAGIC) return 'no zstd frame'
  const descriptor = header.readUInt8(4)
  // Content size flag (2 bits), single segment, unused, reserved, checksum, dictionary (2 bits).
  if ((descriptor & 0b0011_1111) !== 0b0010_0100) return 'not the form of a segment'
  const kind = descriptor >> 6
  if (kind === 3) return 'too large a frame'
  const contentBytes = [
    (): number => header.readUInt8(5),
    (): number => header.readUInt16LE(5) + 256,
    (): number => header.readUInt32LE(5),
  ][kind]?.()
  if (contentBytes === undefined || contentBytes === 0 || contentBytes > FRAME_CONTENT_BYTES) {
    return 'too large a frame'
  }
  return { contentBytes, headerBytes: 5 + 2 ** kind }
}

/** Where the blocks of a frame end; undefined where one is of no known kind. */
function blocksEnd(file: ByteFile, from: number): number | undefined {
  let at = from
  for (;;) {
    const header = readRange(file, at, BLOCK_HEADER_BYTES)
    if (header.length < BLOCK_HEADER_BYTES) return file.size // and so beyond it, with the checksum
    const value = header.readUIntLE(0, BLOCK_HEADER_BYTES)
    const type = (value >> 1) & 0b11
    if (type === RESERVED) return undefined
    at += BLOCK_HEADER_BYTES + (type === RLE ? 1 : value >> 3)
    if ((value & 1) === 1) return at
  }
}
