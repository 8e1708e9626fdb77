// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Context } from '@opentelemetry/api'
import { context } from '@opentelemetry/api'
import type { CallIntent, CallRecords, OpenCall } from './call.ts'
import type { OpenSpan, OwnWriting } from './call-spans.ts'
import type { ForeignSpan, ForeignSpans } from './foreign-spans.ts'
import type { CallOutcome } from './outcome.ts'
import type { Recorder } from './recorder.ts'
import { SpanTree } from './span-tree.ts'

export interface SpanProcessorParts {
  readonly recorder: Recorder
  readonly foreign: ForeignSpans
  /** Resolves when all records so far are as durable as configured. */
  readonly flush: () => Promise<void>
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
  /** @internal */
  readonly recorder: Recorder
  readonly #foreign: ForeignSpans
  readonly #flush: () => Promise<void>
  readonly #tree = new SpanTree()
  /** True only while a wrapper starts its own span; startSpan calls onStart synchronously. */
  #owning = false

  constructor({ recorder, foreign, flush }: SpanProcessorParts) {
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

  /**
   * Runs `start`, whose span belongs to a wrapper: it records the call of `tool` that the span shows,
   * and so no foreign span above that shows the same call is recorded.
   *
   * @internal
   */
  owning(tool: string | undefined, start: () => OpenSpan): OpenSpan {
    const before = this.#owning
    this.#owning = true
    try {
      const above = context.active()
      const opened = start()
      const { span } = opened
      const { wrote } = opened
      if (span !== undefined) this.#tree.add(span, above, { wrote, tool, scope: undefined })
      if (tool !== undefined) {
        opened.begun = this.#tree.noteWrapped(above, tool)
        this.#foreign.wrapped(tool)
      }
      return opened
    } finally {
      this.#owning = before
    }
  }

  /** What a wrapper of this audit wrote on the span, where one started it. */
  wroteOn(span: object): OwnWriting | undefined {
    return this.#tree.get(span)?.wrote
  }

  onStart(span: object, parentContext: Context): void {
    if (this.#owning) return
    const scope = this.#foreign.scope()
    const node = this.#tree.add(span, parentContext, { wrote: undefined, tool: undefined, scope })
    this.#foreign.started(span as ForeignSpan, node)
  }

  onEnd(span: object): void {
    const node = this.#tree.get(span)
    if (node?.wrote === undefined) this.#foreign.ended(span as ForeignSpan, node)
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
