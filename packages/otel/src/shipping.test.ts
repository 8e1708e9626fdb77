// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { context, trace } from '@opentelemetry/api'
import { isTracingSuppressed } from '@opentelemetry/core'
import type { Batch, RecordSink } from '@spanseal/core'
import { AuditError, leafHash } from '@spanseal/core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { anAudit } from './audit.fixture.ts'

interface Taken extends RecordSink {
  readonly lines: string[]
  readonly checkpoints: string[]
  /** What the sink does with a batch instead of taking it. */
  behave: (batch: Batch) => Promise<void> | undefined
  closed: number
}

/** A sink that keeps the lines it took. */
function aSink(name = 'kept'): Taken {
  const sink: Taken = {
    name,
    lines: [],
    checkpoints: [],
    behave: () => undefined,
    closed: 0,
    async deliver(batch) {
      await sink.behave(batch)
      for (const { line, leaf } of batch.records) {
        expect(leafHash(line)).toBe(leaf)
        sink.lines.push(Buffer.from(line).toString())
      }
      sink.checkpoints.push(...batch.checkpoints.map(({ note }) => note))
    },
    close: async () => void sink.closed++,
  }
  return sink
}

const typesOf = (sink: Taken): string[] =>
  sink.lines.map((line) => (JSON.parse(line) as { type: string }).type)

it('records reach the sink as the very lines of the journal, and shutdown waits for them', async () => {
  const sink = aSink()
  const test = anAudit({ sinks: [sink] })
  await test.audit.tool({ name: 'probe' }, async () => 1)()
  expect(await test.audit.shutdown()).toEqual({ openCalls: 0, undelivered: {} })
  expect(typesOf(sink)).toEqual(['epoch.open', 'tool.start', 'tool.end', 'epoch.close'])
  expect(sink.lines.map((line) => JSON.parse(line) as object)).toEqual(test.records())
  expect(sink.checkpoints.length).toBeGreaterThan(0)
  expect(sink.closed).toBe(1)
  expect(test.audit.health().sinks).toMatchObject([
    { name: 'kept', delivered: 4, pending: 0, stopped: false },
  ])
})

it('a sink that fails gets the same batch again', async () => {
  const sink = aSink()
  let failures = 2
  sink.behave = () =>
    failures-- > 0 ? Promise.reject(new Error('no broker, password=hunter2')) : undefined
  const test = anAudit({ sinks: [sink] })
  await test.audit.tool({ name: 'probe' }, async () => 1)()
  await test.audit.forceFlush()
  expect(typesOf(sink)).toEqual(['epoch.open', 'tool.start', 'tool.end'])
  expect(test.audit.health().sinks[0]).toMatchObject({ retries: 2, lastError: undefined })
})

it('one sink that hangs delays neither tools nor the other sink; shutdown says what it did not take', async () => {
  const sick = aSink('sick')
  sick.behave = () => new Promise(() => {})
  const well = aSink('well')
  // The time that shutdown gives is over when the test says so, and not before on a slow machine.
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const test = anAudit({ sinks: [sick, well] })
  await test.audit.tool({ name: 'probe' }, async () => 1)()
  const closing = test.audit.shutdown()
  await expect.poll(() => typesOf(well)).toHaveLength(4)
  await expect.poll(() => test.audit.health().sinks[1]?.pending).toBe(0)
  vi.advanceTimersByTime(10_000)
  expect(await closing).toEqual({ openCalls: 0, undelivered: { sick: 4 } })
})

it('a sink that refuses for good is stopped and named; the records stay', async () => {
  const sink = aSink()
  sink.behave = () => Promise.reject(new AuditError('DELIVERY_REFUSED', 'the topic is missing'))
  const test = anAudit({ sinks: [sink] })
  await test.audit.tool({ name: 'probe' }, async () => 1)()
  await test.audit.forceFlush()
  expect(test.audit.health()).toMatchObject({
    ok: false,
    sinks: [{ stopped: true, lastError: 'the topic is missing' }],
  })
  expect((await test.audit.shutdown()).undelivered).toEqual({ kept: 4 })
})

it('what a sink put aside is shown, and is no loss that ok passes over', async () => {
  const sink = Object.assign(aSink(), { deadLetters: 0 })
  const test = anAudit({ sinks: [sink] })
  await test.audit.tool({ name: 'probe' }, async () => 1)()
  await test.audit.forceFlush()
  expect(test.audit.health()).toMatchObject({ ok: true, sinks: [{ deadLetters: 0 }] })
  sink.deadLetters = 2
  expect(test.audit.health()).toMatchObject({ ok: false, sinks: [{ deadLetters: 2 }] })
})

it('the age of the oldest record on its way is that of the oldest epoch in the batch', async () => {
  const begin = Date.parse('2026-11-21T09:30:00.000Z')
  let now = begin
  const first = anAudit({ now: () => now })
  await first.audit.tool({ name: 'probe' }, async () => 1)()
  await first.audit.shutdown()
  now = begin + 60_000
  const sink = aSink()
  let release: () => void = () => {}
  sink.behave = () => new Promise<void>((resolve) => (release = resolve))
  const { audit } = anAudit({ journal: first.journal, now: () => now, sinks: [sink] })
  const lagMillis = (): number | undefined => audit.health().sinks[0]?.lagMillis
  await vi.waitFor(() => expect(lagMillis()).toBe(60_000), { timeout: 10_000 })
  now += 30_000
  expect(lagMillis()).toBe(90_000)
  sink.behave = () => undefined
  release()
  await audit.forceFlush()
  expect(lagMillis()).toBe(0)
})

it('delivery is never traced: what a sink does inside has tracing suppressed', async () => {
  const sink = aSink()
  const suppressed: boolean[] = []
  sink.behave = async () => {
    suppressed.push(isTracingSuppressed(context.active()))
    trace.getTracer('instrumentation-http').startSpan('POST').end()
    await new Promise((resolve) => setTimeout(resolve, 1))
    suppressed.push(isTracingSuppressed(context.active()))
    trace.getTracer('instrumentation-http').startSpan('POST').end()
  }
  const test = anAudit({ sinks: [sink] })
  await test.audit.task({ name: 't' }, () => test.audit.tool({ name: 'probe' }, async () => 1)())
  await test.audit.forceFlush()
  expect(suppressed.length).toBeGreaterThan(0)
  expect(suppressed.every(Boolean)).toBe(true)
  expect(test.spans().map((span) => span.name)).not.toContain('POST')
  expect(test.audit.health().foreign).toMatchObject({ recorded: 0, ignored: 0 })
})

it('a sink that cannot be closed does not keep shutdown from returning', async () => {
  const sink = aSink()
  sink.close = () => Promise.reject(new Error('cannot'))
  const test = anAudit({ sinks: [sink] })
  await expect(test.audit.shutdown()).resolves.toEqual({ openCalls: 0, undelivered: {} })
  const hanging = aSink()
  hanging.close = () => new Promise(() => {})
  const other = anAudit({ sinks: [hanging], shutdownTimeoutMillis: 100 })
  await expect(other.audit.shutdown()).resolves.toBeDefined()
})
