// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { TraceFlags } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-node'

/** The exporter behind the queue: told of what does not come to it. */
export interface CountingExporter extends SpanExporter {
  drop(spans: number, why: string): void
}

/**
 * Spans that wait at most, and what of them is exported at once. More batches than the OTLP exporter
 * sends at a time (30) are refused when everything is flushed together: 16 batches of 512.
 */
const QUEUE = { maxQueueSize: 8_192, maxExportBatchSize: 512 }

/**
 * Ended spans on their way to the exporter, in batches. The SDK's own processor drops what its queue
 * cannot hold with a word to `diag`; here it is counted for `health()`, by never giving it more than
 * it can hold.
 */
export class ViewQueue implements SpanProcessor {
  readonly #exporter: CountingExporter
  readonly #batches: BatchSpanProcessor
  #waiting = 0
  #closed = false

  constructor(exporter: CountingExporter) {
    this.#exporter = exporter
    const leaving: SpanExporter = {
      export: (spans, done) => {
        this.#waiting -= spans.length
        exporter.export(spans, done)
      },
      shutdown: () => exporter.shutdown(),
    }
    this.#batches = new BatchSpanProcessor(leaving, QUEUE)
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
    if (this.#closed) return this.#exporter.drop(1, 'the audit is shut down')
    if (this.#waiting >= QUEUE.maxQueueSize) {
      return this.#exporter.drop(1, 'more spans ended at once than wait for export')
    }
    this.#waiting++
    this.#batches.onEnd(span)
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush()
  }

  shutdown(): Promise<void> {
    this.#closed = true
    return this.#batches.shutdown()
  }
}
