// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { HrTime, SpanContext, SpanStatus } from '@opentelemetry/api'
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
import type { KnownTools } from './known-tools.ts'
import type { ForeignOptions } from './options.ts'
import type { CallOutcome } from './outcome.ts'
import { errorType } from './outcome.ts'
import type { OutsideNames } from './outside-names.ts'
import type { Recorder } from './recorder.ts'
import type { AuditScope, Scopes } from './scope.ts'
import type { SpanNode } from './span-tree.ts'
import { isWrapped } from './span-tree.ts'

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

/** What a foreign span is, by the filter. */
interface Classified {
  readonly kind: 'tool' | 'task'
  readonly name: string
}

export interface ForeignParts {
  readonly recorder: Recorder
  readonly scopes: Scopes
  readonly tools: KnownTools
  readonly names: OutsideNames
  readonly options: ForeignOptions
  readonly counters: Counters
}

/**
 * Spans made by others, turned into records: best effort, since nothing can be awaited in a
 * processor and a suppressed span never reaches one.
 *
 * A span that shows at its start what it is, and whose tool no wrapper here calls, gets its start
 * record at once. Every other one is recorded when it ends, unless a wrapper recorded the same call
 * below it or around it.
 */
export class ForeignSpans {
  readonly #parts: ForeignParts

  constructor(parts: ForeignParts) {
    this.#parts = parts
  }

  /** The scope of the running code. */
  scope(): AuditScope {
    return this.#parts.scopes.current
  }

  /** A wrapper calls this tool. */
  wrapped(tool: string): void {
    this.#parts.tools.note(tool)
  }

  started(span: ForeignSpan, node: SpanNode): void {
    this.#guard(() => {
      const what = this.#classify(span)
      if (what === undefined || this.#mayBeWrapped(what)) return
      node.call = this.#begin(span, what, { scope: node.scope })
    })
  }

  ended(span: ForeignSpan, node: SpanNode | undefined): void {
    this.#guard(() => {
      const { counters, recorder } = this.#parts
      const open = node?.call ?? this.#late(span, node)
      if (open === undefined) {
        counters.foreignIgnored++
        return
      }
      counters.foreignRecorded++
      recorder.finish(open, outcomeOf(span))
    })
  }

  /** Begins the call of a span that has ended already, if there is one to record. */
  #late(span: ForeignSpan, node: SpanNode | undefined): OpenCall | undefined {
    const what = this.#classify(span)
    if (what === undefined) return undefined
    if (what.kind === 'tool' && node !== undefined && isWrapped(node, what.name)) return undefined
    return this.#begin(span, what, { scope: node?.scope, eventAt: isoOf(span.startTime) })
  }

  #mayBeWrapped({ kind, name }: Classified): boolean {
    return kind === 'tool' && this.#parts.tools.has(name)
  }

  #classify({ attributes, instrumentationScope, name }: ForeignSpan): Classified | undefined {
    const { genAi = true, scopes = [] } = this.#parts.options
    const operation = attributes[ATTR_GEN_AI_OPERATION_NAME]
    const tool = attributes[ATTR_GEN_AI_TOOL_NAME]
    if (genAi && operation === OPERATION_EXECUTE_TOOL) return this.#named('tool', tool, name)
    if (genAi && operation === OPERATION_INVOKE_AGENT) {
      return this.#named('task', attributes[ATTR_GEN_AI_AGENT_NAME], name)
    }
    const isListed = scopes.includes(instrumentationScope.name)
    return isListed ? this.#named('tool', tool, name) : undefined
  }

  #named(kind: Classified['kind'], name: unknown, spanName: string): Classified {
    const given = typeof name === 'string' && name !== '' ? name : spanName
    return { kind, name: this.#parts.names.name(given) }
  }

  #begin(
    span: ForeignSpan,
    { kind, name }: Classified,
    { scope, eventAt }: { readonly scope: AuditScope | undefined; readonly eventAt?: string },
  ): OpenCall {
    const { recorder, tools, names } = this.#parts
    const args = span.attributes[ATTR_GEN_AI_TOOL_CALL_ARGUMENTS]
    const externalId = span.attributes[ATTR_GEN_AI_TOOL_CALL_ID]
    const tool = kind === 'tool' ? tools.get(name) : undefined
    const around = scope ?? this.scope()
    const intent: CallIntent = {
      kind,
      scope: around,
      trace: traceOf(span),
      subjects: around.subjects,
      ...(args !== undefined && { args: [args] }),
      ...(tool ? { tool, authorization: tool.unasked } : { name: name || 'task' }),
      ...(typeof externalId === 'string' && { externalId: names.id(externalId) }),
      ...(eventAt !== undefined && { eventAt }),
    }
    return recorder.begin(intent)
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#parts.counters.fault('foreign span', error)
    }
  }
}

function traceOf(span: ForeignSpan): TraceRef {
  const { spanId, traceId } = span.spanContext()
  const parent = span.parentSpanContext?.spanId
  return {
    ...(parent !== undefined && { parent_span_id: parent }),
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
  const error = { type: errorType(type) ?? 'Error', message: status.message ?? '', frame: '' }
  return { status: 'error', durationNs, ...output, error }
}
