// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { RECORD_BYTES_MAX } from '@spanseal/core'
import { readRange } from '../byte-file.ts'
import type { Acknowledged } from '../cursors.ts'
import { readCursor } from '../cursors.ts'
import { errnoOf } from '../journal-fs.ts'
import { parseLineHead } from '../line-head.ts'
import type { WriterState } from '../liveness.ts'
import { livenessOf, readWriterState } from '../liveness.ts'
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
  const state = readWriterState(at.folder)
  const cursors = sinks.map((sink) => ({ sink, cursor: readCursor(journal, sink, epoch) }))
  const end = saidEnd(at, state) ?? endOf(at)
  if (end === undefined) return unknown(epoch, sinks)
  const gap = state?.gap
  const isLeft = isAlone(state, nowMillis)
  return {
    status: { epoch, ...statusOf(at, { cursors, end, nowMillis, state }) },
    isAlone: isLeft,
    ...(gap === undefined ? {} : { gap: { epoch, ...gap, left: isLeft } }),
  }
}

function unknown(epoch: string, sinks: readonly string[]): LookedAt {
  const acknowledged = Object.fromEntries(sinks.map((sink) => [sink, 0]))
  const nothing = { produced: 0, durable: 0, acknowledged, bytes: 0, compressedBytes: 0 }
  return { status: { epoch, state: 'unknown', ...nothing }, isAlone: false }
}

/** The process of an epoch that ended may live, and delivers it. */
function isAlone(state: WriterState | undefined, nowMillis: number): boolean {
  if (state === undefined) return true
  const { ended: _, ...process } = state
  return livenessOf(process, nowMillis) === 'gone'
}

interface Known {
  readonly cursors: readonly { readonly sink: string; readonly cursor: Acknowledged | undefined }[]
  readonly end: { readonly produced: number; readonly closed: boolean }
  readonly nowMillis: number
  readonly state: WriterState | undefined
}

function statusOf(
  at: SpoolEpoch,
  { cursors, end, nowMillis, state }: Known,
): Omit<EpochStatus, 'epoch'> {
  const { produced, closed } = end
  const acknowledged = Object.fromEntries(
    cursors.map(({ sink, cursor }) => [sink, Math.min(produced, cursor?.position.seq ?? 0)]),
  )
  const oldest = oldestOf(at, cursors, produced)
  return {
    state: stateOf(state, closed, nowMillis),
    ...(state === undefined ? {} : { host: state.host.slice(0, 8), pid: state.pid }),
    produced,
    durable: Math.min(produced, state?.synced ?? (closed ? produced : 0)),
    acknowledged,
    ...bytesOf(at),
    ...(at.marker === undefined ? {} : { deletedBefore: at.marker.size }),
    ...(oldest === undefined ? {} : { oldestUnacknowledgedAt: oldest }),
    ...(state === undefined ? {} : { lastBeat: state.beat }),
    ...(state?.vitals === undefined ? {} : { vitals: state.vitals }),
  }
}

function stateOf(state: WriterState | undefined, closed: boolean, nowMillis: number): EpochState {
  if (closed) return 'closed'
  if (state?.ended !== undefined) return state.ended
  const liveness = livenessOf(state, nowMillis)
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
function saidEnd(
  { segments }: SpoolEpoch,
  state: WriterState | undefined,
): Known['end'] | undefined {
  const { ended, records = 0 } = state ?? {}
  const last = segments.at(-1)
  const fits = ended === 'closed' && last !== undefined && records > last.firstSeq
  return fits ? { produced: records, closed: true } : undefined
}

/** Records by the last whole line; undefined where the folder holds none and no marker. */
function endOf({ marker, segments }: SpoolEpoch): Known['end'] | undefined {
  let found: Known['end'] | undefined
  const last = segments.at(-1)
  if (last !== undefined) {
    const file = openSegment(last)
    try {
      const end = lastLineEnd(file)
      const line = end === undefined ? undefined : lineBefore(file, end)
      const head = line === undefined ? undefined : parseLineHead(line)
      found = { produced: (head?.seq ?? last.firstSeq - 1) + 1, closed: isClose(head?.type) }
    } finally {
      file.close()
    }
  }
  if (marker === undefined || (found !== undefined && found.produced >= marker.size)) return found
  return { produced: marker.size, closed: marker.closed }
}

function isClose(type: string | undefined): boolean {
  return type === 'epoch.close'
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
  const file = openSegment(segment)
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
