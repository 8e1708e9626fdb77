// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError, IncrementalSha256, leafHash, RECORD_BYTES_MAX } from '@spanseal/core'
import { readRange } from '../byte-file.ts'
import type { Acknowledged } from '../cursors.ts'
import { readCursor } from '../cursors.ts'
import type { EpochPosition } from '../epoch-reader.ts'
import type { SegmentName } from '../journal-layout.ts'
import { compressedName, segmentName, segmentsAmong } from '../journal-layout.ts'
import { parseLineHead } from '../line-head.ts'
import { writerSigns } from '../liveness.ts'
import { openSegment } from '../segment-file.ts'
import type { DeliveredMarker } from './delivered-marker.ts'
import { markerAmong } from './delivered-marker.ts'
import { firstLine, lastLineEnd, lineBefore } from './line-tail.ts'

/** An epoch's folder as whoever tends it finds it. */
export interface SpoolEpoch {
  readonly epoch: string
  readonly folder: string
  readonly names: readonly string[]
  readonly segments: readonly SegmentName[]
  readonly marker: DeliveredMarker | undefined
}

/** A segment of which every record was acknowledged. */
export interface DeliveredSegment {
  readonly segment: SegmentName
  /** The first `seq` behind it. */
  readonly end: number
  /** On disk. */
  readonly bytes: number
  /** Unix milliseconds of its last record, about. */
  readonly changedMillis: number
}

/** What a marker says of the end of the last segment that is removed. */
export type SegmentEnd = Pick<DeliveredMarker, 'size' | 'leaf' | 'closed' | 'torn'>

/** Looks at an epoch's folder; undefined where there is no such folder of its own. */
export function spoolEpoch(journal: string, epoch: string): SpoolEpoch | undefined {
  const folder = join(journal, epoch)
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined
  const names = readdirSync(folder)
  const segments = segmentsAmong(names, folder)
  return { epoch, folder, names, segments, marker: markerAmong(names, folder) }
}

/**
 * The segments behind that of `epoch.open` that every named sink has acknowledged whole, oldest
 * first and without a hole. None where `sinks` is empty.
 */
export function deliveredSegments(
  at: SpoolEpoch,
  {
    journal,
    sinks,
    nowMillis,
  }: {
    readonly journal: string
    readonly sinks: readonly string[]
    readonly nowMillis: number
  },
): DeliveredSegment[] {
  const [first, ...rest] = at.segments
  // Without its `epoch.open` it is no epoch that anybody can tell anything of.
  if (first?.firstSeq !== 0 || rest.length === 0 || sinks.length === 0) return []
  const cursors = sinks.map((sink) => readCursor(journal, sink, at.epoch))
  const acknowledged = Math.min(...cursors.map((cursor) => acknowledgedIn(at, cursor)))
  const delivered: DeliveredSegment[] = []
  for (const [i, segment] of rest.entries()) {
    const next = rest[i + 1]
    const end = next?.firstSeq ?? lastEnd(at, cursors, nowMillis)
    if (end === undefined || end > acknowledged) break
    const found = onDisk(at.folder, segment.firstSeq)
    if (found === undefined) break
    delivered.push({ segment, end, ...found })
  }
  return delivered
}

/** Where a segment ends, for the marker: what stands there is checked against what was acknowledged. */
export function segmentEnd({ segment, end }: DeliveredSegment): SegmentEnd {
  const file = openSegment(segment)
  try {
    const offset = lastLineEnd(file)
    const line = offset === undefined ? undefined : lineBefore(file, offset)
    const head = line === undefined ? undefined : parseLineHead(line)
    const isDamaged = file.damage !== undefined || head?.seq !== end - 1
    if (isDamaged || offset === undefined || line === undefined) {
      throw new AuditError(
        'JOURNAL_UNUSABLE',
        `${file.path} does not end with record ${end - 1}, which was delivered; it stays`,
        { details: { file: file.path, seq: end - 1 } },
      )
    }
    const known = { size: end, leaf: leafHash(line), closed: head.type === 'epoch.close' }
    if (offset === file.size) return known
    const rest = readRange(file, offset, file.size - offset)
    const torn = { bytes: rest.length, sha256: new IncrementalSha256().update(rest).hex() }
    return { ...known, torn }
  } finally {
    file.close()
  }
}

/** Records that a sink has acknowledged, as far as its cursor fits what lies here. */
function acknowledgedIn(at: SpoolEpoch, cursor: Acknowledged | undefined): number {
  if (cursor === undefined) return 0
  const { position } = cursor
  return fits(at, position) ? position.seq : 0
}

/** A cursor of another copy of the folder, or of nobody, must not cost a record. */
function fits({ segments, marker }: SpoolEpoch, position: EpochPosition): boolean {
  const { seq, leaf, segment, offset } = position
  if (seq === 0) return false
  if (marker?.size === seq) return marker.leaf === leaf
  const next = segments.find(({ firstSeq }) => firstSeq === seq)
  const line = next === undefined ? undefined : inSegment(next, firstLine)
  if (line !== undefined) return parseLineHead(line)?.prev === leaf
  const own = segments.find(({ firstSeq }) => firstSeq === segment)
  // At the beginning of a segment the record before is the last of the one before.
  const before = offset > 0 ? own : segments.findLast(({ firstSeq }) => firstSeq < segment)
  const last =
    before === undefined
      ? undefined
      : inSegment(before, (file) => lineBefore(file, offset > 0 ? offset : file.size))
  return last !== undefined && leafHash(last) === leaf && parseLineHead(last)?.seq === seq - 1
}

/** Where the last segment ends, once nothing can be added to it and every sink knows. */
function lastEnd(
  { folder, segments }: SpoolEpoch,
  cursors: readonly (Acknowledged | undefined)[],
  nowMillis: number,
): number | undefined {
  const ends = cursors.map((cursor) => (cursor?.done === true ? cursor.position : undefined))
  const [end] = ends
  const last = segments.at(-1)
  if (end === undefined || last === undefined || ends.some((each) => each?.seq !== end.seq)) {
    return undefined
  }
  if (!end.closed && writerSigns(folder, nowMillis).liveness !== 'gone') return undefined
  // One without a record takes no room, and may be all that says where the epoch ended.
  if (end.segment !== last.firstSeq || end.seq === last.firstSeq) return undefined
  // Behind what was delivered there may be the torn end of a crash, and no line.
  return inSegment(last, (file) => {
    const rest = file.size - end.offset
    if (file.damage !== undefined || rest < 0 || rest > RECORD_BYTES_MAX) return undefined
    return readRange(file, end.offset, rest).includes(0x0a) ? undefined : end.seq
  })
}

function inSegment<T>(segment: SegmentName, read: (file: ReturnType<typeof openSegment>) => T): T {
  const file = openSegment(segment)
  try {
    return read(file)
  } finally {
    file.close()
  }
}

/** Bytes and age of a segment in both its forms; undefined where one is no regular file. */
export function onDisk(
  folder: string,
  firstSeq: number,
): Pick<DeliveredSegment, 'bytes' | 'changedMillis'> | undefined {
  let bytes = 0
  let changedMillis = 0
  for (const name of [segmentName(firstSeq), compressedName(firstSeq)]) {
    const stat = lstatSync(join(folder, name), { throwIfNoEntry: false })
    if (stat === undefined) continue
    if (!stat.isFile()) return undefined
    bytes += stat.size
    changedMillis = Math.max(changedMillis, stat.mtimeMs)
  }
  return { bytes, changedMillis }
}
