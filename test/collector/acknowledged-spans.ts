// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as sleep } from 'node:timers/promises'
import type { Tracer } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import type { SpanExporter } from '@opentelemetry/sdk-trace-node'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

/** A tracer without spanseal, and the ids of the spans whose arrival has been acknowledged. */
export interface AcknowledgedSpans {
  readonly tracer: Tracer
  readonly acknowledged: ReadonlySet<string>
  /** Resolves when all spans ended so far are acknowledged; rejects when some were given up. */
  readonly flush: () => Promise<void>
  readonly shutdown: () => Promise<void>
}

/** Sends to the OTLP endpoint in batches of at most ten spans. */
export function acknowledgedSpans(otlpHttp: string): AcknowledgedSpans {
  const acknowledged = new Set<string>()
  const inner = new OTLPTraceExporter({
    url: `${otlpHttp}/v1/traces`,
    // A busy Collector is no reason to give spans up.
    timeoutMillis: 60_000,
    // A flush sends all batches at once.
    concurrencyLimit: 1_000,
  })
  let inFlight = 0
  const exporter: SpanExporter = {
    export: (spans, done) => {
      inFlight++
      inner.export(spans, (result) => {
        inFlight--
        if (result.code === 0) {
          for (const span of spans) acknowledged.add(span.spanContext().spanId)
        }
        done(result)
      })
    },
    forceFlush: () => inner.forceFlush(),
    shutdown: () => inner.shutdown(),
  }
  const settings = {
    maxExportBatchSize: 10,
    scheduledDelayMillis: 50,
    exportTimeoutMillis: 120_000,
  }
  const processor = new BatchSpanProcessor(exporter, settings)
  const provider = new NodeTracerProvider({ spanProcessors: [processor] })
  return {
    tracer: provider.getTracer('collector-test'),
    acknowledged,
    flush: async () => {
      await provider.forceFlush()
      // The processor does not wait for a batch that its timer had already sent off.
      while (inFlight > 0) await sleep(5)
    },
    shutdown: () => provider.shutdown(),
  }
}
