// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '@spanseal/core'
import type { ByteFile } from '../byte-file.ts'
import { linesFrom } from '../file-lines.ts'
import type { JournalFs } from '../journal-fs.ts'
import { FILE_MODE, writeAll } from '../journal-fs.ts'
import type { SegmentName } from '../journal-layout.ts'
import { listSegments, segmentName } from '../journal-layout.ts'
import { parseLineHead } from '../line-head.ts'
import { openSegment } from '../segment-file.ts'

/** Neighbouring records in one segment file. */
interface Run {
  readonly segment: SegmentName
  readonly first: number
  /** The `seq` behind the last. */
  next: number
  bytes: number
  /** Lines that are filed and not written yet. */
  pending: Uint8Array[]
  /** Not on disk under its name yet. */
  isNew: boolean
  /** Where every so many records begin, so that one that comes again is found. */
  readonly places: { readonly seq: number; readonly offset: number }[]
}

const LF = Buffer.from('\n')
const PLACE_EVERY = 64

/** What became of a record that was filed. */
export type Filed = 'new' | 'duplicate' | 'fork'

/**
 * The segments of an epoch that is restored: runs of neighbouring records, each in a file named after
 * its first, as a writer would cut them. A record goes behind the run that it continues, and where
 * there is none it begins one; where two runs meet, the segments do.
 */
export class RestoredEpoch {
  readonly folder: string
  readonly #fs: JournalFs
  readonly #segmentBytesMax: number
  /** Ascending and without overlap. */
  readonly #runs: Run[]

  /**
   * Takes up what lies there; what a crash tore off at the end of a file is cut off, since these
   * files are ours.
   *
   * @throws AuditError `JOURNAL_UNUSABLE` for segments that are not what this class wrote
   */
  constructor(folder: string, fs: JournalFs, segmentBytesMax: number) {
    this.folder = folder
    this.#fs = fs
    this.#segmentBytesMax = segmentBytesMax
    this.#runs = listSegments(folder).map(runOf)
    for (const [i, { first, segment }] of this.#runs.entries()) {
      const before = this.#runs[i - 1]
      if (before !== undefined && before.next > first) throw unusable(segment.path)
    }
  }

  /** Files a record: it is on disk after `write`. */
  file(seq: number, line: Uint8Array): Filed {
    const index = this.#runs.findLastIndex(({ first }) => first <= seq)
    const run = this.#runs[index]
    if (run !== undefined && seq < run.next) {
      return this.#lineOf(run, seq)?.equals(line) === true ? 'duplicate' : 'fork'
    }
    if (run !== undefined && seq === run.next && this.#hasRoom(run, line)) add(run, seq, line)
    else this.#runs.splice(index + 1, 0, newRun(this.folder, seq, line))
    return 'new'
  }

  #hasRoom({ bytes, first, segment }: Run, line: Uint8Array): boolean {
    if (bytes === 0) return true // a crash left its file without a record
    // `epoch.open` stands alone.
    const isOpen = first > 0 && !segment.compressed
    return isOpen && bytes + line.length + 1 <= this.#segmentBytesMax
  }

  /** Writes and syncs what was filed. @returns whether a file was made */
  write(): boolean {
    let made = false
    for (const run of this.#runs) {
      if (run.pending.length === 0) continue
      made ||= run.isNew
      this.#write(run)
    }
    return made
  }

  #write(run: Run): void {
    const fd = this.#fs.openSync(run.segment.path, run.isNew ? 'ax' : 'a', FILE_MODE)
    try {
      writeAll(this.#fs, fd, Buffer.concat(run.pending))
      this.#fs.fdatasyncSync(fd)
    } finally {
      this.#fs.closeSync(fd)
    }
    run.pending = []
    run.isNew = false
  }

  #lineOf(run: Run, seq: number): Buffer | undefined {
    if (run.pending.length > 0) this.#write(run)
    const place = run.places.findLast((each) => each.seq <= seq)
    if (place === undefined) return undefined
    const file = openSegment(run.segment)
    try {
      let at = place.seq
      for (const { bytes } of linesFrom(file, place.offset)) {
        if (at++ === seq) return Buffer.from(bytes)
      }
      return undefined
    } finally {
      file.close()
    }
  }
}

function add(run: Run, seq: number, line: Uint8Array): void {
  const last = run.places.at(-1)
  if (last === undefined || seq - last.seq >= PLACE_EVERY) {
    run.places.push({ seq, offset: run.bytes })
  }
  run.pending.push(line, LF)
  run.bytes += line.length + 1
  run.next = seq + 1
}

function newRun(folder: string, seq: number, line: Uint8Array): Run {
  const segment = { firstSeq: seq, path: join(folder, segmentName(seq)), compressed: false }
  const run = { segment, first: seq, next: seq, bytes: 0, pending: [], isNew: true, places: [] }
  add(run, seq, line)
  return run
}

function runOf(segment: SegmentName): Run {
  const { firstSeq, path } = segment
  const places: Run['places'] = []
  const file = openSegment(segment)
  let next = firstSeq
  let bytes = 0
  try {
    for (const line of linesFrom(file, 0)) {
      if (parseLineHead(line.bytes)?.seq !== next) throw unusable(path)
      if ((next - firstSeq) % PLACE_EVERY === 0) places.push({ seq: next, offset: line.offset })
      next++
      bytes = line.offset + line.length
    }
    if (bytes < file.size) cutOff(file, segment, bytes)
  } finally {
    file.close()
  }
  return { segment, first: firstSeq, next, bytes, pending: [], isNew: false, places }
}

function cutOff(file: ByteFile, { compressed, path }: SegmentName, bytes: number): void {
  if (compressed || file.damage !== undefined) throw unusable(path)
  const fd = openSync(path, 'r+')
  try {
    ftruncateSync(fd, bytes)
  } finally {
    closeSync(fd)
  }
}

function unusable(path: string): AuditError {
  return new AuditError(
    'JOURNAL_UNUSABLE',
    `${path} is not what a restore wrote; restore into an empty folder`,
    { details: { file: path } },
  )
}
