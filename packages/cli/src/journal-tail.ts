// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isEpochId, RECORD_BYTES_MAX } from '@spanseal/core'
import type { ByteFile, SegmentName } from '@spanseal/journal'
import { listSegments, openSegment, readRange } from '@spanseal/journal'
import type { LineCounts } from './record-lines.ts'
import { LineSplitter } from './record-lines.ts'

const CHUNK_BYTES = 256 * 1024
const LF = 0x0a

/** Where reading an epoch goes on. */
interface Position {
  /** Its first `seq`. */
  segment: number
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

  #segments(epoch: string): SegmentName[] {
    try {
      return listSegments(join(this.#folder, epoch))
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
      const read = this.#read(segment, (file) => lastLines(file, count - lines.length))
      if (read === undefined) continue
      if (segment === last) {
        const { end } = read
        this.#positions.set(epoch, {
          segment: segment.firstSeq,
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
      position = { segment: first.firstSeq, offset: 0, splitter: new LineSplitter(this.counts) }
      this.#positions.set(epoch, position)
    }
    for (;;) {
      const { segment } = position
      const present = segments.find(({ firstSeq }) => firstSeq === segment)
      // One that is not there was removed after delivery, or by somebody whom `verify` tells of.
      if (present !== undefined) yield* this.#freshOfSegment(present, position)
      const next = segments.find(({ firstSeq }) => firstSeq > segment)
      if (next === undefined) return
      position.segment = next.firstSeq
      position.offset = 0
      position.splitter = new LineSplitter(this.counts)
    }
  }

  *#freshOfSegment(segment: SegmentName, position: Position): Generator<Buffer> {
    for (;;) {
      const chunk = this.#read(segment, (file) =>
        file.size > position.offset
          ? readRange(file, position.offset, Math.min(CHUNK_BYTES, file.size - position.offset))
          : undefined,
      )
      if (chunk === undefined || chunk.length === 0) return
      position.offset += chunk.length
      for (const { bytes } of position.splitter.push(chunk)) yield bytes
    }
  }

  /** Never waits for a pipe and never follows what stands in a segment's place. */
  #read<T>(segment: SegmentName, read: (file: ByteFile) => T): T | undefined {
    let file: ByteFile | undefined
    try {
      file = openSegment(segment, false)
      return read(file)
    } catch {
      this.counts.unreadable++
      return undefined
    } finally {
      file?.close()
    }
  }
}

/** The last whole lines of a file, and where the last one ends. */
function lastLines(
  file: ByteFile,
  count: number,
): { readonly lines: Buffer[]; readonly end: number } {
  const { size } = file
  // A line is no longer than a record, so this is enough; what is longer is passed over.
  const most = Math.min(size, (count + 2) * (RECORD_BYTES_MAX + 1))
  for (let length = Math.min(CHUNK_BYTES, most); ; length = Math.min(length * 4, most)) {
    const start = size - length
    const read = readRange(file, start, length)
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
