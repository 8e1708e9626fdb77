// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ErrorDetails } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import type { AppendedRecord } from './append.ts'
import type { GapReason } from './gap.ts'

/** Why a record could not be written, inside the writer. */
export class WriteFailure extends Error {
  /** What the caller is told. */
  readonly reason: AuditError
  readonly gap: GapReason
  /** Nothing of the record can be read, and another epoch may take it at once. */
  readonly mayRetry: boolean
  /** The record stands in the journal, but is not known to be on disk. */
  readonly written: AppendedRecord | undefined

  constructor(
    reason: AuditError,
    gap: GapReason,
    extra: { readonly mayRetry?: boolean; readonly written?: AppendedRecord } = {},
  ) {
    super(reason.message)
    this.reason = reason
    this.gap = gap
    this.mayRetry = extra.mayRetry ?? false
    this.written = extra.written
  }
}

/** Why an epoch is given up. */
export interface GivenUpFor {
  readonly what: string
  readonly gap: GapReason
}

export const FAILED_WRITE: GivenUpFor = { what: 'a write failed', gap: 'write_failed' }
export const FAILED_SYNC: GivenUpFor = { what: 'a sync failed', gap: 'sync_failed' }
export const FAILED_CLOSE: GivenUpFor = {
  what: 'the epoch could not be closed',
  gap: 'sync_failed',
}
/** Outside a call: a sync by the timer, or a file that is not in its place any more. */
export const FAILED_MEANWHILE: GivenUpFor = { what: 'writing cannot go on', gap: 'sync_failed' }

/** A failure of the journal, said for people; an AuditError stays what it is. */
export function journalFailed(
  journal: string,
  what: string,
  extra: { readonly cause?: unknown; readonly at?: ErrorDetails } = {},
): AuditError {
  const { cause, at } = extra
  if (cause instanceof AuditError) return cause
  const why = cause === undefined ? '' : ` (${messageOf(cause)})`
  return new AuditError('JOURNAL_FAILED', `journal ${journal}: ${what}${why}`, {
    cause,
    details: { file: journal, ...at },
  })
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** No epoch can be opened. */
export function openFailure(journal: string, cause: unknown): WriteFailure {
  const code = cause instanceof AuditError ? cause.code : undefined
  const isOurs = code === 'JOURNAL_FULL' || code === 'JOURNAL_FAILED'
  // A keyring that cannot be read is a failure of the journal to those who append.
  const foreign = code === undefined || isOurs ? cause : new Error(messageOf(cause), { cause })
  const reason = journalFailed(journal, 'no epoch can be opened', { cause: foreign })
  return new WriteFailure(reason, code === 'JOURNAL_FULL' ? 'journal_full' : 'write_failed')
}

const standing = new WeakMap<AuditError, AppendedRecord>()

/** What the caller is told of a record that was written, and whose sync failed. */
export function standingError(
  journal: string,
  { reason }: WriteFailure,
  record: AppendedRecord,
): AuditError {
  const { epoch, seq } = record
  const what = `record ${epoch}/${seq} was written, but may not be on disk: ${reason.message}`
  const error = new AuditError('JOURNAL_FAILED', what, {
    cause: reason,
    details: { file: journal, epoch, seq },
  })
  standing.set(error, record)
  return error
}

/**
 * The record that stands in the journal although `append` failed: under durability `every` it was
 * written, and its sync failed. A call that it began can still be ended in the next epoch.
 *
 * @param error what `append` threw
 */
export function standingRecord(error: unknown): AppendedRecord | undefined {
  return error instanceof AuditError ? standing.get(error) : undefined
}
