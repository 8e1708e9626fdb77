// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { canonicalize } from './canonical.ts'
import type {
  Actor,
  Authorization,
  CallContext,
  Chain,
  EventType,
  Invocation,
  RecordTime,
  Retention,
  Severity,
  ToolRef,
  TraceRef,
} from './record.ts'
import { RECORD_REV, RECORD_VERSION } from './record.ts'

/**
 * A block serialised once, for many records: tool, actor, context and authorization of a call are
 * the same in its start and end, and mostly the same for a whole task.
 */
export interface Block<T> {
  readonly value: T
  /** Canonical JSON. */
  readonly json: string
}

/**
 * Serialises a block.
 *
 * @throws AuditError `NOT_REPRESENTABLE` when RFC 8785 has no form for the value
 */
export function block<T>(value: T): Block<T> {
  return { value, json: canonicalize(value) }
}

/** Everything of a record but its place in the chain and its time. */
export interface RecordDraft {
  readonly type: EventType
  readonly severity: Severity
  readonly actor?: Block<Actor>
  readonly authorization?: Block<Authorization>
  readonly context?: Block<CallContext>
  readonly detail?: object
  readonly ext?: Block<Readonly<Record<string, unknown>>>
  readonly invocation?: Invocation
  readonly retention?: Block<Retention>
  readonly tool?: Block<ToolRef>
  readonly trace?: TraceRef
}

/**
 * The record as its canonical line, without LF.
 *
 * No second pass: blocks come serialised, keys are written in their sorted order, and what is
 * concatenated here is ASCII that needs no escape (ids, digits, times). A property test holds the
 * result to an independent RFC 8785 implementation.
 *
 * @throws AuditError `NOT_REPRESENTABLE` when `detail` or `invocation` has no canonical form
 */
export function recordLine(draft: RecordDraft, chain: Chain, time: RecordTime): string {
  let line = '{'
  if (draft.actor !== undefined) line += `"actor":${draft.actor.json},`
  if (draft.authorization !== undefined) line += `"authorization":${draft.authorization.json},`
  line += `"chain":{"epoch":"${chain.epoch}","log":"${chain.log}","prev":"${chain.prev}","seq":${chain.seq}},`
  if (draft.context !== undefined) line += `"context":${draft.context.json},`
  if (draft.detail !== undefined) line += `"detail":${canonicalize(draft.detail)},`
  if (draft.ext !== undefined) line += `"ext":${draft.ext.json},`
  if (draft.invocation !== undefined) line += `"invocation":${canonicalize(draft.invocation)},`
  if (draft.retention !== undefined) line += `"retention":${draft.retention.json},`
  line += `"rev":${RECORD_REV},"severity":"${draft.severity}","time":${timeJson(time)},`
  if (draft.tool !== undefined) line += `"tool":${draft.tool.json},`
  if (draft.trace !== undefined) line += `"trace":${traceJson(draft.trace)},`
  return `${line}"type":"${draft.type}","v":${RECORD_VERSION}}`
}

function timeJson({ at, event_at, mono_ns }: RecordTime): string {
  const eventAt = event_at === undefined ? '' : `"event_at":"${event_at}",`
  return `{"at":"${at}",${eventAt}"mono_ns":"${mono_ns}"}`
}

function traceJson({ parent_span_id, span_id, synthetic, trace_id }: TraceRef): string {
  const parent = parent_span_id === undefined ? '' : `"parent_span_id":"${parent_span_id}",`
  return `{${parent}"span_id":"${span_id}",${synthetic ? '"synthetic":true,' : ''}"trace_id":"${trace_id}"}`
}
