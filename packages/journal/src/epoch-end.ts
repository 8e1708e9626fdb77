// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import type { ObservedEpoch } from '@spanseal/core'
import { IncrementalSha256, leafHash, NO_PREV } from '@spanseal/core'
import type { ByteFile } from './byte-file.ts'
import { openRegular, readRange } from './byte-file.ts'
import { linesFrom } from './file-lines.ts'
import { errnoOf } from './journal-fs.ts'
import type { SegmentName } from './journal-layout.ts'
import { CHECKPOINTS_FILE, listSegments } from './journal-layout.ts'
import { parseLineHead } from './line-head.ts'
import { openSegment } from './segment-file.ts'
import type { DeliveredMarker } from './spool/delivered-marker.ts'
import { readMarker } from './spool/delivered-marker.ts'

/** How an epoch lies in its folder. */
export interface EpochEnd {
  /** Records that parse and link. */
  readonly size: number
  /** Leaf of the last of them; 64 zeros where there is none. */
  readonly leaf: string
  /** The last of them is `epoch.close`. */
  readonly closed: boolean
  /** What follows them, and stays where it is. */
  readonly torn?: NonNullable<ObservedEpoch['torn']>
  /** Segment files with records that no checkpoint covers, which may not be synced. */
  readonly unsynced: readonly string[]
}

/** Where a run of records has got to. */
interface Run {
  size: number
  leaf: string
  closed: boolean
}

/** Windows in which the anchor is looked for from the end of a segment. */
const FIRST_WINDOW_BYTES = 256 * 1024
const TAIL_BYTES = 64 * 1024
const CHUNK_BYTES = 1024 * 1024
const ATTEMPTS_MAX = 5

/**
 * Finds how far an epoch reaches: from its last checkpoint on, the longest run of lines that parse
 * and link. Earlier records are the verifier's to judge; start-up must not read them all.
 *
 * Where delivered records were removed it goes on behind them, and where nothing follows, the epoch
 * reaches as far as the marker says.
 */
export function findEpochEnd(folder: string, epoch: string): EpochEnd {
  for (let attempt = 1; ; attempt++) {
    try {
      return endNow(folder, epoch)
    } catch (error) {
      // A segment was removed since it was listed: then there is a marker by now.
      if (errnoOf(error) !== 'ENOENT' || attempt === ATTEMPTS_MAX) throw error
    }
  }
}

function endNow(folder: string, epoch: string): EpochEnd {
  const segments = listSegments(folder)
  // Behind the list: what is removed from there was marked before.
  const marker = readMarker(folder)
  const covered = lastCheckpointSize(join(folder, CHECKPOINTS_FILE), epoch)
  const anchor = covered > 0 ? findAnchor(segments, covered - 1) : undefined
  const found = anchor === undefined ? undefined : follow({ epoch, segments, ...anchor })
  // A checkpoint beyond what is there, or nonsense in its place: from the beginning.
  const reached = found ?? follow({ epoch, segments, index: 0, offset: 0, seq: 0 })
  if (marker !== undefined && marker.size > (reached?.run.size ?? 0)) {
    return behindRemoved(marker, epoch, segments)
  }
  return reached === undefined ? nothing(segments) : endOf(reached, segments)
}

function nothing(segments: readonly SegmentName[]): EpochEnd {
  const run: Run = { size: 0, leaf: NO_PREV, closed: false }
  return endOf({ run, start: 0, index: 0, offset: 0 }, segments)
}

/** The end of an epoch whose records below the marker's size were removed. */
function behindRemoved(
  { size, leaf, closed, torn }: DeliveredMarker,
  epoch: string,
  segments: readonly SegmentName[],
): EpochEnd {
  const run: Run = { size, leaf, closed }
  const index = segments.findIndex(({ firstSeq }) => firstSeq === size)
  const place = { epoch, segments, index, offset: 0, seq: size }
  const reached = index < 0 ? undefined : follow(place, run)
  if (reached !== undefined) return endOf(reached, segments)
  return { ...run, unsynced: [], ...(torn === undefined ? {} : { torn }) }
}

/** Where following the links has ended. */
interface Reached {
  readonly run: Run
  /** Segment in which it began. */
  readonly start: number
  /** Segment in which it ended, and the byte behind the last record. */
  readonly index: number
  readonly offset: number
}

/** A place where a record begins, with its `seq`. */
interface Anchor {
  readonly index: number
  readonly offset: number
  readonly seq: number
}

/** The record `seq`, or one not far before it; searched backwards in the segment that holds it. */
function findAnchor(segments: readonly SegmentName[], seq: number): Anchor | undefined {
  const index = segments.findLastIndex((segment) => segment.firstSeq <= seq)
  const segment = segments[index]
  if (segment === undefined) return undefined
  const file = openSegment(segment)
  try {
    for (let window = FIRST_WINDOW_BYTES; window < file.size; window *= 4) {
      const first = firstRecordFrom(file, file.size - window)
      if (first !== undefined && first.seq <= seq) return { index, ...first }
    }
    return { index, offset: 0, seq: segment.firstSeq }
  } finally {
    file.close()
  }
}

/** The first record that begins behind an arbitrary offset. */
function firstRecordFrom(file: ByteFile, from: number): Omit<Anchor, 'index'> | undefined {
  const lines = linesFrom(file, from)
  lines.next() // the rest of a line that begins before
  const line = lines.next()
  const head = line.done === true ? undefined : parseLineHead(line.value.bytes)
  return line.done === true || head === undefined
    ? undefined
    : { offset: line.value.offset, seq: head.seq }
}

/**
 * Follows the links from an anchor; undefined where there is not even its record.
 *
 * @param before where the records before the anchor ended, if that is known
 */
function follow(
  start: Anchor & { readonly epoch: string; readonly segments: readonly SegmentName[] },
  before?: Run,
): Reached | undefined {
  const { epoch, segments, seq } = start
  let run = before
  let { index, offset } = start
  for (; index < segments.length; index++, offset = 0) {
    const segment = segments[index] as SegmentName
    if (run !== undefined && segment.firstSeq !== run.size) break
    const file = openSegment(segment)
    try {
      for (const line of linesFrom(file, offset)) {
        const next = successor(run, line.bytes, { epoch, seq })
        if (next === undefined) break
        run = next
        offset = line.offset + line.length
      }
      if (offset < file.size || file.damage !== undefined) break
    } finally {
      file.close()
    }
  }
  return run === undefined ? undefined : { run, start: start.index, index, offset }
}

/** The run with one more record, or undefined where the line is not the next record. */
function successor(
  run: Run | undefined,
  line: Uint8Array,
  start: { readonly epoch: string; readonly seq: number },
): Run | undefined {
  const head = parseLineHead(line)
  if (head === undefined || head.epoch !== start.epoch) return undefined
  const links =
    run === undefined
      ? head.seq === start.seq && (head.seq > 0 || head.prev === NO_PREV)
      : head.seq === run.size && head.prev === run.leaf
  if (!links) return undefined
  return { size: head.seq + 1, leaf: leafHash(line), closed: head.type === 'epoch.close' }
}

function endOf({ run, ...at }: Reached, segments: readonly SegmentName[]): EpochEnd {
  const sha = new IncrementalSha256()
  let bytes = 0
  for (const [i, segment] of segments.entries()) {
    if (i < at.index) continue
    const file = openSegment(segment)
    try {
      for (let offset = i === at.index ? at.offset : 0; offset < file.size; ) {
        const chunk = readRange(file, offset, Math.min(CHUNK_BYTES, file.size - offset))
        if (chunk.length === 0) break
        sha.update(chunk)
        bytes += chunk.length
        offset += chunk.length
      }
    } finally {
      file.close()
    }
  }
  const unsynced = segments.slice(at.start).map((segment) => segment.path)
  if (bytes === 0) return { ...run, unsynced }
  return { ...run, unsynced, torn: { bytes, sha256: sha.hex() } }
}

const HEAD_TEXT = /(?:^|\n)(\d{1,6})\n([^\n]{1,300})\n(\d{1,16})\n/g

/** The size in the last whole note of a checkpoints file; 0 where there is none. */
function lastCheckpointSize(path: string, epoch: string): number {
  let file: ByteFile
  try {
    file = openRegular(path)
  } catch {
    return 0
  }
  try {
    const from = Math.max(0, file.size - TAIL_BYTES)
    const tail = readRange(file, from, file.size - from).toString('latin1')
    let last = 0
    for (const match of tail.matchAll(HEAD_TEXT)) {
      const [all, length, origin, size] = match
      const noteStart = match.index + all.indexOf(`${length}\n`) + `${length}\n`.length
      const whole = noteStart + Number(length) <= tail.length
      if (whole && (origin ?? '').endsWith(`/${epoch}`)) last = Number(size)
    }
    return Number.isSafeInteger(last) ? last : 0
  } finally {
    file.close()
  }
}
