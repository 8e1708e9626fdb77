// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Commitment } from '../commitment.ts'
import type {
  Actor,
  Authorization,
  BreakglassCloseDetail,
  CallStatus,
  GapDetail,
  ToolRef,
} from '../record.ts'

/** What a timeline shows a line for. Calls are `task` and `tool`: they have a start and an end. */
export type TimelineKind =
  | 'task'
  | 'tool'
  | 'reasoning'
  | 'handoff'
  | 'input'
  | 'output'
  | 'authorization'

/** `open`: a call without an end; `recorded`: what has no outcome. */
export type TimelineStatus = Exclude<CallStatus, 'started'> | 'open' | 'granted' | 'recorded'

/** Content that is not in the log but can be proved against it. */
export interface CommittedContent {
  /** For instance `input`, `output`, `text`. */
  readonly field: string
  readonly commitment: Commitment
  /** Exact from 256 up, below that the next power of two; absent where no record tells. */
  readonly bytes?: number
}

export interface TimelineError {
  readonly type: string
  readonly code?: string
  /** 16 hex digits: equal errors of a log and period have equal ones. */
  readonly fingerprint: string
  /** Only where the deployment keeps messages in clear. */
  readonly message?: string
}

/** One line of the tree, with what it led to. */
export interface TimelineEntry {
  readonly kind: TimelineKind
  /** The task's or tool's name, `<from> → <to>` of a handoff, else the kind. */
  readonly name: string
  readonly status: TimelineStatus
  /** UTC, `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly at: string
  readonly offsetMillis: number
  readonly endedAt?: string
  /** Decimal, by the monotonic clock of the caller. */
  readonly durationNanos?: string
  readonly actor: Actor
  readonly spanId: string
  readonly parentSpanId?: string
  /** `<epoch>/<seq>` of the records behind this line, in order. */
  readonly records: readonly string[]
  /** The end is there, its start is not. */
  readonly startMissing?: true
  readonly tool?: ToolRef
  readonly authorization?: Authorization
  readonly attempt?: number
  readonly recovery?: string
  readonly error?: TimelineError
  readonly flags: readonly string[]
  readonly committed: readonly CommittedContent[]
  /** What stands in clear: free text and summaries that the deployment opted into, confidence. */
  readonly clear: Readonly<Record<string, string>>
  readonly children: readonly TimelineEntry[]
}

/** Keys that were destroyed: what was committed under them can be proved, and opened no more. */
export interface TimelineErasure {
  /** UTC, `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly at: string
  /** `<epoch>/<seq>` */
  readonly record: string
  /** Those of its kids that the trace names. */
  readonly kids: readonly string[]
}

/** Records that could not be written, or calls that were not made for it; some may be of this trace. */
export interface TimelineGap {
  /** `<epoch>/<seq>` of the record that says so. */
  readonly record: string
  /** UTC, `YYYY-MM-DDTHH:mm:ss.sssZ`: when the first was lost, and the last. */
  readonly from: string
  readonly to: string
  readonly reason: GapDetail['reason']
  readonly records: number
  readonly refused: number
  readonly types: GapDetail['types']
}

/** A time in which tools ran although their intent could not be made durable. */
export interface TimelineBreakglass {
  readonly id: string
  /** `<epoch>/<seq>` of the opening; of the closing where that is alone. */
  readonly record: string
  /** UTC, `YYYY-MM-DDTHH:mm:ss.sssZ`; absent where no opening is here. */
  readonly from?: string
  /** When it was to end by itself. */
  readonly until?: string
  /** A person's pseudonym. */
  readonly by?: string
  /** The closing, absent where none is here: its time, how many tools ran so, why it ended. */
  readonly to?: string
  readonly calls?: number
  readonly reason?: BreakglassCloseDetail['reason']
}

/** One trace as a tree, made of its records and nothing else; it proves nothing by itself. */
export interface Timeline {
  readonly traceId: string
  readonly taskIds: readonly string[]
  readonly environments: readonly string[]
  readonly dataClassifications: readonly string[]
  /** UTC, `YYYY-MM-DDTHH:mm:ss.sssZ`; empty where there are no records. */
  readonly from: string
  readonly to: string
  readonly records: number
  readonly epochs: readonly string[]
  /** Tool calls, counted per status. */
  readonly toolCalls: Readonly<Partial<Record<TimelineStatus, number>>>
  readonly roots: readonly TimelineEntry[]
  /** Absent where no key that the trace names is known to be destroyed. */
  readonly erasures?: readonly TimelineErasure[]
  /** Absent where none falls into the time of the trace. */
  readonly gaps?: readonly TimelineGap[]
  /** Absent where none falls into the time of the trace. */
  readonly breakglass?: readonly TimelineBreakglass[]
}
