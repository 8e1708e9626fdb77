// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { statSync } from 'node:fs'
import { join } from 'node:path'
import type {
  Batch,
  BatchLimits,
  RecordSource,
  SealedCheckpoint,
  SealedRecord,
} from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import type { ByteFile } from './byte-file.ts'
import { readRange } from './byte-file.ts'
import type { Cursors } from './cursors.ts'
import { FileCursors, memoryCursors } from './cursors.ts'
import type { EpochPiece, EpochPosition, StuckEpoch } from './epoch-reader.ts'
import { readEpoch } from './epoch-reader.ts'
import { errnoOf } from './journal-fs.ts'
import type { SegmentName } from './journal-layout.ts'
import { CURSORS_FOLDER, listEpochs, listSegments, SINK_NAME } from './journal-layout.ts'
import { writerSigns } from './liveness.ts'
import { openSegment } from './segment-file.ts'

export interface JournalSourceOptions {
  /** Names the cursor: `[a-z0-9-]{1,64}`, one for each sink of the journal. */
  readonly sinkName: string
  /**
   * The writer beside which this source runs: then only its epochs are read and those whose writers
   * are gone, and other living processes deliver theirs. Default: all epochs.
   */
  readonly own?: { readonly epochs: ReadonlySet<string> }
  /** `memory` begins at the beginning every time and writes nothing; default `file`. */
  readonly cursor?: 'file' | 'memory'
  /** How often to look for new epochs, and for writers that are gone; default 1,000. */
  readonly rescanMillis?: number
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
}

/** A journal as a source for `pump`. */
export interface JournalSource extends RecordSource {
  /** Says that there may be more: ends a `wait` at once. */
  notify(): void
  /**
   * Records that are not committed yet, of the epochs that this source delivers: whole lines are
   * counted, also behind a place where an epoch is `stuck`, which counts for one at least. Reads what
   * was written since the last call.
   */
  pendingRecords(): number
  /** Those of them that lie behind such a place, as of the last `pendingRecords`: waiting is no use. */
  heldBackRecords(): number
  /** Epochs that cannot be read on because they were damaged; the torn end of a crash is none. */
  stuck(): readonly StuckEpoch[]
}

interface Progress {
  committed: EpochPosition
  read: EpochPosition
  /** How far whole lines were counted, so that counting again reads only what is new. */
  counted: LineCount
}

const COUNT_CHUNK_BYTES = 1024 * 1024
/** The chain alone takes more of a record: a later segment's name is believed no further. */
const LINE_BYTES_MIN = 128

/**
 * The records and checkpoints of a journal, from the sink's cursor on: epoch by epoch in order of
 * age, and each batch begins with the epoch behind the one that the last batch ended with, so that
 * none waits for another to be delivered whole. Hands out only whole lines that link to what it
 * handed out before, and a checkpoint never before the records that it covers. Never keeps the
 * process alive.
 *
 * @throws AuditError `INVALID_OPTION` when `sinkName` cannot name a cursor
 * @throws AuditError `JOURNAL_UNUSABLE` when the folder cannot be read, or its cursors not be made
 */
export function journalSource(journal: string, options: JournalSourceOptions): JournalSource {
  if (!SINK_NAME.test(options.sinkName)) {
    const given = JSON.stringify(options.sinkName)
    throw new AuditError('INVALID_OPTION', `sinkName: ${given} given, expected [a-z0-9-]{1,64}`, {
      details: { option: 'sinkName' },
    })
  }
  try {
    if (!statSync(journal).isDirectory()) throw new Error('is not a folder')
    const cursors =
      options.cursor === 'memory'
        ? memoryCursors()
        : new FileCursors(join(journal, CURSORS_FOLDER, options.sinkName))
    return new FolderSource(journal, cursors, options)
  } catch (cause) {
    const why = errnoOf(cause) ?? (cause instanceof Error ? cause.message : '')
    throw new AuditError(
      'JOURNAL_UNUSABLE',
      `journal: ${journal} cannot be delivered from (${why})`,
      {
        cause,
        details: { option: 'journal', file: journal },
      },
    )
  }
}

class FolderSource implements JournalSource {
  readonly readsAhead = true
  readonly #journal: string
  readonly #cursors: Cursors
  readonly #options: JournalSourceOptions
  readonly #now: () => number
  readonly #done: Set<string>
  /** Not delivered to their ends, oldest first. */
  #epochs: string[] = []
  /** The last batch ended with it. */
  #lastRead = ''
  readonly #progress = new Map<string, Progress>()
  readonly #stuck = new Map<string, StuckEpoch>()
  readonly #positions = new WeakMap<Batch, ReadonlyMap<string, EpochPosition>>()
  readonly #waiting = new Set<() => void>()
  #scannedAtMillis = Number.NEGATIVE_INFINITY
  #ownCount = -1
  #heldBack = 0
  #notified = false

  constructor(journal: string, cursors: Cursors, options: JournalSourceOptions) {
    this.#journal = journal
    this.#cursors = cursors
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#done = cursors.done()
  }

  async read(limits: BatchLimits): Promise<Batch | undefined> {
    this.#scan()
    const records: SealedRecord[] = []
    const checkpoints: SealedCheckpoint[] = []
    const positions = new Map<string, EpochPosition>()
    let bytesLeft = limits.bytesMax
    for (const epoch of this.#inTurn()) {
      const recordCountMax = limits.recordCountMax - records.length
      if (recordCountMax <= 0 || bytesLeft <= 0) break
      const progress = this.#progressOf(epoch)
      const budget = { recordCountMax, bytesMax: bytesLeft }
      const piece = this.#readOn(epoch, progress, budget)
      if (piece === undefined) continue
      if (piece.records.length + piece.checkpoints.length > 0) {
        records.push(...piece.records)
        checkpoints.push(...piece.checkpoints)
        bytesLeft -= piece.bytes
        positions.set(epoch, piece.position)
        this.#lastRead = epoch
        progress.read = piece.position
      } else if (progress.read === progress.committed) {
        await this.#finishIfOver(epoch, progress, piece.atEnd)
      }
    }
    if (positions.size === 0) return undefined
    const batch = { records, checkpoints }
    this.#positions.set(batch, positions)
    return batch
  }

  /** The epochs from the one behind the last that was read on, and from the first to that one. */
  #inTurn(): string[] {
    const next = this.#epochs.findIndex((epoch) => epoch > this.#lastRead)
    return next <= 0 ? this.#epochs : [...this.#epochs.slice(next), ...this.#epochs.slice(0, next)]
  }

  async commit(batch: Batch): Promise<void> {
    for (const [epoch, position] of this.#positions.get(batch) ?? []) {
      const progress = this.#progress.get(epoch)
      if (progress === undefined || !isBehind(progress.committed, position)) continue
      await this.#cursors.save(epoch, position)
      progress.committed = position
    }
  }

  rewind(): Promise<void> {
    for (const progress of this.#progress.values()) progress.read = progress.committed
    return Promise.resolve()
  }

  wait(timeoutMillis: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || this.#notified) {
        this.#notified = false
        return resolve()
      }
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMillis)
      timer.unref()
      signal.addEventListener('abort', done)
      this.#waiting.add(done)
    })
  }

  notify(): void {
    if (this.#waiting.size === 0) this.#notified = true
    for (const done of [...this.#waiting]) done()
  }

  pendingRecords(): number {
    this.#scannedAtMillis = Number.NEGATIVE_INFINITY
    this.#scan()
    let pending = 0
    let heldBack = 0
    for (const epoch of this.#epochs) {
      const progress = this.#progressOf(epoch)
      progress.counted = countLines(join(this.#journal, epoch), furthest(progress))
      const { committed, counted, read } = progress
      const behind = this.#stuck.has(epoch) ? Math.max(1, counted.seq - read.seq) : 0
      pending += behind > 0 ? read.seq - committed.seq + behind : counted.seq - committed.seq
      heldBack += behind
    }
    this.#heldBack = heldBack
    return pending
  }

  heldBackRecords(): number {
    return this.#heldBack
  }

  stuck(): readonly StuckEpoch[] {
    return [...this.#stuck.values()]
  }

  close(): Promise<void> {
    this.notify()
    return Promise.resolve()
  }

  #scan(): void {
    const { own, rescanMillis = 1_000 } = this.#options
    const now = this.#now()
    const ownCount = own?.epochs.size ?? 0
    if (ownCount === this.#ownCount && Math.abs(now - this.#scannedAtMillis) < rescanMillis) return
    this.#scannedAtMillis = now
    this.#ownCount = ownCount
    const isOurs = (epoch: string): boolean => {
      if (own === undefined || own.epochs.has(epoch) || this.#progress.has(epoch)) return true
      return writerSigns(join(this.#journal, epoch), now).liveness !== 'live'
    }
    this.#epochs = listEpochs(this.#journal).filter(
      (epoch) => !this.#done.has(epoch) && isOurs(epoch),
    )
  }

  #progressOf(epoch: string): Progress {
    let progress = this.#progress.get(epoch)
    if (progress === undefined) {
      const committed = this.#cursors.load(epoch)
      progress = { committed, read: committed, counted: committed }
      this.#progress.set(epoch, progress)
    }
    return progress
  }

  // One epoch that cannot be read must not hold up the others.
  #readOn(epoch: string, progress: Progress, budget: BatchLimits): EpochPiece | undefined {
    const folder = join(this.#journal, epoch)
    try {
      const piece = readEpoch({ folder, epoch, from: progress.read }, budget)
      if (piece.stuck === undefined) this.#stuck.delete(epoch)
      else this.#stuck.set(epoch, piece.stuck)
      return piece
    } catch (error) {
      const { seq, offset } = progress.read
      const reason = `cannot be read (${errnoOf(error) ?? 'unknown'})`
      this.#stuck.set(epoch, { epoch, seq, file: folder, byteOffset: offset, reason })
      return undefined
    }
  }

  /** An epoch to which nothing can be added any more needs not be looked at again. */
  async #finishIfOver(epoch: string, progress: Progress, atEnd: boolean): Promise<void> {
    if (!atEnd) return
    const { committed } = progress
    const ended = committed.closed && committed.checkpointSize === committed.seq
    const folder = join(this.#journal, epoch)
    if (!ended && writerSigns(folder, this.#now()).liveness !== 'gone') return
    // It may have written between our reading and its end.
    const last = this.#readOn(epoch, progress, { recordCountMax: 1, bytesMax: 1 })
    if (last?.atEnd !== true || last.records.length + last.checkpoints.length > 0) return
    await this.#cursors.finish(epoch, committed)
    this.#done.add(epoch)
    this.#progress.delete(epoch)
    this.#scannedAtMillis = Number.NEGATIVE_INFINITY
  }
}

function isBehind(a: EpochPosition, b: EpochPosition): boolean {
  return a.seq < b.seq || a.checkpointBytes < b.checkpointBytes
}

/** Whole lines of an epoch up to a place, which may lie within a line. */
type LineCount = Pick<EpochPosition, 'seq' | 'segment' | 'offset'>

function furthest({ read, counted }: Progress): LineCount {
  return read.seq > counted.seq ? read : counted
}

/** Counts on to the end of the last segment, past what cannot be read. */
function countLines(folder: string, from: LineCount): LineCount {
  let count = from
  try {
    const segments = listSegments(folder)
    for (const [i, each] of segments.entries()) {
      if (each.firstSeq < count.segment) continue
      if (each.firstSeq > count.segment) count = { ...count, segment: each.firstSeq, offset: 0 }
      count = countOn(each, segments[i + 1]?.firstSeq, count)
    }
  } catch {
    // What there is cannot be told: `stuck` says where.
  }
  return count
}

/** Counts on to the end of a segment. */
function countOn(segment: SegmentName, next: number | undefined, from: LineCount): LineCount {
  let { seq, offset } = from
  let file: ByteFile
  try {
    file = openSegment(segment)
  } catch {
    return from // no regular file, or gone meanwhile
  }
  try {
    const left = next === undefined ? -1 : next - seq
    if (segment.compressed && left >= 0 && left <= file.size / LINE_BYTES_MIN) {
      return { ...from, seq: seq + left } // not worth decoding
    }
    for (let at = offset; at < file.size; at += COUNT_CHUNK_BYTES) {
      const chunk = readRange(file, at, Math.min(COUNT_CHUNK_BYTES, file.size - at))
      for (let lf = chunk.indexOf(0x0a); lf >= 0; lf = chunk.indexOf(0x0a, lf + 1)) {
        seq++
      }
      offset = at + chunk.length
    }
    return { ...from, seq, offset }
  } finally {
    file.close()
  }
}
