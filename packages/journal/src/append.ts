// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditError, EventType } from '@spanseal/core'
import type { OpenGap, WrittenGaps } from './gap.ts'

/** Where the record that is being built will stand: commitments are bound to it. */
export interface RecordPlace {
  readonly epoch: string
  readonly seq: number
}

/** A record that was written. */
export interface AppendedRecord extends RecordPlace {
  /** Its leaf hash, 64 hex digits. */
  readonly leaf: string
  /** The leaf hash of the record before it. */
  readonly prev: string
}

export interface AppendOptions {
  /** `YYYY-MM-DDTHH:mm:ss.sssZ` of what is recorded, where that was earlier. */
  readonly eventAt?: string
  /** Take a checkpoint as soon as the record is synced; default false. */
  readonly checkpoint?: boolean
  /**
   * What the record is: the gap counts it so where it cannot be written. Where it is missing, and no
   * epoch is open, `build` is called for it with a place in no epoch.
   */
  readonly type?: EventType
  /** The caller keeps the record and tries again: where it cannot be written now, no gap counts it. */
  readonly comesAgain?: boolean
}

export interface WriterHealth {
  /** The epoch that takes the next record; absent while writing fails and after `close`. */
  readonly epoch?: string
  /** Records written by this writer in all its epochs, the log's own included. */
  readonly records: number
  /** Of those: not known to be on disk; of epochs given up, for good. */
  readonly unsynced: number
  /** Bytes of the present epoch's records. */
  readonly bytes: number
  /** Records are refused, as the journal's budget is used up. */
  readonly full: boolean
  /** What could not be written and no gap says so far. */
  readonly gap?: OpenGap
  /** What the gaps say that this writer has written. */
  readonly gaps: WrittenGaps
  /** Epochs given up after a failed write or sync. */
  readonly failedEpochs: number
  /** Why the last one was given up, or why no new one can be opened. */
  readonly failure?: AuditError
}
