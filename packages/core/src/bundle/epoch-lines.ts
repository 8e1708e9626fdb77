// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import { leafHashOfFrame } from '../hash.ts'
import type { EpochOpen } from '../record.ts'
import type { EpochBytes, SegmentBytes } from '../verify/input.ts'
import type { Line } from '../verify/lines.ts'
import { LineSplitter } from '../verify/lines.ts'
import { RecordReader } from '../verify/read-record.ts'

/** Sees a line and the `seq` that its place gives it; the line is valid until it returns. */
export type LineVisitor = (line: Line, seq: number) => 'go on' | 'stop'

/**
 * Shows the whole lines of an epoch in their order, from the segment on that holds `from`: the first
 * ones may be before it. What no LF ends is left out.
 */
export async function walkLines(
  epoch: EpochBytes,
  from: number,
  visit: LineVisitor,
): Promise<void> {
  const splitter = new LineSplitter()
  let seq = 0
  for (const segment of await segmentsFrom(epoch, from)) {
    seq = segment.firstSeq ?? seq
    splitter.begin()
    for await (const chunk of segment.chunks()) {
      splitter.push(chunk)
      for (let line = splitter.next(); line !== undefined; line = splitter.next()) {
        if (visit(line, seq++) === 'stop') return
      }
    }
  }
}

/**
 * The leaf hashes of an epoch's records from `seq` 0 on, 64 hex digits each, as far as whole lines
 * follow each other: what a `leaves` file holds. Nothing is checked.
 *
 * @returns how many there were
 */
export async function walkLeaves(
  epoch: EpochBytes,
  visit: (leafHex: string, seq: number) => 'go on' | 'stop',
): Promise<number> {
  let next = 0
  await walkLines(epoch, 0, (line, seq) => {
    if (seq !== next || line.tooLong) return 'stop'
    return visit(leafOf(line), next++)
  })
  return next
}

/** The byte before a line is free to be overwritten. */
export function leafOf({ bytes, start, end }: Line): string {
  return leafHashOfFrame(bytes.subarray(start - 1), end - start + 1)
}

async function segmentsFrom(epoch: EpochBytes, seq: number): Promise<SegmentBytes[]> {
  const all: SegmentBytes[] = []
  for await (const segment of epoch.segments()) all.push(segment)
  const first = all.findLastIndex(({ firstSeq = Infinity }) => firstSeq <= seq)
  return all.slice(Math.max(0, first))
}

/** One line, from the segment that holds it. */
export async function lineOf(epoch: EpochBytes, wanted: number): Promise<string | undefined> {
  let found: string | undefined
  await walkLines(epoch, wanted, (line, seq) => {
    if (seq < wanted) return 'go on'
    if (seq === wanted && !line.tooLong) found = line.bytes.toString('utf8', line.start, line.end)
    return 'stop'
  })
  return found
}

/** The `epoch.open` of an epoch.
 *
 * @throws AuditError `JOURNAL_UNUSABLE` where it does not begin with one
 */
export async function readOpen(epoch: EpochBytes): Promise<EpochOpen> {
  const line = Buffer.from((await lineOf(epoch, 0)) ?? '', 'utf8')
  const { length } = line
  const place = { bytes: line, start: 0, end: length, number: 1, byteOffset: 0, length }
  const read = new RecordReader().read({ ...place, tooLong: false, ended: true })
  const record = read.kind === 'record' ? read.record : undefined
  if (record?.type === 'epoch.open') return record
  throw new AuditError(
    'JOURNAL_UNUSABLE',
    `${epoch.name}: the epoch does not begin with a readable epoch.open`,
  )
}
