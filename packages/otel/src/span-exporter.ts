// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ExportResult } from '@opentelemetry/core'
import { ExportResultCode } from '@opentelemetry/core'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node'
import type { Counters } from './counters.ts'
import type { ExporterHealth, NamedExporter } from './otlp-leg.ts'
import { OtlpLeg } from './otlp-leg.ts'
import type { SpanRedactor } from './span-redaction.ts'

export interface SpanExporterParts {
  readonly exporters: readonly NamedExporter[]
  readonly redact: SpanRedactor
  readonly counters: Counters
  /** Resolves when the records that these spans point to are durable, rejects when they are not. */
  readonly durable: (spans: readonly ReadableSpan[]) => Promise<void>
  /** Tells the pumps that there may be something to ship. */
  readonly nudge: () => void
  /** Resolves when the pumps have shipped what was there, or at their deadline. */
  readonly drain: () => Promise<void>
}

/**
 * Fans a batch of spans out, behind one batch processor: redacts what others wrote on them on a copy,
 * gives the batch to every endpoint's queue (a sick endpoint neither delays nor fails another), and
 * nudges the shipping of records.
 *
 * Reports success as soon as the spans' records are durable. The spans themselves are a view: an
 * endpoint that fails is counted and named in `health()`, and loses no evidence.
 */
export class AuditSpanExporter implements SpanExporter {
  readonly #parts: SpanExporterParts
  readonly #legs: readonly OtlpLeg[]
  #shutdown: Promise<void> | undefined

  constructor(parts: SpanExporterParts) {
    this.#parts = parts
    this.#legs = parts.exporters.map((exporter) => new OtlpLeg(exporter, parts.counters))
  }

  /** What each endpoint has taken. */
  get endpoints(): ExporterHealth[] {
    return this.#legs.map((leg) => leg.health)
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const failed = (error: unknown): void => {
      done({ code: ExportResultCode.FAILED, error: error as Error })
    }
    if (this.#shutdown !== undefined) return failed(new Error('the exporter is shut down'))
    try {
      this.#parts.counters.spansExported += spans.length
      const copies = this.#legs.length === 0 ? [] : spans.map(this.#parts.redact)
      for (const leg of this.#legs) leg.send(copies)
      this.#parts.nudge()
    } catch (error) {
      return failed(error)
    }
    const succeeded = (): void => done({ code: ExportResultCode.SUCCESS })
    this.#parts.durable(spans).then(succeeded, failed)
  }

  /** Counts, for every endpoint, spans that will not come to {@link export}. */
  drop(spans: number, why: string): void {
    for (const leg of this.#legs) leg.drop(spans, why)
  }

  /** Drains both legs: spans to their endpoints, records to their sinks. */
  async forceFlush(): Promise<void> {
    const drains = this.#legs.map((leg) => leg.drained())
    await Promise.allSettled([...drains, this.#parts.drain()])
  }

  /** Sends what is queued and lets go of the endpoints. Idempotent. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#close()
    return this.#shutdown
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#legs.map((leg) => leg.drained()))
    await Promise.allSettled(this.#legs.map((leg) => leg.shutdown()))
  }
}
