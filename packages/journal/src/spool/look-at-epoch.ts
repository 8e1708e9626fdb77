// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { RECORD_BYTES_MAX } from '@spanseal/core'
import type { ByteFile } from '../byte-file.ts'
import { readRange } from '../byte-file.ts'
import type { Acknowledged } from '../cursors.ts'
import { readCursor } from '../cursors.ts'
import type { OpenGap } from '../gap.ts'
import { errnoOf, isShortage } from '../journal-fs.ts'
import type { SegmentName } from '../journal-layout.ts'
import { gapClaimOf } from '../journal-layout.ts'
import { parseLineHead } from '../line-head.ts'
import type { WriterSigns, WriterState } from '../liveness.ts'
import { livenessOf, writerSigns } from '../liveness.ts'
import { openSegment } from '../segment-file.ts'
import type { SpoolEpoch } from './delivered-segments.ts'
import { onDisk, spoolEpoch } from './delivered-segments.ts'
import type { EpochGap, EpochState, EpochStatus } from './journal-status.ts'
import { lastLineEnd, lineBefore } from './line-tail.ts'

export interface LookedAt {
  readonly status: EpochStatus
  /** No process delivers it of itself: its writer is gone. */
  readonly isAlone: boolean
  readonly gap?: EpochGap
}

const ATTEMPTS_MAX = 5
/** Segments without a record that are passed over, from the last on. */
const PASSED_OVER_MAX = 64
/** The chain alone takes more of a record's line: no segment holds more records than fit. */
const RECORD_BYTES_MIN = 128

interface Look {
  readonly journal: string
  readonly epoch: string
  readonly sinks: readonly string[]
  readonly nowMillis: number
}

/** How one epoch stands; one that cannot be read is `unknown`. */
export function lookAt(look: Look): LookedAt {
  for (let attempt = 1; ; attempt++) {
    try {
      return lookNow(look)
    } catch (error) {
      // A segment was removed since it was listed: then there is a marker by now.
      const isOnce = errnoOf(error) === 'ENOENT' && attempt < ATTEMPTS_MAX
      if (!isOnce) return unknown(look.epoch, look.sinks)
    }
  }
}

function lookNow({ journal, epoch, sinks, nowMillis }: Look): LookedAt {
  const at = spoolEpoch(journal, epoch)
  if (at === undefined) return unknown(epoch, sinks)
  const signs = writerSigns(at.folder, nowMillis)
  const { state } = signs
  // Before the end is looked for: an epoch that grows meanwhile leaves no cursor ahead of it.
  const cursors = sinks.map((sink) => ({ sink, cursor: readCursor(journal, sink, epoch) }))
  const end = saidEnd(at, state) ?? endOf(at)
  if (end === undefined) return unknown(epoch, sinks)
  const gap = state?.gap
  const isLeft = isAlone(signs, nowMillis)
  // A later epoch tells it.
  const isTaken = at.names.some((name) => gapClaimOf(name) !== undefined)
  return {
    status: { epoch, ...statusOf(at, { cursors, end, signs }) },
    isAlone: isLeft,
    ...(gap === undefined || isTaken ? {} : { gap: gapOf(epoch, gap, isLeft) }),
  }
}

function gapOf(epoch: string, gap: OpenGap, left: boolean): EpochGap {
  const { records, refused, since } = gap
  return { epoch, records, refused, since, left }
}

function unknown(epoch: string, sinks: readonly string[]): LookedAt {
  const acknowledged = Object.fromEntries(sinks.map((sink) => [sink, 0]))
  const nothing = { produced: 0, durable: 0, acknowledged, bytes: 0, compressedBytes: 0 }
  return { status: { epoch, state: 'unknown', ...nothing }, isAlone: false }
}

/** The process of an epoch that ended may live, and delivers it. */
function isAlone({ state, liveness }: WriterSigns, nowMillis: number): boolean {
  if (state === undefined) return liveness !== 'live'
  const { ended: _, ...process } = state
  return livenessOf(process, nowMillis) === 'gone'
}

interface Known {
  readonly cursors: readonly { readonly sink: string; readonly cursor: Acknowledged | undefined }[]
  readonly end: EpochReach
  readonly signs: WriterSigns
}

/** How far an epoch reaches, as far as its files tell. */
interface EpochReach {
  readonly produced: number
  readonly closed: boolean
  /** There is something behind it that cannot be read. */
  readonly damaged: boolean
}

function statusOf(at: SpoolEpoch, { cursors, end, signs }: Known): Omit<EpochStatus, 'epoch'> {
  const { produced, closed } = end
  const { state } = signs
  const acknowledged = Object.fromEntries(
    cursors.map(({ sink, cursor }) => [sink, Math.min(produced, cursor?.position.seq ?? 0)]),
  )
  const ahead = cursors.flatMap(({ sink, cursor }) => {
    const seq = cursor?.position.seq ?? 0
    return seq > produced ? [[sink, seq] as const] : []
  })
  const oldest = oldestOf(at, cursors, produced)
  return {
    state: stateOf(signs, end),
    ...(state === undefined ? {} : { host: state.host.slice(0, 8), pid: state.pid }),
    produced,
    durable: Math.min(produced, state?.synced ?? (closed ? produced : 0)),
    acknowledged,
    ...(ahead.length === 0 ? {} : { ahead: Object.fromEntries(ahead) }),
    ...bytesOf(at),
    ...(at.marker === undefined ? {} : { deletedBefore: at.marker.size }),
    ...(oldest === undefined ? {} : { oldestUnacknowledgedAt: oldest }),
    ...(state === undefined ? {} : { lastBeat: state.beat }),
    ...(state?.vitals === undefined ? {} : { vitals: state.vitals }),
  }
}

function stateOf({ state, liveness }: WriterSigns, { closed, damaged }: EpochReach): EpochState {
  if (damaged) return 'unknown'
  if (closed) return 'closed'
  if (state?.ended !== undefined) return state.ended
  return liveness === 'gone' ? 'crashed' : liveness
}

function bytesOf({ folder, segments }: SpoolEpoch): {
  readonly bytes: number
  readonly compressedBytes: number
} {
  let bytes = 0
  let compressedBytes = 0
  for (const { compressed, firstSeq } of segments) {
    const found = onDisk(folder, firstSeq)?.bytes ?? 0
    bytes += found
    if (compressed) compressedBytes += found
  }
  return { bytes, compressedBytes }
}

/** What the writer said when it closed the epoch; so that old epochs cost no look into their files. */
function saidEnd({ segments }: SpoolEpoch, state: WriterState | undefined): EpochReach | undefined {
  const { ended, records = 0 } = state ?? {}
  const last = segments.at(-1)
  const fits = ended === 'closed' && last !== undefined && records > last.firstSeq
  return fits ? { produced: records, closed: true, damaged: false } : undefined
}

/** Records by the last line that is one; undefined where the folder holds no segment and no marker. */
function endOf({ epoch, marker, segments }: SpoolEpoch): EpochReach | undefined {
  if (segments.length === 0 && marker === undefined) return undefined
  let end: Omit<EpochReach, 'damaged'> = { produced: 0, closed: false }
  let damaged = segments.length > 0
  for (const [i, segment] of segments.slice(-PASSED_OVER_MAX).reverse().entries()) {
    const found = endIn(segment, epoch)
    if (i === 0) damaged = false
    if (found === 'damaged') damaged = true
    if (typeof found !== 'object') continue
    end = found
    break
  }
  if (marker === undefined || end.produced >= marker.size) return { ...end, damaged }
  return { produced: marker.size, closed: marker.closed, damaged }
}

/**
 * Where a segment's records end; what its name says counts for nothing without a record. `none`: it
 * holds no whole line, as one that was just begun.
 */
function endIn(
  segment: SegmentName,
  epoch: string,
): Omit<EpochReach, 'damaged'> | 'none' | 'damaged' {
  let file: ByteFile
  try {
    file = openSegment(segment)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || isShortage(error)) throw error
    return 'damaged'
  }
  try {
    const end = lastLineEnd(file)
    if (end === 0 && file.damage === undefined) return 'none'
    const line = end === undefined ? undefined : lineBefore(file, end)
    const head = line === undefined ? undefined : parseLineHead(line)
    if (head === undefined || head.epoch !== epoch) return 'damaged'
    const nth = head.seq - segment.firstSeq
    if (nth < 0 || nth > file.size / RECORD_BYTES_MIN) return 'damaged'
    return { produced: head.seq + 1, closed: head.type === 'epoch.close' }
  } finally {
    file.close()
  }
}

/** The time of the first record that not every sink has. */
function oldestOf(
  { segments }: SpoolEpoch,
  cursors: Known['cursors'],
  produced: number,
): number | undefined {
  const positions = cursors.map(({ cursor }) => cursor?.position)
  const seq = Math.min(...positions.map((position) => position?.seq ?? 0))
  if (seq >= produced) return undefined
  const position = positions.find((each) => (each?.seq ?? 0) === seq)
  const inside = segments.find(({ firstSeq }) => firstSeq === (position?.segment ?? 0))
  const next = segments.find(({ firstSeq }) => firstSeq === seq)
  const segment = next ?? inside
  if (segment === undefined) return undefined
  let file: ByteFile
  try {
    file = openSegment(segment)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || isShortage(error)) throw error
    return undefined
  }
  try {
    const offset = next === undefined ? (position?.offset ?? 0) : 0
    const bytes = readRange(
      file,
      offset,
      Math.max(0, Math.min(file.size - offset, RECORD_BYTES_MAX)),
    )
    const lf = bytes.indexOf(0x0a)
    const head = lf < 0 ? undefined : parseLineHead(bytes.subarray(0, lf))
    const millis = Date.parse(head?.at ?? '')
    return Number.isNaN(millis) ? undefined : millis
  } finally {
    file.close()
  }
}
