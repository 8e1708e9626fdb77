// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes, Context, Span, SpanKind, Tracer } from '@opentelemetry/api'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import type { TraceRef } from '@spanseal/core'
import {
  ATTR_ERROR_TYPE,
  ATTR_INPUT_HASH,
  ATTR_INVOCATION_DURATION_MS,
  ATTR_INVOCATION_STATUS,
  ATTR_OUTPUT_HASH,
  ATTR_SPANSEAL_AUTHORIZATION,
  ATTR_SPANSEAL_END_EPOCH,
  ATTR_SPANSEAL_END_HASH,
  ATTR_SPANSEAL_END_SEQ,
  ATTR_SPANSEAL_EPOCH,
  ATTR_SPANSEAL_START_HASH,
  ATTR_SPANSEAL_START_SEQ,
  ATTR_SPANSEAL_UNRECORDED,
  commitmentText,
} from '@spanseal/core'
import type { AppendedRecord } from '@spanseal/journal'
import type { CallRecords, OpenCall } from './call.ts'
import type { CallOutcome } from './outcome.ts'
import { traceRefOf } from './span-ids.ts'

/** What a wrapper itself wrote on its span: the tool inside may write there as well. */
export interface OwnWriting {
  readonly name: string
  readonly start: Attributes
  end?: Attributes
}

/** A span and the context below it; the span is a view of the records, never their source. */
export interface OpenSpan {
  readonly span: Span | undefined
  readonly context: Context
  readonly trace: TraceRef
  readonly wrote: OwnWriting
  /** The call that a foreign span above recorded at its start, where it is the same. */
  begun?: OpenCall | undefined
  ended: boolean
}

export interface SpanRequest {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
  /** The record above, for ids where OpenTelemetry gives none. */
  readonly parent: TraceRef | undefined
  /** The context to start in; default the active one. */
  readonly below?: Context | undefined
}

/** Starts a span; where OpenTelemetry fails or gives no ids, ids are made. Never throws. */
export function openSpan(tracer: Tracer | undefined, request: SpanRequest): OpenSpan {
  const below = request.below ?? context.active()
  let span: Span | undefined
  try {
    const { name, kind, attributes } = request
    span = tracer?.startSpan(name, { kind, attributes }, below)
  } catch {
    span = undefined // a foreign processor threw in onStart
  }
  const ref = traceRefOf(span, request.parent)
  const inside = span === undefined || ref.synthetic === true ? below : trace.setSpan(below, span)
  const wrote = { name: request.name, start: request.attributes }
  return { span, context: inside, trace: ref, wrote, ended: false }
}

/** Puts the pointer to a record on the span. Never throws. */
export function pointTo({ span, wrote }: OpenSpan, record: AppendedRecord | undefined): void {
  if (span === undefined) return
  const attributes = record === undefined ? { [ATTR_SPANSEAL_UNRECORDED]: true } : pointerTo(record)
  wrote.end = attributes
  guarded(() => span.setAttributes(attributes))
}

function pointerTo({ epoch, seq, leaf }: AppendedRecord): Attributes {
  return {
    [ATTR_SPANSEAL_EPOCH]: epoch,
    [ATTR_SPANSEAL_START_SEQ]: seq,
    [ATTR_SPANSEAL_START_HASH]: leaf,
  }
}

/** Puts outcome and pointers to both records on the span, and ends it, once. Never throws. */
export function endSpan(open: OpenSpan, call: OpenCall, ended: EndedCall): void {
  const { span } = open
  if (span === undefined || open.ended) return
  open.ended = true
  const attributes = endAttributes(call, ended)
  open.wrote.end = attributes
  guarded(() => span.setAttributes(attributes))
  const { status } = ended.outcome
  // What nobody knows is no error; the message may hold content, the type is what a viewer gets.
  if (status !== 'success' && status !== 'unknown') {
    const message = ended.records.errorType ?? status
    guarded(() => span.setStatus({ code: SpanStatusCode.ERROR, message }))
  }
  guarded(() => span.end())
}

/** Ends the span of a call that outlives the audit: nobody will know how the call ended. */
export function abandonSpan(open: OpenSpan, call: OpenCall): void {
  const durationNs = process.hrtime.bigint() - call.startedNs
  const nothing = { end: undefined, output: undefined, errorType: undefined }
  const records = { start: call.start, durationNs, ...nothing }
  endSpan(open, call, { outcome: { status: 'unknown' }, records })
}

export interface EndedCall {
  readonly outcome: CallOutcome
  readonly records: CallRecords
}

function endAttributes(
  { start, input, intent }: OpenCall,
  { outcome: { status }, records }: EndedCall,
): Attributes {
  const { end, output, durationNs, errorType } = records
  const attributes: Attributes = {
    [ATTR_INVOCATION_STATUS]: status,
    [ATTR_INVOCATION_DURATION_MS]: Number(durationNs) / 1e6,
  }
  if (start === undefined) attributes[ATTR_SPANSEAL_UNRECORDED] = true
  else Object.assign(attributes, pointerTo(start))
  if (input !== undefined) attributes[ATTR_INPUT_HASH] = commitmentText(input)
  if (output !== undefined) attributes[ATTR_OUTPUT_HASH] = commitmentText(output)
  if (intent.authorization !== undefined) {
    attributes[ATTR_SPANSEAL_AUTHORIZATION] = intent.authorization.decision
  }
  if (end !== undefined) {
    attributes[ATTR_SPANSEAL_END_SEQ] = end.seq
    attributes[ATTR_SPANSEAL_END_HASH] = end.leaf
    if (end.epoch !== start?.epoch) attributes[ATTR_SPANSEAL_END_EPOCH] = end.epoch
  }
  if (status !== 'success' && status !== 'unknown')
    attributes[ATTR_ERROR_TYPE] = errorType ?? status
  return attributes
}

function guarded(run: () => void): void {
  try {
    run()
  } catch {
    // A foreign processor threw: its fault must not become the tool's.
  }
}
