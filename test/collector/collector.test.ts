// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Tracer } from '@opentelemetry/api'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  AUDITED_SPANS,
  expectAuditedTrace,
  expectSpansOfJournal,
  runAuditedAgent,
  runExampleAgent,
  spanIdsOf,
} from '../services/audited-trace.ts'
import type { Collector } from '../services/collector.ts'
import { COLLECTOR_CONFIG, startCollector } from '../services/collector.ts'
import { collectorBinary, needsGo } from '../services/go-binaries.ts'
import { removeScratchFolder, scratchFolder } from '../services/guard.ts'
import type { OtlpSpan } from '../services/otlp-receiver.ts'
import { attributesOf, OtlpReceiver } from '../services/otlp-receiver.ts'
import type { AcknowledgedSpans } from './acknowledged-spans.ts'
import { acknowledgedSpans } from './acknowledged-spans.ts'

const TRACES = 200
/** For what comes in the end, however busy the machine is. */
const PATIENCE = { timeout: 180_000 }

const missing = await needsGo('otelcol')
if (missing) console.warn(`skipped: ${missing}`)

describe.skipIf(missing)('a Collector with collector-config/collector.yaml', () => {
  const stops: (() => Promise<unknown>)[] = []
  let collector: Collector
  let jaeger: OtlpReceiver
  let tempo: OtlpReceiver
  let sender: AcknowledgedSpans

  beforeAll(collectorBinary, 600_000)

  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop()
  })

  /** Receivers are closed at first: both targets are down. */
  async function start(): Promise<void> {
    jaeger = await OtlpReceiver.create()
    tempo = await OtlpReceiver.create()
    stops.push(
      () => jaeger.close(),
      () => tempo.close(),
    )
    collector = await startCollector({
      targets: { jaeger: jaeger.url, tempo: tempo.url },
      configFiles: [COLLECTOR_CONFIG, join(import.meta.dirname, 'json.yaml')],
    })
    stops.push(collector.stop)
    sender = acknowledgedSpans(collector.otlpHttp)
    stops.push(sender.shutdown)
  }

  it('hands a trace on whole to both targets', async () => {
    await start()
    await jaeger.open()
    await tempo.open()
    const parent = sender.tracer.startSpan('invoke_agent support', {
      attributes: { 'gen_ai.agent.id': 'support-1' },
    })
    const inParent = trace.setSpan(context.active(), parent)
    const child = sender.tracer.startSpan('execute_tool refund_order', {}, inParent)
    child.setAttributes({
      text: 'Grüße, 世界',
      count: 2 ** 40,
      share: 0.25,
      flag: true,
      list: ['a', 'b'],
    })
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'no such order' })
    child.end()
    parent.end()
    await sender.flush()

    const ids = [parent.spanContext().spanId, child.spanContext().spanId]
    for (const target of [jaeger, tempo]) {
      const spans = await target.spansWithIds(ids)
      const got = spans.find((span) => span.name === 'execute_tool refund_order')!
      expect(got.traceId).toBe(parent.spanContext().traceId)
      expect(got.parentSpanId).toBe(parent.spanContext().spanId)
      expect(got.status).toEqual({ code: 2, message: 'no such order' })
      expect(attributesOf(got)).toEqual({
        text: { stringValue: 'Grüße, 世界' },
        count: { intValue: '1099511627776' },
        share: { doubleValue: 0.25 },
        flag: { boolValue: true },
        list: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } },
      })
    }
  })

  it('hands the trace of an audited agent on whole, killed in between', async () => {
    await start()
    const folder = scratchFolder('journal')
    stops.push(() => Promise.resolve(removeScratchFolder(folder)))
    const journal = join(folder, 'journal')
    const traceId = await runAuditedAgent(collector.otlpHttp, journal)
    await collector.kill('SIGKILL')
    await jaeger.open()
    await tempo.open()
    await collector.restart()
    for (const target of [jaeger, tempo]) {
      const spans = (): OtlpSpan[] => target.spans().filter((span) => span.traceId === traceId)
      await expect.poll(spans, PATIENCE).toHaveLength(AUDITED_SPANS)
      expectAuditedTrace(spans(), journal)
    }
  })

  it('hands all spans of the example agent on whole, killed in between', async () => {
    await start()
    const folder = scratchFolder('example')
    stops.push(() => Promise.resolve(removeScratchFolder(folder)))
    await runExampleAgent(collector.otlpHttp, folder)
    await collector.kill('SIGKILL')
    await jaeger.open()
    await tempo.open()
    await collector.restart()
    const journal = join(folder, 'journal')
    for (const target of [jaeger, tempo]) {
      const spans = await target.spansWithIds(spanIdsOf(journal))
      expect(spans.length).toBeGreaterThan(10)
      expectSpansOfJournal(spans, journal)
    }
  })

  it('serves one target while the other is down, and the other when it is back', async () => {
    await start()
    await jaeger.open()
    const ids = sendTraces(sender.tracer, TRACES)
    await sender.flush()
    expect(sender.acknowledged.size).toBe(TRACES)
    await jaeger.spansWithIds(ids)
    expect(tempo.spans()).toEqual([])
    const { size, capacity } = await queueOf(collector, 'otlp_http/tempo')
    expect(size).toBeGreaterThan(0)
    expect(capacity).toBe(2000)
    await tempo.open()
    await tempo.spansWithIds(ids)
  })

  it('loses nothing it has acknowledged when it is killed with both targets down', async () => {
    await start()
    const ids = sendTraces(sender.tracer, TRACES)
    await sender.flush()
    expect(sender.acknowledged).toEqual(new Set(ids))
    await collector.kill('SIGKILL')
    await jaeger.open()
    await tempo.open()
    await collector.restart()
    await jaeger.spansWithIds(ids)
    await tempo.spansWithIds(ids)
  })

  it('loses nothing it has acknowledged when it is stopped in order, targets down', async () => {
    await start()
    const ids = sendTraces(sender.tracer, TRACES)
    await sender.flush()
    expect(sender.acknowledged).toEqual(new Set(ids))
    await collector.kill('SIGTERM')
    await jaeger.open()
    await tempo.open()
    await collector.restart()
    await jaeger.spansWithIds(ids)
    await tempo.spansWithIds(ids)
  })

  it('loses nothing it has acknowledged when it is killed in the middle of the traffic', async () => {
    await start()
    await jaeger.open()
    await tempo.open()
    // Slower than the sender, so that a kill always finds spans in the queue.
    jaeger.answerAfterMillis = 40
    tempo.answerAfterMillis = 40
    let sending = true
    const traffic = (async () => {
      for (; sending; await sleep(1)) sendTraces(sender.tracer, 5)
    })()
    for (let kills = 0; kills < 3; kills++) {
      const before = sender.acknowledged.size
      await expect.poll(() => sender.acknowledged.size, PATIENCE).toBeGreaterThan(before + 200)
      await collector.kill('SIGKILL')
      await collector.restart()
    }
    sending = false
    await traffic
    // Spans that the sender gave up while nobody listened were never acknowledged.
    await sender.flush().catch(() => {})
    await jaeger.spansWithIds(sender.acknowledged)
    await tempo.spansWithIds(sender.acknowledged)
  })
})

/** Ends that many traces of one span each and returns the ids of the spans. */
function sendTraces(tracer: Tracer, count: number): string[] {
  return Array.from({ length: count }, (_, number) => {
    const span = tracer.startSpan('execute_tool probe', { attributes: { number }, root: true })
    span.end()
    return span.spanContext().spanId
  })
}

async function queueOf(
  collector: Collector,
  exporter: string,
): Promise<{ size: number; capacity: number }> {
  const text = await (await fetch(collector.metrics)).text()
  const read = (metric: string): number => {
    const line = text
      .split('\n')
      .find((l) => l.startsWith(`${metric}{`) && l.includes(`"${exporter}"`))
    return Number(line?.split(' ').at(-1))
  }
  return {
    size: read('otelcol_exporter_queue_size'),
    capacity: read('otelcol_exporter_queue_capacity'),
  }
}
