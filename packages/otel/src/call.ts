// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  Authorization,
  Block,
  CallContext,
  CommitKeys,
  Commitment,
  Observed,
  RecordDraft,
  TraceRef,
} from '@spanseal/core'
import type { AppendedRecord } from '@spanseal/journal'
import type { AuditScope } from './scope.ts'
import type { RegisteredTool } from './tool-definition.ts'

/** A call about to be made. */
export interface CallIntent {
  readonly kind: 'tool' | 'task'
  readonly scope: AuditScope
  readonly trace: TraceRef
  /** What is committed as the input; absent where it is not known (foreign spans). */
  readonly args?: readonly unknown[]
  /** Data subjects whose keys blind the commitments. */
  readonly subjects: readonly string[]
  /** Where it is another than the scope's. */
  readonly context?: Block<CallContext>
  /** Of tools. */
  readonly tool?: RegisteredTool
  readonly authorization?: Authorization
  /** Of tasks. */
  readonly name?: string
  readonly externalId?: string
  readonly attempt?: number
  /** When it happened, where that is known to be earlier; `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly eventAt?: string
}

/** A call whose start is recorded; handed back to `finish`. */
export interface OpenCall {
  readonly intent: CallIntent
  readonly start: AppendedRecord | undefined
  /** Why there is no start, or one that is not known to be on disk though it should be. */
  readonly failure: unknown
  readonly input: Commitment | undefined
  readonly inputBytes: number
  readonly startedNs: bigint
  readonly keys: CommitKeys | undefined
  readonly blocks: Pick<RecordDraft, 'actor' | 'authorization' | 'context' | 'detail' | 'tool'>
  /** Set while the tool runs, so that it costs the caller nothing. */
  observed: Observed | undefined
  finished: boolean
  /** Told when the audit is shut down while the call is open. */
  abandon?: () => void
}

/** Where a finished call's records stand. */
export interface CallRecords {
  readonly start: AppendedRecord | undefined
  readonly end: AppendedRecord | undefined
  readonly output: Commitment | undefined
  readonly durationNs: bigint
  /** What may be shown of the error's type. */
  readonly errorType: string | undefined
}
