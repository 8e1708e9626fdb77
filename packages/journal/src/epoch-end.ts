// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { closeSync } from 'node:fs'
import { join } from 'node:path'
import type { ObservedEpoch } from '@spanseal/core'
import { leafHash, NO_PREV, sha256Hex } from '@spanseal/core'
import { linesFrom, openRegular, readRange } from './file-lines.ts'
import type { SegmentName } from './journal-layout.ts'
import { CHECKPOINTS_FILE, listSegments } from './journal-layout.ts'
import { parseLineHead } from './line-head.ts'

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

/**
 * Finds how far an epoch reaches: from its last checkpoint on, the longest run of lines that parse
 * and link. Earlier records are the verifier's to judge; start-up must not read them all.
 */
export function findEpochEnd(folder: string, epoch: string): EpochEnd {
  const segments = listSegments(folder)
  const covered = lastCheckpointSize(join(folder, CHECKPOINTS_FILE), epoch)
  const anchor = covered > 0 ? findAnchor(segments, covered - 1) : undefined
  const found = anchor === undefined ? undefined : follow({ epoch, segments, ...anchor })
  // A checkpoint beyond what is there, or nonsense in its place: from the beginning.
  return found ?? follow({ epoch, segments, index: 0, offset: 0, seq: 0 }) ?? nothing(segments)
}

function nothing(segments: readonly SegmentName[]): EpochEnd {
  const run: Run = { size: 0, leaf: NO_PREV, closed: false }
  return endOf(run, segments, { start: 0, index: 0, offset: 0 })
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
  const { fd, size } = openRegular(segment.path)
  try {
    for (let window = FIRST_WINDOW_BYTES; window < size; window *= 4) {
      const first = firstRecordFrom(fd, size - window)
      if (first !== undefined && first.seq <= seq) return { index, ...first }
    }
    return { index, offset: 0, seq: segment.firstSeq }
  } finally {
    closeSync(fd)
  }
}

/** The first record that begins behind an arbitrary offset. */
function firstRecordFrom(fd: number, from: number): Omit<Anchor, 'index'> | undefined {
  const lines = linesFrom(fd, from)
  lines.next() // the rest of a line that begins before
  const line = lines.next()
  const head = line.done === true ? undefined : parseLineHead(line.value.bytes)
  return line.done === true || head === undefined
    ? undefined
    : { offset: line.value.offset, seq: head.seq }
}

/** Follows the links from an anchor, or undefined where there is not even its record. */
function follow(
  start: Anchor & { readonly epoch: string; readonly segments: readonly SegmentName[] },
): EpochEnd | undefined {
  const { epoch, segments, seq } = start
  let run: Run | undefined
  let { index, offset } = start
  for (; index < segments.length; index++, offset = 0) {
    const segment = segments[index] as SegmentName
    if (run !== undefined && segment.firstSeq !== run.size) break
    const { fd, size } = openRegular(segment.path)
    try {
      for (const line of linesFrom(fd, offset)) {
        const next = successor(run, line.bytes, { epoch, seq })
        if (next === undefined) break
        run = next
        offset = line.offset + line.length
      }
    } finally {
      closeSync(fd)
    }
    if (offset < size) break
  }
  if (run === undefined) return undefined
  return endOf(run, segments, { start: start.index, index, offset })
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

function endOf(
  run: Run,
  segments: readonly SegmentName[],
  at: { readonly start: number; readonly index: number; readonly offset: number },
): EpochEnd {
  const rest: Buffer[] = []
  for (const [i, segment] of segments.entries()) {
    if (i < at.index) continue
    const { fd, size } = openRegular(segment.path)
    const offset = i === at.index ? at.offset : 0
    try {
      if (size > offset) rest.push(readRange(fd, offset, size - offset))
    } finally {
      closeSync(fd)
    }
  }
  const bytes = rest.reduce((sum, part) => sum + part.length, 0)
  const unsynced = segments.slice(at.start).map((segment) => segment.path)
  if (bytes === 0) return { ...run, unsynced }
  return { ...run, unsynced, torn: { bytes, sha256: sha256Hex(Buffer.concat(rest)) } }
}

const HEAD_TEXT = /(?:^|\n)(\d{1,6})\n([^\n]{1,300})\n(\d{1,16})\n/g

/** The size in the last whole note of a checkpoints file; 0 where there is none. */
function lastCheckpointSize(path: string, epoch: string): number {
  let file: { readonly fd: number; readonly size: number }
  try {
    file = openRegular(path)
  } catch {
    return 0
  }
  try {
    const from = Math.max(0, file.size - TAIL_BYTES)
    const tail = readRange(file.fd, from, file.size - from).toString('latin1')
    let last = 0
    for (const match of tail.matchAll(HEAD_TEXT)) {
      const [all, length, origin, size] = match
      const noteStart = match.index + all.indexOf(`${length}\n`) + `${length}\n`.length
      const whole = noteStart + Number(length) <= tail.length
      if (whole && (origin ?? '').endsWith(`/${epoch}`)) last = Number(size)
    }
    return Number.isSafeInteger(last) ? last : 0
  } finally {
    closeSync(file.fd)
  }
}
