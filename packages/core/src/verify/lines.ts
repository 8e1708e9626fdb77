// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { IncrementalSha256 } from '../hash.ts'
import { leafHashOfFrame } from '../hash.ts'
import { RECORD_BYTES_MAX } from '../record.ts'

const LF = 0x0a
/** One byte before the longest line, its LF, and as much again, so that refills stay rare. */
const BUFFER_BYTES = 4 * (RECORD_BYTES_MAX + 1)

/**
 * A line as it lies in the splitter's buffer: `bytes[start..end)`, without its LF. The byte before
 * `start` is free to be overwritten. Valid until the splitter is asked for the next one.
 */
export interface Line {
  bytes: Buffer
  start: number
  end: number
  /** 1-based, within the file. */
  number: number
  /** Of the first byte, within the file. */
  byteOffset: number
  /** Bytes without the LF. */
  length: number
  /** Longer than a record may be; its bytes were skipped. */
  tooLong: boolean
  /** Whether an LF ends it; only the last line of a file can lack it. */
  ended: boolean
}

const FILE_START = { line: 1, byteOffset: 0 }

/** Counts and hashes raw bytes from some line on, LFs included. */
export interface Tee {
  readonly sha: IncrementalSha256
  bytes: number
}

/**
 * Cuts chunks into lines, in constant memory whatever the chunks and lines are like: a line that is
 * longer than a record may be is skipped as it passes.
 *
 * `push` a chunk, then ask for lines with `next` until there are none; `rest` hands out what no LF
 * ended. One buffer serves all files of a verification: `begin` starts a new one.
 */
export class LineSplitter {
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  readonly #line: Line = {
    bytes: this.#buffer,
    start: 1,
    end: 1,
    number: 0,
    byteOffset: 0,
    length: 0,
    tooLong: false,
    ended: true,
  }
  // The line under way begins at #start, data ends at #filled, no LF lies before #searched.
  #start = 1
  #searched = 1
  #filled = 1
  #chunk: Uint8Array = new Uint8Array(0)
  #taken = 0
  #offset = 0
  #skipped = 0
  /** While set, every byte handed out as part of a line is counted and hashed. */
  tee: Tee | undefined

  /** Starts a new file, or goes on in one at the beginning of a line. */
  begin(at: { readonly line: number; readonly byteOffset: number } = FILE_START): void {
    this.#start = this.#searched = this.#filled = 1
    this.#chunk = new Uint8Array(0)
    this.#taken = this.#skipped = 0
    this.#offset = at.byteOffset
    this.#line.number = at.line - 1
  }

  /** Takes a chunk, which must stay as it is until `next` says that there is no further line. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#taken = 0
  }

  next(): Line | undefined {
    for (;;) {
      const at = this.#buffer.indexOf(LF, this.#searched)
      if (at >= 0 && at < this.#filled) return this.#take(at, true)
      this.#searched = this.#filled
      if (this.#filled - this.#start > RECORD_BYTES_MAX) this.#skip()
      if (this.#taken === this.#chunk.length) return undefined
      this.#refill()
    }
  }

  /** What is left at the end of the file without an LF, if anything. */
  rest(): Line | undefined {
    if (this.#filled === this.#start && this.#skipped === 0) return undefined
    return this.#take(this.#filled, false)
  }

  #take(at: number, ended: boolean): Line {
    const line = this.#line
    const length = this.#skipped + at - this.#start
    line.start = this.#start
    line.end = at
    line.number++
    line.byteOffset = this.#offset
    line.length = length
    line.tooLong = length > RECORD_BYTES_MAX
    line.ended = ended
    const next = ended ? at + 1 : at
    this.#pass(this.#start, next)
    this.#offset += length + (ended ? 1 : 0)
    this.#start = this.#searched = next
    this.#skipped = 0
    return line
  }

  /** Drops what is there of a line that is too long already. */
  #skip(): void {
    this.#pass(this.#start, this.#filled)
    this.#skipped += this.#filled - this.#start
    this.#start = this.#searched = this.#filled = 1
  }

  #pass(from: number, to: number): void {
    if (this.tee === undefined) return
    this.tee.sha.update(this.#buffer.subarray(from, to))
    this.tee.bytes += to - from
  }

  #refill(): void {
    this.#buffer.copyWithin(1, this.#start, this.#filled)
    this.#filled -= this.#start - 1
    this.#start = 1
    const count = Math.min(this.#chunk.length - this.#taken, BUFFER_BYTES - this.#filled)
    this.#searched = this.#filled
    this.#buffer.set(this.#chunk.subarray(this.#taken, this.#taken + count), this.#filled)
    this.#filled += count
    this.#taken += count
  }
}

/** The leaf hash of a line; unknown where it was skipped for its length. */
export function leafOf({ bytes, start, end, tooLong }: Line): string | undefined {
  if (tooLong) return undefined
  return leafHashOfFrame(bytes.subarray(start - 1, end), end - start + 1)
}
