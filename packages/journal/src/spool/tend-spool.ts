// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '@spanseal/core'
import { errnoOf } from '../journal-fs.ts'
import type { SegmentName } from '../journal-layout.ts'
import { isSpoolDraft, listEpochs, listSegments, SINK_NAME } from '../journal-layout.ts'
import { parseLineHead } from '../line-head.ts'
import { writerSigns } from '../liveness.ts'
import { openSegment } from '../segment-file.ts'
import type { Compressed } from './compress-segment.ts'
import { compressSegment } from './compress-segment.ts'
import type { DeliveredSegment, SpoolEpoch } from './delivered-segments.ts'
import { deliveredSegments, onDisk, spoolEpoch } from './delivered-segments.ts'
import { lineBefore } from './line-tail.ts'
import { removeSegments } from './remove-segments.ts'
import { restoreOwner } from './ship-lock.ts'
import type { SpoolFs } from './spool-fs.ts'
import { nodeSpoolFs, removeDraft } from './spool-fs.ts'

const DRAFT_MILLIS_MAX = 3_600_000

export interface TendOptions {
  /**
   * The sinks that must all have acknowledged a record before it may be removed, by their names in
   * `cursors/`. None: nothing is removed.
   */
  readonly sinks: readonly string[]
  /** Remove delivered segments whose newest record is older; 0 or above. Absent: nothing is removed. */
  readonly deleteAfterMillis?: number
  /** Compress segments that take no more records; default true. */
  readonly compress?: boolean
  /** Ends the work between two segments. */
  readonly signal?: AbortSignal
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
  /** Default: `node:fs`. */
  readonly fs?: SpoolFs
}

/** What tending did and left. */
export interface TendReport {
  readonly compressed: {
    readonly segments: number
    readonly bytesBefore: number
    readonly bytesAfter: number
  }
  readonly deleted: {
    readonly segments: number
    /** Freed on disk. */
    readonly bytes: number
    /** Epochs of which nothing but `epoch.open` and the checkpoints is left by now. */
    readonly epochs: number
  }
  /** What lies in the journal's segments afterwards; bytes on disk. */
  readonly kept: { readonly segments: number; readonly bytes: number }
  /** What could not be tended, `JOURNAL_FAILED` or `JOURNAL_UNUSABLE` each; it stays as it was. */
  readonly problems: readonly AuditError[]
}

/**
 * Compresses segments that take no more records and removes those that were delivered: every record
 * acknowledged by every named sink, and older than asked. `epoch.open`, `checkpoints` and
 * `writer.json` stay, and `delivered-<size>.json` says up to where records were removed and where
 * to; a verification of the folder then calls them missing, since a marker proves nothing.
 *
 * Guarantee: at whatever call it is cut off, no record is lost and every reader finds the same
 * records; the next run goes on. Any number of processes may tend one journal while it is written
 * to and read.
 *
 * @throws AuditError `INVALID_OPTION` for an age or a sink's name that cannot be one
 * @throws AuditError `ALREADY_RUNNING` while the folder is being restored into
 * @throws AuditError `JOURNAL_UNUSABLE` when the folder cannot be read; what concerns one epoch only
 * is told in `problems`
 */
export async function tendSpool(journal: string, options: TendOptions): Promise<TendReport> {
  checkOptions(options)
  refuseRestored(journal, (options.now ?? Date.now)())
  const tally = new Tally()
  for (const epoch of epochsOf(journal)) {
    if (options.signal?.aborted === true) break
    // An agent may run in this process.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      await tendEpoch({ journal, epoch, options, tally })
    } catch (error) {
      // What is not there any more was removed by somebody else who tends.
      if (errnoOf(error) !== 'ENOENT') tally.problems.push(problemOf(error, join(journal, epoch)))
    }
    tally.keep(journal, epoch)
  }
  return tally.report()
}

/** What is being done to one epoch. */
interface Tended {
  readonly journal: string
  readonly epoch: string
  readonly options: TendOptions
  readonly tally: Tally
}

async function tendEpoch({ journal, epoch, options, tally }: Tended): Promise<void> {
  const { sinks, deleteAfterMillis, now = Date.now, fs = nodeSpoolFs } = options
  const nowMillis = now()
  const at = spoolEpoch(journal, epoch)
  if (at === undefined) return
  removeOldDrafts(at, fs, nowMillis)
  const isOld = ({ changedMillis }: { readonly changedMillis: number }): boolean =>
    deleteAfterMillis !== undefined && nowMillis - changedMillis >= deleteAfterMillis
  const [, oldest] = at.segments
  const found = oldest === undefined ? undefined : onDisk(at.folder, oldest.firstSeq)
  // Most epochs are not old enough, which costs one look a round.
  if (found !== undefined && isOld(found)) {
    const delivered = deliveredSegments(at, { journal, sinks, nowMillis })
    const young = delivered.findIndex((segment) => !isOld(segment))
    const chosen = young < 0 ? delivered : delivered.slice(0, young)
    removeSegments(at, chosen, { fs, sinks, nowMillis })
    tally.deleted(chosen, at.segments.length - 1)
  }
  if (options.compress === false) return
  for (const { firstSeq } of restingSegments(at.folder, nowMillis)) {
    if (options.signal?.aborted === true) return
    tally.compressed(await compressSegment(at.folder, firstSeq, fs))
  }
}

/** Plain segments that take no more records. That of `epoch.open` stays: every opener reads it. */
function restingSegments(folder: string, nowMillis: number): SegmentName[] {
  const segments = listSegments(folder)
  const last = segments.at(-1)
  const isOver = (): boolean =>
    last !== undefined && (writerSigns(folder, nowMillis).liveness === 'gone' || isClosed(last))
  return segments.filter(
    (segment) =>
      segment.firstSeq > 0 &&
      !segment.compressed &&
      isOwnFile(segment.path) &&
      (segment !== last || isOver()),
  )
}

/** Whether a segment ends with `epoch.close`, behind which nobody writes. */
function isClosed(segment: SegmentName): boolean {
  const file = openSegment(segment)
  try {
    const line = lineBefore(file, file.size)
    return line !== undefined && parseLineHead(line)?.type === 'epoch.close'
  } finally {
    file.close()
  }
}

function isOwnFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true
}

/** Drafts that a killed process left: nobody writes one for so long. */
function removeOldDrafts({ folder, names }: SpoolEpoch, fs: SpoolFs, nowMillis: number): void {
  for (const name of names.filter(isSpoolDraft)) {
    const path = join(folder, name)
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat !== undefined && nowMillis - stat.mtimeMs > DRAFT_MILLIS_MAX) removeDraft(fs, path)
  }
}

class Tally {
  readonly problems: AuditError[] = []
  #compressed: TendReport['compressed'] = { segments: 0, bytesBefore: 0, bytesAfter: 0 }
  #deleted: TendReport['deleted'] = { segments: 0, bytes: 0, epochs: 0 }
  #kept: TendReport['kept'] = { segments: 0, bytes: 0 }

  compressed(gain: Compressed | undefined): void {
    if (gain === undefined) return
    const { segments, bytesBefore, bytesAfter } = this.#compressed
    this.#compressed = {
      segments: segments + 1,
      bytesBefore: bytesBefore + gain.bytesBefore,
      bytesAfter: bytesAfter + gain.bytesAfter,
    }
  }

  /** @param removable all segments of the epoch that could ever be removed */
  deleted(removed: readonly DeliveredSegment[], removable: number): void {
    if (removed.length === 0) return
    const { segments, bytes, epochs } = this.#deleted
    this.#deleted = {
      segments: segments + removed.length,
      bytes: removed.reduce((sum, each) => sum + each.bytes, bytes),
      epochs: epochs + (removed.length === removable ? 1 : 0),
    }
  }

  keep(journal: string, epoch: string): void {
    try {
      const folder = join(journal, epoch)
      for (const { firstSeq } of listSegments(folder)) {
        const bytes = this.#kept.bytes + (onDisk(folder, firstSeq)?.bytes ?? 0)
        this.#kept = { segments: this.#kept.segments + 1, bytes }
      }
    } catch {
      // Told among the problems, or gone.
    }
  }

  report(): TendReport {
    return {
      compressed: this.#compressed,
      deleted: this.#deleted,
      kept: this.#kept,
      problems: this.problems,
    }
  }
}

function checkOptions({ sinks, deleteAfterMillis }: TendOptions): void {
  const wrong = sinks.find((sink) => !SINK_NAME.test(sink))
  if (wrong !== undefined) {
    throw new AuditError(
      'INVALID_OPTION',
      `sinks: ${JSON.stringify(wrong)} given, expected [a-z0-9-]{1,64}`,
      { details: { option: 'sinks' } },
    )
  }
  if (deleteAfterMillis === undefined || deleteAfterMillis >= 0) return
  throw new AuditError(
    'INVALID_OPTION',
    `deleteAfterMillis: ${deleteAfterMillis} given, expected 0 or above`,
    { details: { option: 'deleteAfterMillis' } },
  )
}

/** A segment that a restore goes on with looks as if nobody wrote to it. */
function refuseRestored(journal: string, nowMillis: number): void {
  const owner = restoreOwner(journal, nowMillis)
  if (owner === undefined) return
  const message = `process ${owner.pid} restores into ${journal}; tend it afterwards`
  throw new AuditError('ALREADY_RUNNING', message, { details: { file: journal } })
}

function epochsOf(journal: string): string[] {
  try {
    return listEpochs(journal)
  } catch (cause) {
    throw new AuditError(
      'JOURNAL_UNUSABLE',
      `journal: ${journal} cannot be tended (${errnoOf(cause) ?? 'unknown'})`,
      { cause, details: { option: 'journal', file: journal } },
    )
  }
}

function problemOf(cause: unknown, folder: string): AuditError {
  if (cause instanceof AuditError) return cause
  const why = errnoOf(cause) ?? (cause instanceof Error ? cause.message : String(cause))
  const message = `${folder} cannot be tended now (${why})`
  return new AuditError('JOURNAL_FAILED', message, { cause, details: { file: folder } })
}
