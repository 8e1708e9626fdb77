// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { context } from '@opentelemetry/api'
import type { ExportResult } from '@opentelemetry/core'
import { ExportResultCode, suppressTracing } from '@opentelemetry/core'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node'
import type { Counters } from './counters.ts'

/** An exporter under the name that health shows, for instance its address. */
export interface NamedExporter {
  readonly name: string
  readonly exporter: SpanExporter
  /** What the endpoint refused of the batch that was just sent; asked once after each. */
  readonly takeRejection?: () => Rejection | undefined
}

/** What an endpoint that took a batch says of it: a partial success of OTLP. */
export interface Rejection {
  /** Spans of the batch that it did not take; 0 with a reason is a mere warning. */
  readonly spans: number
  /** In the endpoint's words; may be empty. */
  readonly reason: string
}

/** What one endpoint has taken; counts of spans, each of which is in one of the five. */
export interface ExporterHealth {
  readonly name: string
  /** Taken by the endpoint, as far as it says. */
  readonly exported: number
  /** In requests that failed after the exporter's own attempts. */
  readonly failed: number
  /** Refused by the endpoint in requests that it took otherwise (`partial_success`). */
  readonly rejected: number
  /** Never sent, because a queue was full or closed. */
  readonly dropped: number
  /** Waiting, or being sent. */
  readonly pending: number
  /** The last failure, rejection or warning; none since the last batch that was taken whole. */
  readonly lastError: string | undefined
}

/** Spans that an endpoint does not have, and will not get. */
export function holesOf({ failed, rejected, dropped }: ExporterHealth): number {
  return failed + rejected + dropped
}

/** As many spans wait for one endpoint as wait in the batch processor. */
const PENDING_SPANS_MAX = 8_192

/**
 * One endpoint with a queue of its own, one batch under way at a time: however long it takes, no other
 * endpoint waits for it. Spans that do not fit the queue are dropped and counted; they are a view, and
 * their records are in the journal.
 */
export class OtlpLeg {
  readonly #name: string
  readonly #exporter: SpanExporter
  readonly #takeRejection: NamedExporter['takeRejection']
  readonly #counters: Counters
  readonly #queue: ReadableSpan[][] = []
  #sending = false
  #pending = 0
  #exported = 0
  #failed = 0
  #rejected = 0
  #dropped = 0
  #lastError: string | undefined
  #waiting: (() => void)[] = []

  constructor({ name, exporter, takeRejection }: NamedExporter, counters: Counters) {
    this.#name = name
    this.#exporter = exporter
    this.#takeRejection = takeRejection
    this.#counters = counters
  }

  get health(): ExporterHealth {
    return {
      name: this.#name,
      exported: this.#exported,
      failed: this.#failed,
      rejected: this.#rejected,
      dropped: this.#dropped,
      pending: this.#pending,
      lastError: this.#lastError,
    }
  }

  send(spans: ReadableSpan[]): void {
    if (this.#pending + spans.length > PENDING_SPANS_MAX) {
      return this.drop(spans.length, 'its queue is full')
    }
    this.#pending += spans.length
    this.#queue.push(spans)
    this.#next()
  }

  /** Counts spans that will not be sent. */
  drop(spans: number, why: string): void {
    this.#dropped += spans
    this.#say('are not sent', new Error(why))
  }

  #next(): void {
    if (this.#sending) return
    const spans = this.#queue.shift()
    if (spans === undefined) {
      for (const resolve of this.#waiting.splice(0)) resolve()
      return
    }
    this.#sending = true
    let settled = false
    const done = ({ code, error }: ExportResult): void => {
      if (settled) return
      settled = true
      this.#sending = false
      this.#pending -= spans.length
      if (code === ExportResultCode.SUCCESS) this.#taken(spans.length)
      else {
        this.#failed += spans.length
        this.#say('could not be sent', error)
      }
      // Not in this call: an exporter that answers at once would nest as deep as the queue is long.
      queueMicrotask(() => this.#next())
    }
    try {
      context.with(suppressTracing(context.active()), () => this.#exporter.export(spans, done))
    } catch (error) {
      done({ code: ExportResultCode.FAILED, error: error as Error })
    }
  }

  #taken(spans: number): void {
    const rejection = this.#takeRejection?.()
    // An endpoint may say anything: it cannot refuse more than it was given.
    const rejected = Math.min(rejection?.spans ?? 0, spans)
    this.#rejected += rejected
    this.#exported += spans - rejected
    if (rejection === undefined) this.#lastError = undefined
    else {
      const { reason } = rejection
      const error = new Error(reason === '' ? 'it gave no reason' : reason)
      this.#say(
        rejected > 0 ? `were refused (${rejected} of ${spans})` : 'came to a warning',
        error,
      )
    }
  }

  #say(what: string, error: unknown): void {
    const kind = `otlp ${this.#name} ${what}`
    this.#lastError = this.#counters.reportOnce(kind, `spans for ${this.#name} ${what}`, error)
  }

  /** Resolves when nothing is pending any more, which may take as long as the exporter does. */
  async drained(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    await this.#exporter.forceFlush?.()
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown()
  }
}
