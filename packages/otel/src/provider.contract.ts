// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import type { Attributes, Link, Span, SpanOptions, Tracer } from '@opentelemetry/api'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { describe, expect, it, onTestFinished } from 'vitest'
import { aFolder, endOf, ofType, readRecords } from './audit.fixture.ts'
import type { Audit } from './audit.ts'
import { createAudit } from './audit.ts'
import type { OtlpReceiver } from './otlp-receiver.fixture.ts'
import { anOtlpReceiver } from './otlp-receiver.fixture.ts'

/** A provider that a user built around an audit, and made the global one. */
export interface BuiltProvider {
  forceFlush(): Promise<void>
  /** Shuts down and takes provider and context manager out of the global place. */
  shutdown(): Promise<void>
}

/** The root sampler: everything; nothing; or nothing, behind our `agentSampler`. */
export type Sampling = 'on' | 'off' | 'rescued'

/** Puts `audit.processor` first into a provider, and `audit.exporter` behind a batch processor. */
export type BuildProvider = (audit: Audit, sampling: Sampling) => BuiltProvider

interface Scene {
  readonly audit: Audit
  readonly journal: string
  readonly receiver: OtlpReceiver
  readonly provider: BuiltProvider
  readonly tracer: Tracer
  /** All that was sent so far. */
  readonly sent: () => Promise<string>
}

/** What processor and exporter do in whatever provider they are put. */
export function describeProvider(name: string, build: BuildProvider): void {
  async function aScene(sampling: Sampling = 'on'): Promise<Scene> {
    const receiver = await anOtlpReceiver()
    const journal = join(aFolder(), 'audit')
    const audit = createAudit({ service: { name: 'agent' }, journal, otlp: receiver.url })
    const provider = build(audit, sampling)
    onTestFinished(async () => {
      await audit.shutdown()
      await provider.shutdown()
    })
    const sent = async (): Promise<string> => {
      await provider.forceFlush()
      await audit.forceFlush()
      return receiver.bodies.join('\n')
    }
    return { audit, journal, receiver, provider, sent, tracer: trace.getTracer('framework') }
  }

  function started<T>(
    tracer: Tracer,
    options: SpanOptions & { name: string },
    run: (span: Span) => T,
  ): T {
    const span = tracer.startSpan(options.name, options)
    try {
      return context.with(trace.setSpan(context.active(), span), () => run(span))
    } finally {
      span.end()
    }
  }

  const executeTool = (tool: string): Attributes => ({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': tool,
  })

  describe(`${name}`, () => {
    it('sends tasks, reasoning and tools as one trace that points into the evidence', async () => {
      const { audit, journal, receiver, sent } = await aScene()
      const call = audit.tool({ name: 'probe' }, async () => 1)
      await audit.task({ name: 't' }, (task) => task.reasoning({ thought: 'x' }, () => call()))
      const body = await sent()
      expect(receiver.spanNames().sort()).toEqual([
        'execute_tool probe',
        'invoke_agent agent',
        'reasoning',
      ])
      const records = readRecords(journal)
      const end = endOf(records, 'probe')
      expect(end.trace).not.toHaveProperty('synthetic')
      expect(body).toContain(end.trace.trace_id)
      expect(body).toContain(`"spanId":"${end.trace.span_id}"`)
      expect(body).toContain(`"parentSpanId":"${end.trace.parent_span_id ?? ''}"`)
      expect(body).toContain(end.chain.epoch)
      expect(body).toContain(end.chain.prev)
      const [task] = ofType(records, 'task.start')
      const [step] = ofType(records, 'agent.reasoning')
      expect(step?.trace.parent_span_id).toBe(task?.trace.span_id)
      expect(end.trace.parent_span_id).toBe(step?.trace.span_id)
    })

    it('records foreign spans by their GenAI operation, at their start and end', async () => {
      const { audit, journal, tracer } = await aScene()
      started(tracer, { name: 'x', attributes: executeTool('find') }, (span) => {
        expect(readRecords(journal).map((r) => r.type)).toEqual(['epoch.open', 'tool.start'])
        span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' })
      })
      started(tracer, { name: 'GET /' }, () => {})
      expect(endOf(readRecords(journal), 'find').invocation.status).toBe('error')
      expect(audit.health().foreign).toMatchObject({ recorded: 1, ignored: 1 })
    })

    it('records a call once, whoever made a span for it', async () => {
      const { audit, journal, tracer } = await aScene()
      const find = audit.tool({ name: 'find' }, () =>
        started(tracer, { name: 'inner', attributes: executeTool('find') }, () => 1),
      )
      started(tracer, { name: 'outer', attributes: executeTool('find') }, () => find())
      expect(ofType(readRecords(journal), 'tool.start')).toHaveLength(1)
    })

    it('sends nothing raw that others wrote: attributes, events, links, status', async () => {
      const { tracer, sent } = await aScene()
      const link: Link = {
        context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 },
        attributes: { mail: 'jane.doe@example.com' },
      }
      started(tracer, { name: 'chat', links: [link] }, (span) => {
        span.setAttribute('gen_ai.input.messages', 'my pin is 1234')
        // An object is an attribute in 3.x and dropped before.
        span.setAttribute('request', { password: 'hunter2', mail: 'jane.doe@example.com' } as never)
        span.addEvent('jane.doe@example.com came', { 'http.request.body': 'my pin is 1234' })
        span.recordException(new Error('jane.doe@example.com is unknown'))
        span.setStatus({ code: SpanStatusCode.ERROR, message: 'jane.doe@example.com is unknown' })
      })
      const body = await sent()
      expect(body).toContain('"chat"')
      expect(body).not.toMatch(/jane\.doe|hunter2|my pin/)
    })

    it('under a sampler that drops everything: records of wrappers all the same, no span sent', async () => {
      const { audit, journal, sent, tracer } = await aScene('off')
      await audit.task({ name: 't' }, () => audit.tool({ name: 'probe' }, async () => 1)())
      started(tracer, { name: 'x', attributes: executeTool('foreign') }, () => {})
      expect(await sent()).toBe('')
      const records = readRecords(journal)
      expect(ofType(records, 'tool.end').map((end) => end.tool.name)).toEqual(['probe'])
      const [task] = ofType(records, 'task.start')
      expect(endOf(records, 'probe').trace).toMatchObject({
        trace_id: task?.trace.trace_id,
        parent_span_id: task?.trace.span_id,
      })
      expect(audit.health().spans.endpoints[0]).toMatchObject({ exported: 0, failed: 0 })
    })

    it('behind agentSampler dropped agent spans are recorded as well, and still not sent', async () => {
      const { journal, sent, tracer } = await aScene('rescued')
      started(tracer, { name: 'GET /' }, () => {
        started(tracer, { name: 'x', attributes: executeTool('foreign') }, () => {})
      })
      expect(await sent()).toBe('')
      expect(ofType(readRecords(journal), 'tool.end').map((end) => end.tool.name)).toEqual([
        'foreign',
      ])
    })

    it('goes on writing records when the provider is shut down before the audit', async () => {
      const { audit, journal, provider } = await aScene()
      await provider.shutdown()
      expect(
        await audit.task({ name: 't' }, () => audit.tool({ name: 'probe' }, async () => 1)()),
      ).toBe(1)
      const records = readRecords(journal)
      expect(endOf(records, 'probe').invocation.status).toBe('success')
      const [task] = ofType(records, 'task.start')
      expect(endOf(records, 'probe').trace.parent_span_id).toBe(task?.trace.span_id)
    })

    it('an end without shutdown of the audit leaves its epoch open, and nothing undelivered', async () => {
      const { audit, provider, receiver, journal } = await aScene()
      await audit.tool({ name: 'probe' }, async () => 1)()
      await provider.shutdown()
      expect(receiver.spanNames()).toEqual(['execute_tool probe'])
      expect(readRecords(journal).map((r) => r.type)).toEqual([
        'epoch.open',
        'tool.start',
        'tool.end',
      ])
    })
  })
}
