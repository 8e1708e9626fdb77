// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError, isEpochId, RECORD_BYTES_MAX } from '@spanseal/core'
import type { LineCounts } from './record-lines.ts'
import { LineSplitter } from './record-lines.ts'

const SEGMENT = /^\d{12}\.jsonl$/
const CHUNK_BYTES = 256 * 1024
const LF = 0x0a

/** Where reading an epoch goes on. */
interface Position {
  segment: string
  offset: number
  splitter: LineSplitter
}

/**
 * The newest lines of a journal, and what is written behind them. Looks and reads only; what it
 * cannot read it counts and leaves to `verify`.
 */
export class JournalTail {
  readonly #folder: string
  readonly #positions = new Map<string, Position>()
  readonly counts: LineCounts & { unreadable: number } = { tooLong: 0, unreadable: 0 }

  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * The last `count` lines of each epoch, oldest first within it, and a mark behind them.
   *
   * @throws AuditError `NOT_FOUND` when the folder holds no epoch
   */
  newest(count: number): Buffer[][] {
    return this.#epochs().map((epoch) => this.#newestOf(epoch, count))
  }

  /** Whole lines that came since, epoch by epoch. */
  *fresh(): Generator<Buffer> {
    for (const epoch of this.#epochs()) yield* this.#freshOf(epoch)
  }

  #epochs(): string[] {
    return readdirSync(this.#folder).filter(isEpochId).sort()
  }

  #segments(epoch: string): string[] {
    try {
      const names = readdirSync(join(this.#folder, epoch))
      return names.filter((name) => SEGMENT.test(name)).sort()
    } catch {
      this.counts.unreadable++
      return []
    }
  }

  /** Backwards over segments until there are enough. */
  #newestOf(epoch: string, count: number): Buffer[] {
    let lines: Buffer[] = []
    const segments = this.#segments(epoch)
    const last = segments.at(-1)
    for (const segment of segments.toReversed()) {
      const read = this.#read(epoch, segment, (fd, size) =>
        lastLines(fd, size, count - lines.length),
      )
      if (read === undefined) continue
      if (segment === last) {
        const { end } = read
        this.#positions.set(epoch, {
          segment,
          offset: end,
          splitter: new LineSplitter(this.counts),
        })
      }
      lines = [...read.lines, ...lines]
      if (lines.length >= count) break
    }
    return lines
  }

  *#freshOf(epoch: string): Generator<Buffer> {
    const segments = this.#segments(epoch)
    let position = this.#positions.get(epoch)
    if (position === undefined) {
      const [first] = segments
      if (first === undefined) return
      position = { segment: first, offset: 0, splitter: new LineSplitter(this.counts) }
      this.#positions.set(epoch, position)
    }
    for (;;) {
      yield* this.#freshOfSegment(epoch, position)
      const { segment } = position
      const next = segments.find((name) => name > segment)
      if (next === undefined) return
      position.segment = next
      position.offset = 0
      position.splitter = new LineSplitter(this.counts)
    }
  }

  *#freshOfSegment(epoch: string, position: Position): Generator<Buffer> {
    for (;;) {
      const chunk = this.#read(epoch, position.segment, (fd, size) =>
        size > position.offset ? readAt(fd, position.offset) : undefined,
      )
      if (chunk === undefined || chunk.length === 0) return
      position.offset += chunk.length
      for (const { bytes } of position.splitter.push(chunk)) yield bytes
    }
  }

  /** Never waits for a pipe and never follows what stands in a segment's place. */
  #read<T>(epoch: string, segment: string, read: (fd: number, size: number) => T): T | undefined {
    let fd: number
    try {
      const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
      fd = openSync(join(this.#folder, epoch, segment), flags)
    } catch {
      this.counts.unreadable++
      return undefined
    }
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile()) throw new AuditError('JOURNAL_UNUSABLE', `${segment} is no regular file`)
      return read(fd, stat.size)
    } catch {
      this.counts.unreadable++
      return undefined
    } finally {
      closeSync(fd)
    }
  }
}

function readAt(fd: number, offset: number): Buffer {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  return buffer.subarray(0, readSync(fd, buffer, 0, CHUNK_BYTES, offset))
}

/** The last whole lines of a file, and where the last one ends. */
function lastLines(
  fd: number,
  size: number,
  count: number,
): { readonly lines: Buffer[]; readonly end: number } {
  // A line is no longer than a record, so this is enough; what is longer is passed over.
  const most = Math.min(size, (count + 2) * (RECORD_BYTES_MAX + 1))
  for (let length = Math.min(CHUNK_BYTES, most); ; length = Math.min(length * 4, most)) {
    const window = Buffer.alloc(length)
    const start = size - length
    const read = readFully(fd, window, start)
    const end = read.lastIndexOf(LF) + 1
    const from = start === 0 ? 0 : read.indexOf(LF) + 1
    const lines = from < end ? splitLines(read.subarray(from, end)) : []
    if (lines.length >= count || length === most) {
      // Without any LF it is a line that has just begun, or one that is too long to be a record.
      const behind = start === 0 ? 0 : size
      return { lines: lines.slice(-count), end: end === 0 ? behind : start + end }
    }
  }
}

function splitLines(bytes: Buffer): Buffer[] {
  return [...new LineSplitter({ tooLong: 0 }).push(bytes)].map(({ bytes: line }) => line)
}

function readFully(fd: number, window: Buffer, start: number): Buffer {
  let filled = 0
  while (filled < window.length) {
    const read = readSync(fd, window, filled, window.length - filled, start + filled)
    if (read === 0) break
    filled += read
  }
  return window.subarray(0, filled)
}
