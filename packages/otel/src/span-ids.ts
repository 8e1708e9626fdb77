// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Span } from '@opentelemetry/api'
import { isSpanContextValid } from '@opentelemetry/api'
import { RandomIdGenerator } from '@opentelemetry/sdk-trace-node'
import type { TraceRef } from '@spanseal/core'

const ids = new RandomIdGenerator()

/**
 * The ids under which a span's records stand: the span's own, or made here and marked synthetic
 * where OpenTelemetry gives none (suppressed, disabled, no provider).
 */
export function traceRefOf(span: Span | undefined, parent: TraceRef | undefined): TraceRef {
  const context = span?.spanContext()
  if (span === undefined || context === undefined || !isSpanContextValid(context)) {
    return {
      ...(parent === undefined ? {} : { parent_span_id: parent.span_id }),
      span_id: ids.generateSpanId(),
      synthetic: true,
      trace_id: parent?.trace_id ?? ids.generateTraceId(),
    }
  }
  const own = { span_id: context.spanId, trace_id: context.traceId }
  const parentId =
    parentSpanId(span) ?? (parent?.trace_id === own.trace_id ? parent.span_id : undefined)
  return parentId === undefined ? own : { parent_span_id: parentId, ...own }
}

// A span that does not record has ids but no parent to ask for.
function parentSpanId(span: Span): string | undefined {
  return (span as { readonly parentSpanContext?: { readonly spanId: string } }).parentSpanContext
    ?.spanId
}
