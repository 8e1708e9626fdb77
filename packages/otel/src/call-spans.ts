// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes, Context, Span, SpanKind, Tracer } from '@opentelemetry/api'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import type { TraceRef } from '@spanseal/core'
import {
  ATTR_AGENT_ID,
  ATTR_DATA_CLASSIFICATION,
  ATTR_ERROR_TYPE,
  ATTR_GEN_AI_AGENT_ID,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_AGENT_VERSION,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_TOOL_CALL_ID,
  ATTR_GEN_AI_TOOL_NAME,
  ATTR_GEN_AI_TOOL_TYPE,
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
  ATTR_TASK_ID,
  ATTR_TOOL_NAME,
  ATTR_TOOL_PUBLISHER,
  ATTR_TOOL_TRUST_LEVEL,
  ATTR_TOOL_VERSION,
  commitmentText,
  OPERATION_EXECUTE_TOOL,
  OPERATION_INVOKE_AGENT,
} from '@spanseal/core'
import type { CallRecords, OpenCall } from './call.ts'
import type { CallOutcome } from './outcome.ts'
import type { AuditScope } from './scope.ts'
import { traceRefOf } from './span-ids.ts'
import type { RegisteredTool } from './tool-definition.ts'

/** A span and the context below it; the span is a view of the records, never their source. */
export interface OpenSpan {
  readonly span: Span | undefined
  readonly context: Context
  readonly trace: TraceRef
}

export interface SpanRequest {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
  /** The record above, for ids where OpenTelemetry gives none. */
  readonly parent: TraceRef | undefined
  /** The context to start in; default the active one. */
  readonly below?: Context
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
  return { span, context: inside, trace: ref }
}

/** What a tool's span says before the tool runs. */
export function toolAttributes(
  { definition, tool }: RegisteredTool,
  { actor, context: { value }, taskId }: AuditScope,
  externalId: string | undefined,
): Attributes {
  const classifications = [...value.data_classifications, ...(definition.classifications ?? [])]
  return {
    [ATTR_GEN_AI_OPERATION_NAME]: OPERATION_EXECUTE_TOOL,
    [ATTR_GEN_AI_TOOL_NAME]: tool.value.name,
    [ATTR_GEN_AI_TOOL_TYPE]: tool.value.type,
    [ATTR_GEN_AI_AGENT_ID]: actor.value.agent.id,
    ...(externalId === undefined ? {} : { [ATTR_GEN_AI_TOOL_CALL_ID]: externalId }),
    [ATTR_TOOL_NAME]: tool.value.name,
    [ATTR_TOOL_VERSION]: tool.value.version,
    [ATTR_TOOL_PUBLISHER]: tool.value.publisher,
    [ATTR_TOOL_TRUST_LEVEL]: tool.value.trust_level,
    [ATTR_AGENT_ID]: actor.value.agent.id,
    [ATTR_TASK_ID]: taskId,
    [ATTR_DATA_CLASSIFICATION]: classifications.join(','),
  }
}

/** What a task's span says. */
export function taskAttributes({ actor, taskId }: AuditScope): Attributes {
  const { agent, conversation } = actor.value
  const { id, name, version } = agent
  return {
    [ATTR_GEN_AI_OPERATION_NAME]: OPERATION_INVOKE_AGENT,
    [ATTR_GEN_AI_AGENT_ID]: id,
    ...(name === undefined ? {} : { [ATTR_GEN_AI_AGENT_NAME]: name }),
    ...(version === undefined ? {} : { [ATTR_GEN_AI_AGENT_VERSION]: version }),
    ...(conversation === undefined ? {} : { [ATTR_GEN_AI_CONVERSATION_ID]: conversation }),
    [ATTR_AGENT_ID]: id,
    [ATTR_TASK_ID]: taskId,
  }
}

/** Puts the pointer to the start record on the span. Never throws. */
export function pointToStart({ span }: OpenSpan, call: OpenCall): void {
  const { start, input, intent } = call
  guarded(() => {
    if (start === undefined) {
      span?.setAttribute(ATTR_SPANSEAL_UNRECORDED, true)
      return
    }
    span?.setAttributes({
      [ATTR_SPANSEAL_EPOCH]: start.epoch,
      [ATTR_SPANSEAL_START_SEQ]: start.seq,
      [ATTR_SPANSEAL_START_HASH]: start.leaf,
      ...(input === undefined ? {} : { [ATTR_INPUT_HASH]: commitmentText(input) }),
      ...(intent.authorization === undefined
        ? {}
        : { [ATTR_SPANSEAL_AUTHORIZATION]: intent.authorization.decision }),
    })
  })
}

/** Puts outcome and pointer to the end record on the span, and ends it. Never throws. */
export function endSpan({ span }: OpenSpan, outcome: CallOutcome, records: CallRecords): void {
  if (span === undefined) return
  const { start, end, output, durationNs } = records
  guarded(() => {
    span.setAttributes({
      [ATTR_INVOCATION_STATUS]: outcome.status,
      [ATTR_INVOCATION_DURATION_MS]: Number(durationNs) / 1e6,
      ...(output === undefined ? {} : { [ATTR_OUTPUT_HASH]: commitmentText(output) }),
      ...(end === undefined
        ? {}
        : { [ATTR_SPANSEAL_END_SEQ]: end.seq, [ATTR_SPANSEAL_END_HASH]: end.leaf }),
      ...(end === undefined || end.epoch === start?.epoch
        ? {}
        : { [ATTR_SPANSEAL_END_EPOCH]: end.epoch }),
    })
    if (outcome.status !== 'success') {
      const type = outcome.error?.type ?? outcome.status
      span.setAttribute(ATTR_ERROR_TYPE, type)
      // The message may hold content: the type is what a viewer gets.
      span.setStatus({ code: SpanStatusCode.ERROR, message: type })
    }
  })
  guarded(() => span.end())
}

function guarded(run: () => void): void {
  try {
    run()
  } catch {
    // A foreign processor threw in onEnd: its fault must not become the tool's.
  }
}
