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
}

/** What one endpoint has taken; counts of spans. */
export interface ExporterHealth {
  readonly name: string
  readonly exported: number
  readonly failed: number
  /** Waiting, or being sent. */
  readonly pending: number
  readonly lastError: string | undefined
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
  readonly #counters: Counters
  readonly #queue: ReadableSpan[][] = []
  #sending = false
  #pending = 0
  #exported = 0
  #failed = 0
  #lastError: string | undefined
  #waiting: (() => void)[] = []

  constructor({ name, exporter }: NamedExporter, counters: Counters) {
    this.#name = name
    this.#exporter = exporter
    this.#counters = counters
  }

  get health(): ExporterHealth {
    return {
      name: this.#name,
      exported: this.#exported,
      failed: this.#failed,
      pending: this.#pending,
      lastError: this.#lastError,
    }
  }

  send(spans: ReadableSpan[]): void {
    if (this.#pending + spans.length > PENDING_SPANS_MAX) {
      this.#lost(spans.length, new Error('its queue is full'))
      return
    }
    this.#pending += spans.length
    this.#queue.push(spans)
    this.#next()
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
      if (code === ExportResultCode.SUCCESS) this.#exported += spans.length
      else this.#lost(spans.length, error)
      // Not in this call: an exporter that answers at once would nest as deep as the queue is long.
      queueMicrotask(() => this.#next())
    }
    try {
      context.with(suppressTracing(context.active()), () => this.#exporter.export(spans, done))
    } catch (error) {
      done({ code: ExportResultCode.FAILED, error: error as Error })
    }
  }

  #lost(spans: number, error: unknown): void {
    this.#failed += spans
    const what = `spans could not be sent to ${this.#name}`
    this.#lastError = this.#counters.reportOnce(`otlp ${this.#name}`, what, error)
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
