// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ErrorDetails } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import type { GapReason } from './gap.ts'

/** Why a record could not be written, inside the writer. */
export class WriteFailure extends Error {
  /** What the caller is told. */
  readonly reason: AuditError
  readonly gap: GapReason
  /** Nothing of the record can be read, and another epoch may take it at once. */
  readonly mayRetry: boolean

  constructor(reason: AuditError, gap: GapReason, mayRetry = false) {
    super(reason.message)
    this.reason = reason
    this.gap = gap
    this.mayRetry = mayRetry
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
