// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditError } from '@spanseal/core'
import type { SpoolFs } from './spool-fs.ts'

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
 * @throws AuditError `JOURNAL_UNUSABLE` when the folder cannot be read; what concerns one epoch only
 * is told in `problems`
 */
export function tendSpool(_journal: string, _options: TendOptions): Promise<TendReport> {
  throw new Error('unwritten')
}
