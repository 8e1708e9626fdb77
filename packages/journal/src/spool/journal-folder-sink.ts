// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditError, RecordSink } from '@spanseal/core'

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
  _folder: string,
  _options: JournalFolderSinkOptions = {},
): JournalFolderSink {
  throw new Error('unwritten')
}
