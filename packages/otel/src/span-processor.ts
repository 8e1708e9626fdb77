// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Context, HrTime, Span } from '@opentelemetry/api'
import { trace } from '@opentelemetry/api'
import type { CallIntent, CallRecords, OpenCall } from './call.ts'
import type { ForeignSpan } from './foreign-spans.ts'
import { ForeignSpans } from './foreign-spans.ts'
import type { CallOutcome } from './outcome.ts'
import type { Recorder } from './recorder.ts'

/** What this processor reads of a span: the same in OpenTelemetry SDK 2.x and 3.x. */
export interface ProcessedSpan extends ForeignSpan {
  readonly startTime: HrTime
}

/**
 * The inlet of all evidence. Wrappers and instrumentations call {@link begin} and {@link finish}; the
 * SDK calls {@link onStart} and {@link onEnd}, which do the same for spans that others make and
 * return at once for spans that a wrapper owns, so that no call is recorded twice.
 *
 * Typed structurally: it is a `SpanProcessor` of SDK 2.x and 3.x. Register it before other
 * processors. Never throws.
 */
export class AuditSpanProcessor {
  readonly recorder: Recorder
  readonly #foreign: ForeignSpans
  readonly #flush: () => Promise<void>
  /** True only while a wrapper starts its own span; startSpan calls onStart synchronously. */
  #owning = false
  readonly #owned = new WeakSet<object>()

  constructor(recorder: Recorder, foreign: ForeignSpans, flush: () => Promise<void>) {
    this.recorder = recorder
    this.#foreign = foreign
    this.#flush = flush
  }

  /** Records the intent of a call. */
  begin(intent: CallIntent): OpenCall {
    return this.recorder.begin(intent)
  }

  /** Records the outcome of a call. */
  finish(call: OpenCall, outcome: CallOutcome): CallRecords {
    return this.recorder.finish(call, outcome)
  }

  /** Runs `start`; a span started in it belongs to a wrapper. */
  owning<T>(start: () => T): T {
    const before = this.#owning
    this.#owning = true
    try {
      return start()
    } finally {
      this.#owning = before
    }
  }

  /**
   * Says that a wrapper records the call that the active foreign span shows, so that the span is not
   * recorded as well: the wrapper sees the values, the span does not.
   */
  cover(context: Context, toolName: string): void {
    const span = trace.getSpan(context)
    if (span !== undefined && !this.#owned.has(span)) this.#foreign.cover(span, toolName)
  }

  onStart(span: Span, parentContext: Context): void {
    if (this.#owning) {
      this.#owned.add(span)
      return
    }
    this.#foreign.started(span as unknown as ProcessedSpan, parentContext)
  }

  onEnd(span: object): void {
    if (!this.#owned.has(span)) this.#foreign.ended(span as ProcessedSpan)
  }

  /** Resolves when all records so far are as durable as configured. */
  forceFlush(): Promise<void> {
    return this.#flush()
  }

  /** Flushes; the journal stays open until `audit.shutdown()`, for calls that outlive the provider. */
  shutdown(): Promise<void> {
    return this.#flush()
  }
}
