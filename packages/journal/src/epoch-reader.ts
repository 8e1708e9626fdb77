// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SealedCheckpoint, SealedRecord } from '@spanseal/core'
import { leafHash, NO_PREV, parseCheckpoint, parseNote, RECORD_BYTES_MAX } from '@spanseal/core'
import type { ByteFile } from './byte-file.ts'
import { openRegular, readRange } from './byte-file.ts'
import { errnoOf } from './journal-fs.ts'
import type { SegmentName } from './journal-layout.ts'
import { CHECKPOINTS_FILE, segmentsAmong } from './journal-layout.ts'
import { parseLineHead } from './line-head.ts'
import { openSegment } from './segment-file.ts'
import type { DeliveredMarker } from './spool/delivered-marker.ts'
import { markerAmong } from './spool/delivered-marker.ts'

/** How far an epoch was read: behind record `seq − 1`. */
export interface EpochPosition {
  /** Of the next record. */
  readonly seq: number
  /** Leaf of the last record read; 64 zeros before the first. */
  readonly leaf: string
  /** The log that `epoch.open` names; empty before the first. */
  readonly log: string
  /** First `seq` of the segment that is being read. */
  readonly segment: number
  /** Byte in that segment, uncompressed. */
  readonly offset: number
  /** Bytes of `checkpoints` read. */
  readonly checkpointBytes: number
  /** Size of the last checkpoint read. */
  readonly checkpointSize: number
  /** The last record read is `epoch.close`. */
  readonly closed: boolean
}

export const START: EpochPosition = {
  seq: 0,
  leaf: NO_PREV,
  log: '',
  segment: 0,
  offset: 0,
  checkpointBytes: 0,
  checkpointSize: 0,
  closed: false,
}

/** Where an epoch cannot be read on although there are bytes: it was damaged. */
export interface StuckEpoch {
  readonly epoch: string
  /** The record that should stand there. */
  readonly seq: number
  readonly file: string
  readonly byteOffset: number
  readonly reason: string
}

export interface EpochPiece {
  readonly records: readonly SealedRecord[]
  readonly checkpoints: readonly SealedCheckpoint[]
  readonly position: EpochPosition
  /** Bytes of the records' lines. */
  readonly bytes: number
  readonly stuck?: StuckEpoch
  /** Whole lines end here: what follows, if anything, is being written or is torn. */
  readonly atEnd: boolean
}

interface EpochPlace {
  readonly folder: string
  readonly epoch: string
  readonly from: EpochPosition
}

interface Budget {
  readonly recordCountMax: number
  readonly bytesMax: number
}

/**
 * Reads on in one epoch: whole lines that link, and the checkpoints over what was read. Stateless,
 * so that reading again from an earlier position is nothing special.
 */
export function readEpoch(where: EpochPlace, budget: Budget): EpochPiece {
  return new EpochReader(where).read(budget)
}

/** Segments that may vanish under one reading before it fails. */
const VANISHED_MAX = 100

class EpochReader {
  readonly #folder: string
  readonly #epoch: string
  readonly #records: SealedRecord[] = []
  #at: EpochPosition
  #bytes = 0
  #stuck: StuckEpoch | undefined
  #atEnd = false
  /** What the folder says of records that are not there. */
  #removed: DeliveredMarker | undefined

  constructor({ folder, epoch, from }: EpochPlace) {
    this.#folder = folder
    this.#epoch = epoch
    this.#at = from
  }

  read(budget: Budget): EpochPiece {
    let segments = this.#list()
    for (let vanished = 0; !this.#atEnd && this.#stuck === undefined && this.#room(budget); ) {
      const index = segments.findIndex(({ firstSeq }) => firstSeq === this.#at.segment)
      const segment = segments[index]
      if (segment === undefined) {
        if (this.#skipRemoved(segments)) continue
        break
      }
      try {
        this.#readSegment(segment, segments[index + 1], budget)
      } catch (error) {
        // Removed since it was listed: nobody removes what was not delivered, so look again.
        const code = errnoOf(error)
        if (code === 'ENOENT' && vanished++ < VANISHED_MAX) segments = this.#list()
        else this.#stop(segment.path, `cannot be read (${code ?? 'no regular file'})`)
      }
    }
    const checkpoints = this.#checkpoints()
    const { position, stuck } = { position: this.#at, stuck: this.#stuck }
    const piece = { records: this.#records, checkpoints, position, bytes: this.#bytes }
    return { ...piece, atEnd: this.#atEnd, ...(stuck === undefined ? {} : { stuck }) }
  }

  /**
   * Goes on behind segments that were removed after delivery, where that is where we stand.
   *
   * @returns whether there is a segment to go on with
   */
  #skipRemoved(segments: readonly SegmentName[]): boolean {
    const { seq } = this.#at
    // The links tell whether it really goes on there.
    if (segments.some(({ firstSeq }) => firstSeq === seq)) {
      this.#at = { ...this.#at, segment: seq, offset: 0 }
      return true
    }
    if (this.#removed !== undefined && this.#removed.size >= seq) this.#end(this.#folder)
    else if (segments.length > 0) this.#stop(this.#folder, 'the segment to go on with is missing')
    return false
  }

  #list(): SegmentName[] {
    const names = readdirSync(this.#folder)
    this.#removed = markerAmong(names, this.#folder)
    return segmentsAmong(names, this.#folder)
  }

  /** Nothing follows here: the epoch's end so far, if what followed was not removed. */
  #end(file: string): void {
    const { seq } = this.#at
    if (this.#removed === undefined || this.#removed.size <= seq) {
      this.#atEnd = true
      return
    }
    const { sinks, size } = this.#removed
    const what = `records ${seq} to ${size - 1} were removed after delivery to ${sinks.join(', ')}`
    this.#stop(file, what)
  }

  #room({ recordCountMax, bytesMax }: Budget): boolean {
    return this.#records.length < recordCountMax && this.#bytes < bytesMax
  }

  #readSegment(segment: SegmentName, next: SegmentName | undefined, budget: Budget): void {
    const file = openSegment(segment)
    let rest: number
    let cut: boolean
    try {
      const before = this.#at.offset
      if (file.size < before) {
        return this.#stop(file.path, file.damage ?? 'shorter than what was read before')
      }
      const window = this.#bytesWanted(budget) + RECORD_BYTES_MAX + 1
      const length = Math.min(file.size - before, window)
      cut = length === window
      rest = this.#takeLines(file.path, readRange(file, before, length), budget)
    } finally {
      file.close()
    }
    const reached = this.#at.offset >= file.size
    if (this.#stuck !== undefined || !this.#room(budget)) return
    // There is more than was looked at.
    if (cut && rest <= RECORD_BYTES_MAX) return
    if (file.damage !== undefined) {
      this.#stop(file.path, file.damage)
    } else if (reached && next?.firstSeq === this.#at.seq) {
      this.#at = { ...this.#at, segment: next.firstSeq, offset: 0 }
    } else if (next !== undefined && reached && (this.#removed?.size ?? 0) > this.#at.seq) {
      this.#end(file.path)
    } else if (next !== undefined) {
      this.#stop(
        file.path,
        reached ? 'the next segment is missing' : 'torn before the last segment',
      )
    } else if (rest > RECORD_BYTES_MAX) {
      this.#stop(file.path, 'a line longer than a record may be')
    } else {
      this.#end(file.path)
    }
  }

  /**
   * About what the budget's records come to, by what they took in this segment so far: reading more
   * of short records than is handed out costs as much as all the rest.
   */
  #bytesWanted({ recordCountMax, bytesMax }: Budget): number {
    const { offset, segment, seq } = this.#at
    if (seq === segment) return bytesMax
    const lineBytes = offset / (seq - segment)
    return Math.min(bytesMax, Math.ceil(recordCountMax * lineBytes * 1.1))
  }

  /** @returns how many bytes without LF are left over */
  #takeLines(file: string, buffer: Buffer, budget: Budget): number {
    let start = 0
    while (this.#records.length < budget.recordCountMax) {
      const lf = buffer.indexOf(0x0a, start)
      if (lf < 0) break
      const line = buffer.subarray(start, lf)
      const full = this.#records.length > 0 && this.#bytes + line.length > budget.bytesMax
      if (full) {
        this.#bytes = budget.bytesMax // the next line does not fit: no room
        break
      }
      if (!this.#take(line)) {
        this.#stop(file, 'a line that is not the next record')
        break
      }
      start = lf + 1
    }
    return buffer.length - start
  }

  #take(line: Buffer): boolean {
    const { seq, leaf: prev, offset } = this.#at
    const log = this.#at.log === '' ? parseLineHead(line)?.log : this.#at.log
    if (log === undefined || line.length > RECORD_BYTES_MAX) return false
    const epoch = this.#epoch
    // A string inside the record cannot hold this text: its quotes would be escaped.
    const chain = `"chain":{"epoch":"${epoch}","log":"${log}","prev":"${prev}","seq":${seq}}`
    if (!line.includes(chain, 0, 'latin1')) return false
    const kind = kindOf(line)
    if (kind === undefined) return false
    const leaf = leafHash(line)
    this.#records.push({ log, epoch, seq, leaf, ...kind, line })
    this.#bytes += line.length
    const closed = kind.type === 'epoch.close'
    this.#at = { ...this.#at, seq: seq + 1, leaf, log, offset: offset + line.length + 1, closed }
    return true
  }

  #stop(file: string, reason: string): void {
    const { seq, offset } = this.#at
    this.#stuck = { epoch: this.#epoch, seq, file, byteOffset: offset, reason }
  }

  /** The checkpoints that cover no more than what was read. */
  #checkpoints(): SealedCheckpoint[] {
    const found: SealedCheckpoint[] = []
    let file: ByteFile
    try {
      file = openRegular(join(this.#folder, CHECKPOINTS_FILE))
    } catch {
      return found
    }
    try {
      const from = this.#at.checkpointBytes
      const bytes = readRange(file, from, Math.min(file.size - from, CHECKPOINT_BYTES_MAX))
      for (const { note, size, end } of notesIn(bytes, `${this.#at.log}/${this.#epoch}`)) {
        if (size > this.#at.seq) break
        found.push({ log: this.#at.log, epoch: this.#epoch, size, note })
        this.#at = { ...this.#at, checkpointBytes: from + end, checkpointSize: size }
      }
    } finally {
      file.close()
    }
    return found
  }
}

/** Bytes of checkpoints read in one go: some hundred. */
const CHECKPOINT_BYTES_MAX = 64 * 1024

/** Whole notes from the beginning of `bytes`; ends at the first that is none of `origin`'s. */
function* notesIn(
  bytes: Buffer,
  origin: string,
): Generator<{ readonly note: string; readonly size: number; readonly end: number }> {
  for (let start = 0; ; ) {
    const lf = bytes.indexOf(0x0a, start)
    const digits = lf < 0 ? '' : bytes.toString('latin1', start, lf)
    const end = lf + 1 + Number(digits)
    if (!/^[1-9]\d{0,5}$/.test(digits) || end > bytes.length) return
    const note = bytes.toString('utf8', lf + 1, end)
    try {
      const checkpoint = parseCheckpoint(parseNote(note).text)
      if (checkpoint.origin !== origin) return
      yield { note, size: checkpoint.size, end }
    } catch {
      return
    }
    start = end
  }
}

const TAIL =
  /(?:"trace":\{(?:"parent_span_id":"[0-9a-f]{16}",)?"span_id":"([0-9a-f]{16})",(?:"synthetic":true,)?"trace_id":"([0-9a-f]{32})"\},)?"type":"([a-z._]{1,64})","v":\d+\}$/
/** Trace, type and version stand last in a canonical line, in at most this many bytes. */
const TAIL_BYTES = 256

/** Type and trace of a line that is known to link; parses it only where it looks unusual. */
function kindOf(line: Buffer): Pick<SealedRecord, 'type' | 'traceparent'> | undefined {
  const tail = line.toString('latin1', Math.max(0, line.length - TAIL_BYTES))
  const [, spanId, traceId, type] = TAIL.exec(tail) ?? []
  if (type !== undefined && traceId !== undefined) {
    return { type, traceparent: `00-${traceId}-${spanId}-01` }
  }
  if (type?.startsWith('epoch.') === true) return { type }
  const head = parseLineHead(line)
  if (head === undefined) return undefined
  return head.traceparent === undefined
    ? { type: head.type }
    : { type: head.type, traceparent: head.traceparent }
}
