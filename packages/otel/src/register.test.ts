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
import type { RecordSink } from '@spanseal/core'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { aFolder, anAudit, endOf, readRecords } from './audit.fixture.ts'
import { register } from './audit.ts'
import { runProgram } from './child-process.fixture.ts'

beforeEach(() => {
  trace.disable()
  context.disable()
})

const typesIn = (journal: string): string[] => readRecords(journal).map((record) => record.type)

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

const CALL = `
  const call = audit.tool({ name: 'probe' }, async () => 'value')
  console.log(await call())
`

describe('a process', () => {
  it('that never shuts down ends by itself, and its records are there', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      import { register } from '@spanseal/otel'
      const sink = { name: 'never', deliver: () => Promise.reject(new Error('down')), close: async () => {} }
      const audit = register({ service: { name: 's' }, journal: ${JSON.stringify(journal)}, otlp: 'http://127.0.0.1:9', sinks: [sink] })
      ${CALL}`
    const end = await runProgram(program)
    expect(end).toMatchObject({ code: 0, stdout: 'value\n' })
    expect(typesIn(journal)).toEqual(['epoch.open', 'tool.start', 'tool.end'])
    // The next one on the folder delivers what the first could not.
    const lines: string[] = []
    const sink: RecordSink = {
      name: 'never',
      deliver: async ({ records }) => void lines.push(...records.map(({ type }) => type)),
      close: async () => {},
    }
    const next = anAudit({ journal, service: { name: 's' }, sinks: [sink] })
    expect(await next.audit.shutdown()).toEqual({ openCalls: 0, undelivered: {} })
    expect(lines).toEqual(['epoch.open', 'tool.start', 'tool.end', 'epoch.open', 'epoch.close'])
  })

  it('that is killed while a tool runs leaves the intent', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      import { register } from '@spanseal/otel'
      const audit = register({ service: { name: 's' }, journal: ${JSON.stringify(journal)} })
      await audit.tool({ name: 'probe' }, async () => {
        console.log('running')
        await new Promise((resolve) => setTimeout(resolve, 60_000))
      })()`
    const end = await runProgram(program, { signal: 'SIGKILL' })
    expect(end).toMatchObject({ signal: 'SIGKILL', stdout: 'running\n', stderr: '' })
    expect(typesIn(journal)).toEqual(['epoch.open', 'tool.start'])
  })

  it('that shuts down waits for sinks that are slow, and ends', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      import { register } from '@spanseal/otel'
      let failures = 2
      const sink = {
        name: 'slow',
        deliver: async () => { if (failures-- > 0) throw new Error('not yet') },
        close: async () => {},
      }
      const audit = register({ service: { name: 's' }, journal: ${JSON.stringify(journal)}, sinks: [sink] })
      await audit.tool({ name: 'probe' }, async () => 1)()
      console.log(JSON.stringify(await audit.shutdown()))`
    const end = await runProgram(program)
    expect(end).toMatchObject({ code: 0, stdout: '{"openCalls":0,"undelivered":{}}\n' })
  })

  it('in CommonJS can require the package', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      const { register } = require('@spanseal/otel')
      const audit = register({ service: { name: 's' }, journal: ${JSON.stringify(journal)} })
      audit.tool({ name: 'probe' }, () => 1)()
      audit.shutdown()`
    expect(await runProgram(program, { type: 'commonjs' })).toMatchObject({ code: 0, stderr: '' })
    expect(typesIn(journal)).toEqual(['epoch.open', 'tool.start', 'tool.end', 'epoch.close'])
  })
})

describe('node --import @spanseal/otel/register', () => {
  const args = ['--import', '@spanseal/otel/register']
  const CALL_GLOBAL = `
    import { trace } from '@opentelemetry/api'
    import { audit } from '@spanseal/otel/register'
    trace.getTracer('x').startSpan('s', {
      attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'foreign' },
    }).end()
    ${CALL}`

  it('works from environment variables alone, and closes the epoch when the work is done', async () => {
    const journal = join(aFolder(), 'audit')
    const env = {
      SPANSEAL_JOURNAL: journal,
      OTEL_SERVICE_NAME: 'from-env',
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2.3,deployment.environment.name=prod',
      SPANSEAL_AGENT_ID: 'agent-7',
    }
    const end = await runProgram(CALL_GLOBAL, { args, env })
    expect(end).toMatchObject({ code: 0, stdout: 'value\n', stderr: '' })
    const records = readRecords(journal)
    expect(records.map((record) => record.type)).toEqual([
      'epoch.open',
      'tool.start',
      'tool.end',
      'tool.start',
      'tool.end',
      'epoch.close',
    ])
    const [open] = records
    expect(open?.type === 'epoch.open' && open.detail).toMatchObject({
      service: { name: 'from-env', version: '1.2.3' },
      deployment: { environment: 'prod' },
    })
    expect(endOf(records, 'foreign').actor.agent).toEqual({ id: 'agent-7' })
  })

  it('with OTEL_SDK_DISABLED writes evidence and no span', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `${CALL_GLOBAL}
      console.log(audit.health().spans.provider)`
    const end = await runProgram(program, {
      args,
      env: { SPANSEAL_JOURNAL: journal, OTEL_SDK_DISABLED: 'true' },
    })
    expect(end).toMatchObject({ code: 0 })
    expect(end.stdout).toContain('off: OTEL_SDK_DISABLED')
    expect(typesIn(journal)).toEqual(['epoch.open', 'tool.start', 'tool.end', 'epoch.close'])
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'closes the epoch at %s and ends by it',
    async (signal) => {
      const journal = join(aFolder(), 'audit')
      const program = `console.log('up'); setInterval(() => {}, 1000)`
      const end = await runProgram(program, { args, env: { SPANSEAL_JOURNAL: journal }, signal })
      expect(end).toMatchObject({ signal })
      expect(typesIn(journal)).toEqual(['epoch.open', 'epoch.close'])
    },
  )

  it('leaves a signal to those who listen for it', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      process.on('SIGTERM', () => setTimeout(() => process.exit(7), 50))
      console.log('up'); setInterval(() => {}, 1000)`
    const end = await runProgram(program, {
      args,
      env: { SPANSEAL_JOURNAL: journal },
      signal: 'SIGTERM',
    })
    expect(end).toMatchObject({ code: 7 })
    expect(typesIn(journal)).toEqual(['epoch.open', 'epoch.close'])
  })

  it('refuses to start where a variable is unusable, and names it without its value', async () => {
    const env = {
      SPANSEAL_JOURNAL: join(aFolder(), 'a'),
      OTEL_EXPORTER_OTLP_HEADERS: 'hunter2',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    }
    const end = await runProgram(CALL_GLOBAL, { args, env })
    expect(end.code).not.toBe(0)
    expect(end.stderr).toContain('OTEL_EXPORTER_OTLP_HEADERS')
    expect(end.stderr).not.toContain('hunter2')
  })
})
