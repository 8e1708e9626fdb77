// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Context, HrTime, SpanContext, SpanStatus } from '@opentelemetry/api'
import { SpanStatusCode } from '@opentelemetry/api'
import type { TraceRef } from '@spanseal/core'
import {
  ATTR_ERROR_TYPE,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_TOOL_CALL_ARGUMENTS,
  ATTR_GEN_AI_TOOL_CALL_ID,
  ATTR_GEN_AI_TOOL_CALL_RESULT,
  ATTR_GEN_AI_TOOL_NAME,
  OPERATION_EXECUTE_TOOL,
  OPERATION_INVOKE_AGENT,
} from '@spanseal/core'
import type { CallIntent, OpenCall } from './call.ts'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import { mendedId, mendedName } from './mended-names.ts'
import type { ForeignOptions } from './options.ts'
import type { CallOutcome } from './outcome.ts'
import type { Recorder } from './recorder.ts'
import type { AuditScope } from './scope.ts'
import { currentScope } from './scope.ts'
import type { RegisteredTool } from './tool-definition.ts'
import { outsideTool } from './tool-definition.ts'

/** What is read of a foreign span, alike in SDK 2.x and 3.x. */
export interface ForeignSpan {
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly startTime: HrTime
  readonly duration: HrTime
  readonly status: SpanStatus
  readonly parentSpanContext?: SpanContext | undefined
  readonly instrumentationScope: { readonly name: string }
  spanContext(): SpanContext
}

interface Watched {
  call: OpenCall | undefined
  covered: boolean
}

/** What a foreign span is, by the filter. */
interface Classified {
  readonly kind: 'tool' | 'task'
  readonly name: string
}

export interface ForeignParts {
  readonly recorder: Recorder
  readonly rootScope: AuditScope
  readonly tools: ReadonlyMap<string, RegisteredTool>
  readonly options: ForeignOptions
  readonly counters: Counters
}

/**
 * Spans made by others, turned into records: best effort, since nothing can be awaited in a
 * processor and a suppressed span never reaches one.
 *
 * A span that shows at its start what it is, and whose tool no wrapper here registered, gets its
 * start record at once. Every other one is recorded when it ends, unless a wrapper recorded the same
 * call below it.
 */
export class ForeignSpans {
  readonly #parts: ForeignParts
  readonly #watched = new WeakMap<object, Watched>()

  constructor(parts: ForeignParts) {
    this.#parts = parts
  }

  started(span: ForeignSpan, _parentContext: Context): void {
    this.#guard(() => {
      const watched: Watched = { call: undefined, covered: false }
      this.#watched.set(span, watched)
      const what = this.#classify(span)
      if (what === undefined || this.#parts.tools.has(what.name)) return
      watched.call = this.#begin(span, what)
    })
  }

  ended(span: ForeignSpan): void {
    this.#guard(() => {
      const watched = this.#watched.get(span)
      const what = this.#classify(span)
      if (watched?.covered === true || (what === undefined && watched?.call === undefined)) {
        this.#parts.counters.foreignIgnored++
        return
      }
      const call = watched?.call ?? this.#begin(span, what as Classified, isoOf(span.startTime))
      this.#parts.counters.foreignRecorded++
      this.#parts.recorder.finish(call, outcomeOf(span))
    })
  }

  /** A wrapper records the call that `span` shows. */
  cover(span: object, toolName: string): void {
    const watched = this.#watched.get(span)
    if (watched === undefined || watched.call !== undefined) return
    this.#guard(() => {
      const what = this.#classify(span as ForeignSpan)
      if (what?.kind === 'tool' && what.name === toolName) watched.covered = true
    })
  }

  #classify({ attributes, instrumentationScope, name }: ForeignSpan): Classified | undefined {
    const { genAi = true, scopes = [] } = this.#parts.options
    const operation = attributes[ATTR_GEN_AI_OPERATION_NAME]
    const tool = attributes[ATTR_GEN_AI_TOOL_NAME]
    if (genAi && operation === OPERATION_EXECUTE_TOOL) {
      return { kind: 'tool', name: textOr(tool, name) }
    }
    if (genAi && operation === OPERATION_INVOKE_AGENT) {
      return { kind: 'task', name: textOr(attributes[ATTR_GEN_AI_AGENT_NAME], name) }
    }
    if (scopes.includes(instrumentationScope.name))
      return { kind: 'tool', name: textOr(tool, name) }
    return undefined
  }

  #begin(span: ForeignSpan, { kind, name }: Classified, eventAt?: string): OpenCall {
    const args = span.attributes[ATTR_GEN_AI_TOOL_CALL_ARGUMENTS]
    const externalId = span.attributes[ATTR_GEN_AI_TOOL_CALL_ID]
    const safeName = mendedName(name)
    const tool = this.#parts.tools.get(name) ?? outsideTool({ name: safeName, type: 'function' })
    const intent: CallIntent = {
      kind,
      scope: currentScope() ?? this.#parts.rootScope,
      trace: traceOf(span),
      subjects: [],
      ...(args === undefined ? {} : { args: [args] }),
      ...(kind === 'tool' ? { tool, authorization: tool.unasked } : { name: safeName }),
      ...(typeof externalId === 'string' ? { externalId: mendedId(externalId) } : {}),
      ...(eventAt === undefined ? {} : { eventAt }),
    }
    return this.#parts.recorder.begin(intent)
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#parts.counters.internalErrors++
      this.#parts.counters.warnOnce(
        'foreign',
        `a foreign span could not be recorded: ${reasonOf(error)}`,
      )
    }
  }
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback
}

function traceOf(span: ForeignSpan): TraceRef {
  const { spanId, traceId } = span.spanContext()
  const parent = span.parentSpanContext?.spanId
  return {
    ...(parent === undefined ? {} : { parent_span_id: parent }),
    span_id: spanId,
    trace_id: traceId,
  }
}

function isoOf([seconds, nanos]: HrTime): string {
  return new Date(seconds * 1000 + nanos / 1e6).toISOString()
}

function outcomeOf({ status, attributes, duration }: ForeignSpan): CallOutcome {
  const durationNs = BigInt(duration[0]) * 1_000_000_000n + BigInt(Math.round(duration[1]))
  const result = attributes[ATTR_GEN_AI_TOOL_CALL_RESULT]
  const output = result === undefined ? {} : { output: { value: result } }
  const type = attributes[ATTR_ERROR_TYPE]
  if (status.code !== SpanStatusCode.ERROR && type === undefined) {
    return { status: 'success', durationNs, ...output }
  }
  const errorType = typeof type === 'string' && /^[\w.$]{1,128}$/.test(type) ? type : 'Error'
  const error = { type: errorType, message: status.message ?? '', frame: '' }
  return { status: 'error', durationNs, ...output, error }
}
