// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Commitment } from './commitment.ts'

/** Record v1 rev 0, as `spec/record.md` says. `record-schema.ts` is the same in JSON Schema. */

/** Fixes bytes, hash and chain. */
export const RECORD_VERSION = 1
/** Fixes blocks, types and enums; it only adds. */
export const RECORD_REV = 0
/** Bytes of a line without its LF, at most: fits a tlog-tiles entry. */
export const RECORD_BYTES_MAX = 65_535
/** `prev` of the first record of an epoch. */
export const NO_PREV: string = '0'.repeat(64)
/** Stands where an identity is not known; refused from callers. */
export const UNATTRIBUTED = 'unattributed'

export const SEVERITIES = ['trace', 'debug', 'info', 'warning', 'error', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

export const EVENT_TYPES = [
  'agent.handoff',
  'agent.output',
  'agent.reasoning',
  'authz.denied',
  'authz.granted',
  'breakglass.close',
  'breakglass.open',
  'epoch.close',
  'epoch.observed',
  'epoch.open',
  'erasure.done',
  'gap',
  'task.end',
  'task.start',
  'tool.end',
  'tool.start',
  'user.input',
] as const
export type EventType = (typeof EVENT_TYPES)[number]

export const CALL_STATUSES = [
  'started',
  'success',
  'error',
  'denied',
  'timeout',
  'cancelled',
  'unknown',
] as const
export type CallStatus = (typeof CALL_STATUSES)[number]

export interface Chain {
  readonly epoch: string
  readonly log: string
  readonly prev: string
  readonly seq: number
}

export interface RecordTime {
  /** UTC, `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly at: string
  /** When what is recorded happened, where that was earlier (foreign or late). */
  readonly event_at?: string
  /** Nanoseconds since `epoch.open` by the monotonic clock. */
  readonly mono_ns: string
}

export interface TraceRef {
  readonly parent_span_id?: string
  readonly span_id: string
  /** The ids were made here because OpenTelemetry gave none. */
  readonly synthetic?: true
  readonly trace_id: string
}

export interface Actor {
  readonly agent: { readonly id: string; readonly name?: string; readonly version?: string }
  readonly client?: {
    readonly address_ref?: string
    readonly channel?: string
    readonly user_agent?: string
  }
  readonly conversation?: string
  readonly model?: { readonly name: string; readonly provider: string; readonly version?: string }
  readonly on_behalf_of?: readonly string[]
  readonly on_behalf_of_more?: number
  readonly session?: string
  /** `user`, `system` or `agent:<id>`. */
  readonly source?: string
  readonly trigger?: 'user_request' | 'proactive' | 'retry' | 'follow_up' | 'system'
  readonly turn?: number
  /** `ref` is a pseudonym `p1:<kid>`, a configured clear id, or `unattributed`. */
  readonly user: { readonly ref: string; readonly role?: string }
}

export interface CallContext {
  readonly data_classifications: readonly string[]
  readonly data_classifications_more?: number
  readonly environment: string
  readonly purpose?: string
  readonly subjects?: {
    readonly count: number
    readonly refs: readonly string[]
    readonly refs_more?: number
  }
  readonly task_id: string
}

export interface ToolRef {
  readonly digest?: string
  readonly name: string
  readonly publisher: string
  readonly registry_ref?: string
  readonly server?: string
  readonly trust_level: string
  readonly type: 'function' | 'extension' | 'datastore'
  /** A decimal string. */
  readonly verification_score?: string
  readonly version: string
}

/** Content that was cut or committed instead of standing in clear. */
export interface CutText {
  readonly bytes: number
  readonly commitment: Commitment
  readonly cut: true
}

/** Free text: redacted clear text where that was opted into, else a commitment. */
export type FreeText = string | Commitment | CutText

export interface CallError {
  readonly code?: string
  /** 16 hex digits: equal errors have equal ones within a log and period. */
  readonly fingerprint: string
  readonly message: FreeText
  readonly type: string
}

export interface Observed {
  readonly flags: readonly string[]
  readonly flags_more?: number
  /** Exact from 256 up, below that the next power of two. */
  readonly input_bytes: number
  /** 16 hex digits. */
  readonly input_shape: string
  readonly output_bytes?: number
}

export interface Summary {
  readonly fields: Readonly<Record<string, string | number | boolean | null>>
  readonly truncated: boolean
}

export interface Invocation {
  readonly attempt?: number
  readonly duration_ns?: string
  readonly error?: CallError
  readonly external_id?: string
  readonly input?: Commitment
  readonly observed?: Observed
  readonly output?: Commitment
  readonly recovery?: 'retry' | 'circuit_open' | 'fallback' | 'escalate'
  /** `<epoch>/<seq>` of the start; on every end. */
  readonly start?: string
  readonly status: CallStatus
  readonly summary?: Summary
}

/** Of `task.start` and `tool.start`: what must be known if no end ever comes. */
export interface StartInvocation
  extends Omit<Invocation, 'duration_ns' | 'error' | 'output' | 'start' | 'status'> {
  readonly status: 'started'
}

/** Of `task.end` and `tool.end`. */
export interface EndInvocation extends Invocation {
  readonly duration_ns: string
  readonly start: string
  readonly status: Exclude<CallStatus, 'started'>
}

export interface Authorization {
  readonly approver?: string
  readonly decision: 'granted' | 'denied' | 'pending' | 'not_required'
  readonly expires?: string
  readonly grant?: string
  readonly method: 'policy' | 'human_approval' | 'jit_elevation' | 'break_glass' | 'none'
  readonly permissions_denied: readonly string[]
  readonly permissions_denied_more?: number
  readonly permissions_used: readonly string[]
  readonly permissions_used_more?: number
  readonly policy?: { readonly digest?: string; readonly id: string; readonly version?: string }
}

export interface Retention {
  readonly keep_until?: string
  readonly policy: string
  readonly policy_rev?: number
}

export type ObservedState = 'live' | 'crashed' | 'closed' | 'lost'

/** What an opener found of another epoch in the folder. */
export interface ObservedEpoch {
  readonly epoch: string
  /** The leaf of the last record counted; 64 zeros where `size` is 0. */
  readonly leaf: string
  /** For `lost`: how many records `heads` says there were. */
  readonly expected_size?: number
  readonly size: number
  readonly state: ObservedState
  readonly torn?: { readonly bytes: number; readonly sha256: string }
}

export interface EpochOpenDetail {
  readonly audit: {
    readonly durability: 'none' | 'interval' | 'group' | 'every'
    readonly redaction: string
    readonly sampler?: string
    readonly sdk: string
    /** Risk classes of tools that are refused when the intent cannot be made durable. */
    readonly fail_closed: readonly string[]
    /** Risk classes of tools that wait until a sink has acknowledged the intent. */
    readonly remote?: readonly string[]
  }
  readonly deployment: {
    readonly cluster?: string
    readonly environment: string
    readonly version?: string
  }
  readonly key: { readonly certs: readonly string[]; readonly vkey: string }
  readonly observed: readonly ObservedEpoch[]
  readonly service: {
    readonly instance?: string
    readonly name: string
    readonly version?: string
  }
}

export interface EpochObservedDetail {
  readonly observed: readonly ObservedEpoch[]
}

export interface EpochCloseDetail {
  /** Starts without an end, as `<epoch>/<seq>`, oldest first. */
  readonly open: readonly string[]
  readonly open_more?: number
  readonly reason: 'shutdown' | 'rolled'
  /** Records of the epoch, this one included. */
  readonly records: number
}

export interface TaskDetail {
  readonly name: string
}

export interface ReasoningDetail {
  /** Characters (UTF-16 code units) of the thought. */
  readonly chars: number
  /** A decimal string. */
  readonly confidence?: string
  readonly plan?: FreeText
  readonly plan_steps?: number
  readonly text: FreeText
}

export interface HandoffDetail {
  readonly from: string
  readonly summary?: FreeText
  readonly to: string
}

/** What a person said (`user.input`) or was told (`agent.output`). */
export interface ContentDetail {
  readonly bytes: number
  readonly content: FreeText
}

/** Keys were destroyed; never whose. */
export interface ErasureDetail {
  /** Commitments of this journal that named a destroyed key: nobody can open them any more. */
  readonly closed: number
  /** The destroyed keys. */
  readonly kids: readonly string[]
  /** What the destroyed keys were of: data subjects, or the log in a period. */
  readonly of: 'person' | 'period'
  /** What stays, in records that name the same person. */
  readonly openable: {
    /** Commitments under period keys. */
    readonly count: number
    /** When the last of those periods ends; its key may be destroyed from then on. */
    readonly until?: string
  }
  readonly reason?: FreeText
}

/** What could not be written, by the writer's own word: the only trace of it that there is. */
export interface GapDetail {
  /** When the first record was lost or the first call refused. */
  readonly first_at: string
  /** When the last one was. */
  readonly last_at: string
  /** Why the first one was. */
  readonly reason: 'write_failed' | 'journal_full' | 'sync_failed'
  /** How many records could not be written. */
  readonly records: number
  /** Calls that were not made because their intent could not be made durable. */
  readonly refused?: number
  /** How many of each type; together `records`. */
  readonly types: { readonly [T in EventType]?: number }
}

/** From here on tools run although their intent cannot be made durable. */
export interface BreakglassOpenDetail {
  /** A person's pseudonym, as `actor.user.ref`. */
  readonly by?: string
  /** 16 hex digits that the opener chose; the close has the same. */
  readonly id: string
  readonly reason?: FreeText
  /** When it ends by itself. */
  readonly until: string
}

export interface BreakglassCloseDetail {
  /** Tools that ran meanwhile although their intent could not be made durable. */
  readonly calls: number
  readonly id: string
  readonly reason: 'closed' | 'expired' | 'shutdown'
}

export interface AuthorizationDetail {
  readonly reason: FreeText
}

interface Envelope<T extends EventType> {
  readonly chain: Chain
  readonly rev: number
  readonly severity: Severity
  readonly time: RecordTime
  readonly type: T
  readonly v: 1
}

interface Attributed {
  readonly actor: Actor
  readonly context: CallContext
  readonly ext?: Readonly<Record<string, unknown>>
  readonly retention?: Retention
  readonly trace: TraceRef
}

export interface EpochOpen extends Envelope<'epoch.open'> {
  readonly detail: EpochOpenDetail
}
export interface EpochObserved extends Envelope<'epoch.observed'> {
  readonly detail: EpochObservedDetail
}
export interface EpochClose extends Envelope<'epoch.close'> {
  readonly detail: EpochCloseDetail
}
export interface ErasureDone extends Envelope<'erasure.done'> {
  readonly detail: ErasureDetail
}
export interface Gap extends Envelope<'gap'> {
  readonly detail: GapDetail
}
export interface BreakglassOpen extends Envelope<'breakglass.open'> {
  readonly detail: BreakglassOpenDetail
}
export interface BreakglassClose extends Envelope<'breakglass.close'> {
  readonly detail: BreakglassCloseDetail
}
export interface TaskStart extends Envelope<'task.start'>, Attributed {
  readonly detail: TaskDetail
  readonly invocation: StartInvocation
}
export interface TaskEnd extends Envelope<'task.end'>, Attributed {
  readonly detail: TaskDetail
  readonly invocation: EndInvocation
}
export interface UserInput extends Envelope<'user.input'>, Attributed {
  readonly detail: ContentDetail
}
export interface AgentReasoning extends Envelope<'agent.reasoning'>, Attributed {
  readonly detail: ReasoningDetail
}
export interface AgentHandoff extends Envelope<'agent.handoff'>, Attributed {
  readonly detail: HandoffDetail
}
export interface AgentOutput extends Envelope<'agent.output'>, Attributed {
  readonly detail: ContentDetail
}
export interface ToolStart extends Envelope<'tool.start'>, Attributed {
  readonly authorization: Authorization
  readonly invocation: StartInvocation
  readonly tool: ToolRef
}
export interface ToolEnd extends Envelope<'tool.end'>, Attributed {
  readonly authorization: Authorization
  readonly invocation: EndInvocation
  readonly tool: ToolRef
}
export interface AuthzGranted extends Envelope<'authz.granted'>, Attributed {
  readonly authorization: Authorization
  readonly detail?: AuthorizationDetail
  readonly tool: ToolRef
}
export interface AuthzDenied extends Envelope<'authz.denied'>, Attributed {
  readonly authorization: Authorization
  readonly detail?: AuthorizationDetail
  readonly tool: ToolRef
}

/** Any record of this revision. */
export type AuditRecord =
  | EpochOpen
  | EpochObserved
  | EpochClose
  | ErasureDone
  | Gap
  | BreakglassOpen
  | BreakglassClose
  | TaskStart
  | TaskEnd
  | UserInput
  | AgentReasoning
  | AgentHandoff
  | AgentOutput
  | ToolStart
  | ToolEnd
  | AuthzGranted
  | AuthzDenied
