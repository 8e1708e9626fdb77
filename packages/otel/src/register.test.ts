// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { context, trace } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { aFolder, endOf, readRecords } from './audit.fixture.ts'
import { register } from './audit.ts'

beforeEach(() => {
  trace.disable()
  context.disable()
})

describe('register()', () => {
  it('makes its provider the global one, and gives the place back at shutdown', async () => {
    const journal = join(aFolder(), 'audit')
    const audit = register({ service: { name: 's' }, journal })
    expect(audit.health().spans.provider).toBe('registered globally')
    const span = trace.getTracer('x').startSpan('execute_tool find', {
      attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'find' },
    })
    expect(span.isRecording()).toBe(true)
    span.end()
    await audit.shutdown()
    expect(endOf(readRecords(journal), 'find').invocation.status).toBe('success')
    expect(trace.getTracer('x').startSpan('y').isRecording()).toBe(false)
  })

  it('leaves a provider that is there in place, uses its own for its own spans, and says so', async () => {
    const exporter = new InMemorySpanExporter()
    const theirs = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    theirs.register()
    const journal = join(aFolder(), 'audit')
    const audit = register({ service: { name: 's' }, journal })
    onTestFinished(async () => void (await audit.shutdown()))
    expect(audit.health().spans.provider).toMatch(
      /^private: another provider was registered before/,
    )
    const call = audit.tool({ name: 'probe' }, async () => {
      trace.getTracer('x').startSpan('their span').end()
      return 1
    })
    await trace.getTracer('x').startActiveSpan('their root', async (root) => {
      await call()
      root.end()
    })
    const { trace: ids } = endOf(readRecords(journal), 'probe')
    const root = exporter.getFinishedSpans().find((span) => span.name === 'their root')
    const inner = exporter.getFinishedSpans().find((span) => span.name === 'their span')
    expect(ids).toMatchObject({
      trace_id: root?.spanContext().traceId,
      parent_span_id: root?.spanContext().spanId,
    })
    expect(inner?.parentSpanContext?.spanId).toBe(ids.span_id)
    await audit.shutdown()
    expect(trace.getTracer('x').startSpan('y').isRecording()).toBe(true)
  })

  it('with OTEL_SDK_DISABLED spans are off, evidence is on, and health() says so', async () => {
    vi.stubEnv('OTEL_SDK_DISABLED', 'true')
    onTestFinished(() => void vi.unstubAllEnvs())
    const journal = join(aFolder(), 'audit')
    const audit = register({ service: { name: 's' }, journal })
    const inner = audit.tool({ name: 'inner' }, async () => 1)
    const outer = audit.tool({ name: 'outer' }, () => inner())
    await audit.task({ name: 't' }, () => outer())
    await audit.shutdown()
    expect(audit.health().spans.provider).toMatch(/^off: OTEL_SDK_DISABLED/)
    const records = readRecords(journal)
    const [task] = records.filter((record) => record.type === 'task.start')
    expect(endOf(records, 'outer').trace).toMatchObject({
      synthetic: true,
      trace_id: task?.trace.trace_id,
      parent_span_id: task?.trace.span_id,
    })
    expect(endOf(records, 'inner').trace).toMatchObject({
      trace_id: task?.trace.trace_id,
      parent_span_id: endOf(records, 'outer').trace.span_id,
    })
  })

  it('refuses a journal that is a file, and one inside a folder of the tools', () => {
    const folder = aFolder()
    writeFileSync(join(folder, 'file'), '')
    mkdirSync(join(folder, 'work'))
    expect(() => register({ service: { name: 's' }, journal: join(folder, 'file') })).toThrow(
      expect.objectContaining({ code: 'JOURNAL_UNUSABLE' }) as Error,
    )
    const inside = { journal: join(folder, 'work', 'audit'), toolFolders: [join(folder, 'work')] }
    expect(() => register({ service: { name: 's' }, ...inside })).toThrow(/work/)
  })
})
