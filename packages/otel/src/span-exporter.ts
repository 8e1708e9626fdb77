// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { context } from '@opentelemetry/api'
import type { ExportResult } from '@opentelemetry/core'
import { ExportResultCode, suppressTracing } from '@opentelemetry/core'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import type { Redactor } from './redact/redact.ts'

/** An exporter under the name that health shows, for instance its address. */
export interface NamedExporter {
  readonly name: string
  readonly exporter: SpanExporter
}

/** What one endpoint has taken. */
export interface ExporterHealth {
  readonly name: string
  exported: number
  failed: number
  lastError: string | undefined
}

export interface SpanExporterParts {
  readonly exporters: readonly NamedExporter[]
  readonly redactor: Redactor
  readonly counters: Counters
  /** Resolves when the records of all spans so far are durable. */
  readonly durable: () => Promise<void>
  /** Tells the pumps that there may be something to ship. */
  readonly nudge: () => void
  /** Resolves when the pumps have shipped what was there, or at their deadline. */
  readonly drain: () => Promise<void>
}

/**
 * Fans a batch of spans out, behind one batch processor: redacts foreign attributes on a copy, hands
 * the batch to each exporter in isolation (a sick one neither delays nor fails another), and nudges
 * the shipping of records.
 *
 * Reports success only once the spans' records are durable. The spans themselves are a view: an
 * endpoint that fails is counted, and loses no evidence.
 */
export class AuditSpanExporter implements SpanExporter {
  readonly #parts: SpanExporterParts
  readonly endpoints: readonly ExporterHealth[]
  #shutdown = false

  constructor(parts: SpanExporterParts) {
    this.#parts = parts
    this.endpoints = parts.exporters.map(({ name }) => ({
      name,
      exported: 0,
      failed: 0,
      lastError: undefined,
    }))
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    if (this.#shutdown) {
      done({ code: ExportResultCode.FAILED, error: new Error('the exporter is shut down') })
      return
    }
    this.#parts.nudge()
    void this.#export(spans).then(done)
  }

  async #export(spans: ReadableSpan[]): Promise<ExportResult> {
    try {
      const copies = spans.map((span) => this.#redacted(span))
      const sent = this.#parts.exporters.map((entry, i) =>
        this.#send(entry, this.endpoints[i] as ExporterHealth, copies),
      )
      await this.#parts.durable()
      const results = await Promise.all(sent)
      this.#parts.counters.spansExported += spans.length
      const failed = results.find((result) => result.code !== ExportResultCode.SUCCESS)
      if (failed !== undefined) this.#parts.counters.spansFailed += spans.length
      return failed ?? { code: ExportResultCode.SUCCESS }
    } catch (error) {
      this.#parts.counters.spansFailed += spans.length
      return {
        code: ExportResultCode.FAILED,
        error: error instanceof Error ? error : new Error(String(error)),
      }
    }
  }

  #send(
    { name, exporter }: NamedExporter,
    health: ExporterHealth,
    spans: ReadableSpan[],
  ): Promise<ExportResult> {
    return new Promise((resolve) => {
      const settled = (result: ExportResult): void => {
        if (result.code === ExportResultCode.SUCCESS) health.exported += spans.length
        else {
          health.failed += spans.length
          health.lastError = reasonOf(result.error)
          this.#parts.counters.warnOnce(
            `otlp ${name}`,
            `spans could not be sent to ${name}: ${health.lastError}`,
          )
        }
        resolve(result)
      }
      try {
        context.with(suppressTracing(context.active()), () => exporter.export(spans, settled))
      } catch (error) {
        settled({
          code: ExportResultCode.FAILED,
          error: error instanceof Error ? error : new Error(String(error)),
        })
      }
    })
  }

  /** A view of the span with redacted attributes, events and status; the span itself stays as it is. */
  #redacted(span: ReadableSpan): ReadableSpan {
    const { redactor } = this.#parts
    const events = span.events.map((event) =>
      event.attributes === undefined
        ? event
        : { ...event, attributes: redactor.attributes(event.attributes) },
    )
    const { message } = span.status
    return Object.create(span, {
      attributes: { value: redactor.attributes(span.attributes), enumerable: true },
      events: { value: events, enumerable: true },
      status: {
        value:
          message === undefined ? span.status : { ...span.status, message: redactor.text(message) },
        enumerable: true,
      },
    }) as ReadableSpan
  }

  /** Drains both legs: spans to their endpoints, records to their sinks. */
  async forceFlush(): Promise<void> {
    const flushes = this.#parts.exporters.map(({ exporter }) => exporter.forceFlush?.())
    await Promise.allSettled([...flushes, this.#parts.drain()])
  }

  async shutdown(): Promise<void> {
    if (this.#shutdown) return
    this.#shutdown = true
    await Promise.allSettled(this.#parts.exporters.map(({ exporter }) => exporter.shutdown()))
  }
}
