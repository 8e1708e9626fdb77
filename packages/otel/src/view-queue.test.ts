// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ExportResult } from '@opentelemetry/core'
import { ExportResultCode } from '@opentelemetry/core'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { InMemorySpanExporter, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { expect, it, onTestFinished } from 'vitest'
import type { CountingExporter } from './view-queue.ts'
import { ViewQueue } from './view-queue.ts'

/** Keeps the spans that came, and counts those that will not. */
class Counting extends InMemorySpanExporter implements CountingExporter {
  dropped = 0
  readonly reasons = new Set<string>()
  /** While set, nothing is answered. */
  held: (() => void)[] | undefined

  override export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    super.export(spans, () => {
      const answer = (): void => done({ code: ExportResultCode.SUCCESS })
      if (this.held === undefined) answer()
      else this.held.push(answer)
    })
  }

  drop(spans: number, why: string): void {
    this.dropped += spans
    this.reasons.add(why)
  }

  get taken(): number {
    return this.getFinishedSpans().length
  }
}

/** A queue in a provider of its own, and what makes spans end. */
function aQueue(exporter: Counting): {
  readonly queue: ViewQueue
  readonly endSpans: (count: number) => void
} {
  const queue = new ViewQueue(exporter)
  const processor: SpanProcessor = queue
  const provider = new NodeTracerProvider({ spanProcessors: [processor] })
  onTestFinished(() => provider.shutdown())
  const tracer = provider.getTracer('test')
  const endSpans = (count: number): void => {
    for (let i = 0; i < count; i++) tracer.startSpan('call').end()
  }
  return { queue, endSpans }
}

it('every span of a burst is at the exporter or counted as dropped', async () => {
  const exporter = new Counting()
  const { queue, endSpans } = aQueue(exporter)
  endSpans(10_000)
  expect(exporter.dropped).toBeGreaterThan(0)
  await queue.forceFlush()
  expect(exporter.taken).toBeGreaterThanOrEqual(8_192)
  expect(exporter.taken + exporter.dropped).toBe(10_000)
  expect([...exporter.reasons]).toEqual(['more spans ended at once than wait for export'])
})

it('there is room again once spans were exported', async () => {
  const exporter = new Counting()
  const { queue, endSpans } = aQueue(exporter)
  for (let round = 0; round < 3; round++) {
    endSpans(5_000)
    await queue.forceFlush()
  }
  expect(exporter).toMatchObject({ dropped: 0, taken: 15_000 })
})

it('an exporter that does not answer makes it full, not endless', async () => {
  const exporter = new Counting()
  exporter.held = []
  const { queue, endSpans } = aQueue(exporter)
  endSpans(20_000)
  const { held } = exporter
  exporter.held = undefined
  for (const answer of held) answer()
  await queue.forceFlush()
  expect(exporter.taken + exporter.dropped).toBe(20_000)
  expect(exporter.dropped).toBeGreaterThan(10_000)
})

it('spans that end after shutdown are counted', async () => {
  const exporter = new Counting()
  const { queue, endSpans } = aQueue(exporter)
  endSpans(1)
  const left = exporter.taken
  await queue.shutdown()
  endSpans(2)
  expect(left).toBe(0)
  expect(exporter.dropped).toBe(2)
  expect([...exporter.reasons]).toEqual(['the audit is shut down'])
})

it('spans that are not sampled are none of its business', () => {
  const exporter = new Counting()
  const queue = new ViewQueue(exporter)
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 0 }
  const span: Pick<ReadableSpan, 'spanContext'> = { spanContext: () => context }
  for (let i = 0; i < 10_000; i++) queue.onEnd(span as ReadableSpan)
  expect(exporter).toMatchObject({ dropped: 0, taken: 0 })
})
