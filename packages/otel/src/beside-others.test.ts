// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { LangfuseSpanProcessor } from '@langfuse/otel'
import { context, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { aFolder, endOf, ofType, readRecords } from './audit.fixture.ts'
import type { Audit } from './audit.ts'
import { createAudit } from './audit.ts'
import type { OtlpReceiver } from './otlp-receiver.fixture.ts'
import { anOtlpReceiver } from './otlp-receiver.fixture.ts'

beforeEach(() => {
  trace.disable()
  context.disable()
})

interface Scene {
  readonly audit: Audit
  readonly journal: string
  readonly receiver: OtlpReceiver
  readonly stop: () => Promise<void>
}

/** An existing NodeSDK set-up with processors of its own, into which the audit is put. */
async function insideNodeSdk(theirs: readonly SpanProcessor[]): Promise<Scene> {
  const receiver = await anOtlpReceiver()
  const journal = join(aFolder(), 'audit')
  const audit = createAudit({ service: { name: 'agent' }, journal, otlp: receiver.url })
  const sdk = new NodeSDK({
    serviceName: 'their-service',
    spanProcessors: [audit.processor, ...theirs, new BatchSpanProcessor(audit.exporter)],
    instrumentations: [],
    autoDetectResources: false,
  })
  sdk.start()
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= sdk.shutdown().then(() => audit.forceFlush()))
  onTestFinished(async () => {
    await stop()
    await audit.shutdown()
  })
  return { audit, journal, receiver, stop }
}

/** What an application with both does. */
async function work(audit: Audit): Promise<void> {
  const find = audit.tool({ name: 'find' }, async () => 'result')
  await trace.getTracer('their-app').startActiveSpan('GET /chat', async (request) => {
    await audit.task({ name: 't' }, async (task) => {
      await task.reasoning({ thought: 'look it up' })
      const span = trace.getTracer('ai').startSpan('chat acme', {
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.input.messages': '[{"role":"user","content":"my pin is 1234"}]',
        },
      })
      await context.with(trace.setSpan(context.active(), span), () => find())
      span.end()
    })
    request.end()
  })
}

it('inside an existing NodeSDK: one trace, their spans where they were, ours with evidence', async () => {
  const theirs = new InMemorySpanExporter()
  const keep = new SimpleSpanProcessor(theirs)
  const { audit, journal, receiver, stop } = await insideNodeSdk([keep])
  await work(audit)
  const kept = theirs.getFinishedSpans().map((span) => span.name)
  await stop()
  const records = readRecords(journal)
  const end = endOf(records, 'find')
  expect(kept).toEqual([
    'reasoning',
    'execute_tool find',
    'chat acme',
    'invoke_agent agent',
    'GET /chat',
  ])
  expect(receiver.spanNames().sort()).toEqual([...kept].sort())
  expect(receiver.bodies.join('')).not.toContain('my pin')
  expect(receiver.bodies.join('')).toContain(end.chain.epoch)
  expect(end.trace).not.toHaveProperty('synthetic')
  expect(ofType(records, 'task.start')[0]?.trace.trace_id).toBe(end.trace.trace_id)
  expect(audit.health().spans.provider).toMatch(/^built by the user/)
})

it('beside Langfuse’s processor: its filter takes all our spans', async () => {
  const langfuse = await anOtlpReceiver()
  const processor = new LangfuseSpanProcessor({
    publicKey: 'pk-lf-test',
    secretKey: 'sk-lf-test',
    baseUrl: langfuse.url,
    exportMode: 'immediate',
  })
  const { audit, journal, receiver, stop } = await insideNodeSdk([processor])
  await work(audit)
  await processor.forceFlush()
  await stop()
  const seen = langfuse.bodies.join('')
  for (const name of ['invoke_agent agent', 'reasoning', 'execute_tool find']) {
    expect(seen).toContain(name)
  }
  expect(langfuse.headers[0]?.authorization).toMatch(/^Basic /)
  expect(receiver.spanNames()).toContain('execute_tool find')
  expect(ofType(readRecords(journal), 'tool.start')).toHaveLength(1)
})
