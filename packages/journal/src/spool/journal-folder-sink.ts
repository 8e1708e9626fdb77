// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Batch, RecordSink, SealedCheckpoint, SealedRecord } from '@spanseal/core'
import { AuditError, isEpochId, RECORD_BYTES_MAX } from '@spanseal/core'
import type { JournalFs } from '../journal-fs.ts'
import { errnoOf, FOLDER_MODE, nodeFs, syncFolder } from '../journal-fs.ts'
import { listEpochs, SINK_NAME, WRITER_FILE } from '../journal-layout.ts'
import { openJournalFolder } from '../journal-path.ts'
import { parseLineHead } from '../line-head.ts'
import { RestoredEpoch } from './restored-epoch.ts'
import { parsedNote, RestoredNotes } from './restored-notes.ts'
import type { ShipLock } from './ship-lock.ts'
import { restoreLock } from './ship-lock.ts'

const LF = 0x0a
const NONE: JournalFolderSink['counts'] = { records: 0, checkpoints: 0, duplicates: 0, refused: 0 }
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024
/** As framed in a `checkpoints` file: six digits of length. */
const NOTE_BYTES_MAX = 999_999

export interface JournalFolderSinkOptions {
  /** Default `restore`. */
  readonly name?: string
  /** Bytes of a segment file; default 64 MiB, as for writers. */
  readonly segmentBytesMax?: number
  /**
   * Told of each record or checkpoint that contradicts one that is there already, and of each that
   * is none; the first one stays, and the rest goes on. Default: `deliver` throws it.
   */
  readonly onRefused?: (error: AuditError) => void
  /** Default: `node:fs`. */
  readonly fs?: JournalFs
}

export interface JournalFolderSink extends RecordSink {
  /** What was filed since it was made. */
  readonly counts: {
    readonly records: number
    readonly checkpoints: number
    /** Records and checkpoints that were there already, byte for byte. */
    readonly duplicates: number
    readonly refused: number
  }
}

/**
 * Files records and checkpoints from any source as a journal: `<epoch>/<first seq>.jsonl` and
 * `<epoch>/checkpoints`, byte for byte as they were sealed. It verifies nothing; a verification of
 * the folder then judges what the source holds.
 *
 * Idempotent by `(epoch, seq)`, in any order, with epochs interleaved; a hole stays a hole. What a
 * `deliver` that resolved was given is on disk; after a crash the same may come again. One process
 * at a time.
 *
 * @throws AuditError `JOURNAL_UNUSABLE` when the folder cannot be made, or holds epochs of writers
 * @throws AuditError `ALREADY_RUNNING` when another process restores into the folder
 * @throws (rejects, from `deliver`) AuditError `DELIVERY_REFUSED` for a fork and for what is no
 * record or checkpoint, `DELIVERY_DOUBTFUL` when the disk did not take it
 */
export function journalFolderSink(
  folder: string,
  options: JournalFolderSinkOptions = {},
): JournalFolderSink {
  const name = options.name ?? 'restore'
  const segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX
  if (!SINK_NAME.test(name)) throw invalid('name', name, '[a-z0-9-]{1,64}')
  if (!(Number.isSafeInteger(segmentBytesMax) && segmentBytesMax > 0)) {
    throw invalid('segmentBytesMax', segmentBytesMax, 'a whole number of bytes above 0')
  }
  const path = openJournalFolder(folder)
  const written = listEpochs(path).find((epoch) => existsSync(join(path, epoch, WRITER_FILE)))
  if (written !== undefined) {
    const message = `${folder} holds epoch ${written} of a writer; restore into an empty folder`
    throw new AuditError('JOURNAL_UNUSABLE', message, { details: { file: folder } })
  }
  const lock = restoreLock(path)
  if (!lock.held) {
    const who = lock.owner === undefined ? '' : ` (pid ${lock.owner.pid})`
    const message = `another process restores into ${folder}${who}; let it end first`
    throw new AuditError('ALREADY_RUNNING', message, { details: { file: folder } })
  }
  const { fs = nodeFs, onRefused } = options
  return new FolderSink({ folder: path, fs, lock, name, onRefused, segmentBytesMax })
}

interface FolderSinkParts {
  readonly folder: string
  readonly fs: JournalFs
  readonly lock: ShipLock
  readonly name: string
  readonly onRefused: JournalFolderSinkOptions['onRefused']
  readonly segmentBytesMax: number
}

interface RestoredParts {
  readonly records: RestoredEpoch
  readonly notes: RestoredNotes
}

class FolderSink implements JournalFolderSink {
  readonly name: string
  readonly #parts: FolderSinkParts
  // Owned by `deliver`, which runs to its end without awaiting.
  readonly #epochs = new Map<string, RestoredParts>()
  #counts = NONE
  #closed = false

  constructor(parts: FolderSinkParts) {
    this.name = parts.name
    this.#parts = parts
  }

  get counts(): JournalFolderSink['counts'] {
    return this.#counts
  }

  async deliver({ records, checkpoints }: Batch): Promise<void> {
    if (this.#closed) throw new AuditError('SINK_CLOSED', `${this.#parts.folder} was closed`)
    const before = this.#counts
    const refused: AuditError[] = []
    const touched = new Set<string>()
    // Neighbours that come in another order within a batch need no segments of their own.
    const inOrder = records.toSorted((a, b) => a.seq - b.seq)
    try {
      for (const record of inOrder) {
        touched.add(record.epoch)
        const why = this.#fileRecord(record)
        if (why !== undefined) refused.push(why)
      }
      for (const checkpoint of checkpoints) {
        touched.add(checkpoint.epoch)
        const why = this.#fileNote(checkpoint)
        if (why !== undefined) refused.push(why)
      }
      for (const epoch of touched) this.#write(epoch)
    } catch (cause) {
      // What the files hold now is read again from them.
      for (const epoch of touched) this.#epochs.delete(epoch)
      this.#counts = before
      if (cause instanceof AuditError) throw cause
      const { folder } = this.#parts
      const message = `${folder} did not take ${records.length} records (${errnoOf(cause) ?? 'unknown'})`
      throw new AuditError('DELIVERY_DOUBTFUL', message, { cause, details: { file: folder } })
    }
    this.#refuse(refused)
  }

  #count(what: keyof JournalFolderSink['counts'], more: number): void {
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + more }
  }

  #refuse(refused: readonly AuditError[]): void {
    this.#count('refused', refused.length)
    const { onRefused } = this.#parts
    const [first] = refused
    if (first === undefined) return
    if (onRefused === undefined) throw first
    for (const why of refused) onRefused(why)
  }

  #fileRecord({ epoch, line, log, seq }: SealedRecord): AuditError | undefined {
    const head = line.length <= RECORD_BYTES_MAX ? parseLineHead(line) : undefined
    const fits = head?.epoch === epoch && head.seq === seq && head.log === log && !line.includes(LF)
    if (!fits) return refusal('what came in its place is no such record', { epoch, seq })
    const filed = this.#epoch(epoch).records.file(seq, line)
    if (filed === 'fork')
      return refusal('another record of that number is there already', { epoch, seq })
    this.#count(filed === 'new' ? 'records' : 'duplicates', 1)
    return undefined
  }

  #fileNote({ epoch, log, note, size }: SealedCheckpoint): AuditError | undefined {
    const parsed = Buffer.byteLength(note) <= NOTE_BYTES_MAX ? parsedNote(note) : undefined
    const fits = isEpochId(epoch) && parsed?.origin === `${log}/${epoch}` && parsed.size === size
    if (!fits) return refusal(`what came as its checkpoint ${size} is none`, { epoch })
    const filed = this.#epoch(epoch).notes.file({ size, root: parsed.root, note })
    if (filed === 'fork') return refusal(`another checkpoint ${size} is there already`, { epoch })
    this.#count(filed === 'new' ? 'checkpoints' : 'duplicates', 1)
    return undefined
  }

  #epoch(epoch: string): RestoredParts {
    const known = this.#epochs.get(epoch)
    if (known !== undefined) return known
    const { folder, fs, segmentBytesMax } = this.#parts
    const path = join(folder, epoch)
    if (!existsSync(path)) {
      fs.mkdirSync(path, FOLDER_MODE)
      syncFolder(fs, folder)
    }
    const parts = {
      records: new RestoredEpoch(path, fs, segmentBytesMax),
      notes: new RestoredNotes(path, fs),
    }
    this.#epochs.set(epoch, parts)
    return parts
  }

  #write(epoch: string): void {
    const parts = this.#epochs.get(epoch)
    if (parts === undefined) return // nothing of it was taken
    const { notes, records } = parts
    // Both are asked: a checkpoint behind the records that it covers.
    const made = [records.write(), notes.write()]
    if (made.includes(true)) syncFolder(this.#parts.fs, records.folder)
  }

  close(): Promise<void> {
    this.#closed = true
    this.#epochs.clear()
    this.#parts.lock.release()
    return Promise.resolve()
  }
}

function refusal(
  why: string,
  { epoch, seq }: { readonly epoch: string; readonly seq?: number },
): AuditError {
  const place = seq === undefined ? epoch : `${epoch}/${seq}`
  const details = seq === undefined ? { epoch } : { epoch, seq }
  return new AuditError('DELIVERY_REFUSED', `${place}: ${why}`, { details })
}

function invalid(option: string, value: unknown, expected: string): AuditError {
  const message = `${option}: ${String(value)} given, expected ${expected}`
  return new AuditError('INVALID_OPTION', message, { details: { option } })
}
