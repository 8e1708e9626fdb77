// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes, Span } from '@opentelemetry/api'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'
import { anAudit, endOf, journalBytes } from './audit.fixture.ts'

/** What a framework's instrumentation does. */
function foreignSpan<T>(name: string, attributes: Attributes, run: (span: Span) => T): T {
  const span = trace.getTracer('some-framework').startSpan(name, { attributes })
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

describe('the filter', () => {
  it('records tools and agents by their GenAI operation, and nothing else', () => {
    const test = anAudit()
    foreignSpan(
      'invoke_agent planner',
      { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'planner' },
      () => {
        foreignSpan('chat acme-large', { 'gen_ai.operation.name': 'chat' }, () => {})
        foreignSpan('GET /', {}, () => {})
        foreignSpan('execute_tool find', executeTool('find'), () => {})
      },
    )
    const types = test.records().map((record) => record.type)
    expect(types).toEqual(['epoch.open', 'task.start', 'tool.start', 'tool.end', 'task.end'])
    expect(test.ofType('task.start')[0]?.detail.name).toBe('planner')
    expect(test.audit.health().foreign).toMatchObject({ recorded: 2, ignored: 2, sampler: true })
    const [start] = test.ofType('tool.start')
    const span = test.span('execute_tool find')
    expect(start?.trace).toEqual({
      trace_id: span.spanContext().traceId,
      span_id: span.spanContext().spanId,
      parent_span_id: test.span('invoke_agent planner').spanContext().spanId,
    })
    expect(start?.tool).toMatchObject({ name: 'find', trust_level: 'unverified', type: 'function' })
  })

  it('records all spans of the scopes that are listed, and none where it is turned off', () => {
    const listed = anAudit({ foreign: { scopes: ['some-framework'] } })
    foreignSpan('any name', {}, () => {})
    expect(endOf(listed.records(), 'any name').invocation.status).toBe('success')
    const off = anAudit({ foreign: { genAi: false } })
    foreignSpan('execute_tool find', executeTool('find'), () => {})
    expect(off.ofType('tool.start')).toEqual([])
  })

  it('records a span that shows only at its end what it was, with the time when it began', () => {
    const test = anAudit()
    foreignSpan('tool', {}, (span) => span.setAttributes(executeTool('late')))
    const [start] = test.ofType('tool.start')
    const { time, invocation } = endOf(test.records(), 'late')
    expect(start?.time.event_at).toMatch(/^\d{4}-.*Z$/)
    expect(time.event_at).toBe(undefined)
    expect(invocation.status).toBe('success')
  })

  it('commits to arguments and result, and says how it ended', () => {
    const test = anAudit()
    foreignSpan(
      'execute_tool find',
      {
        ...executeTool('find'),
        'gen_ai.tool.call.id': 'call_1',
        'gen_ai.tool.call.arguments': '{"order":"A-1"}',
      },
      (span) => {
        span.setAttribute('gen_ai.tool.call.result', 'secret result')
        span.setAttribute('error.type', 'TypeError')
        span.setStatus({ code: SpanStatusCode.ERROR, message: 'order A-1 is gone' })
      },
    )
    const { invocation } = endOf(test.records(), 'find')
    expect(invocation).toMatchObject({
      external_id: 'call_1',
      status: 'error',
      error: { type: 'TypeError', message: { alg: 'blinded-sha256' } },
      input: { enc: 'text' },
      output: { enc: 'text' },
    })
    expect(journalBytes(test.journal)).not.toMatch(/A-1|secret result/)
  })

  it('takes names and ids that nobody checked', () => {
    const test = anAudit()
    foreignSpan(
      'x',
      {
        ...executeTool(`a\nb${'c'.repeat(400)}`),
        'gen_ai.tool.call.id': `i${'d'.repeat(400)}\u001b`,
      },
      () => {},
    )
    const [end] = test.ofType('tool.end')
    expect(end?.tool.name).toMatch(/^a\ufffdbc+$/)
    expect(end?.invocation.external_id).toMatch(/^id+$/)
  })
})

describe('no call is recorded twice', () => {
  it('a foreign span around a wrapped tool is not recorded beside it', async () => {
    const test = anAudit()
    const find = test.audit.tool({ name: 'find' }, async () => 1)
    await foreignSpan('execute_tool find', executeTool('find'), () => find())
    expect(test.ofType('tool.start')).toHaveLength(1)
    expect(test.ofType('tool.end')).toHaveLength(1)
    expect(test.audit.health().foreign).toMatchObject({ recorded: 0, ignored: 1 })
  })

  it('nor one with other spans in between, or that is named only after the call', () => {
    const test = anAudit()
    const find = test.audit.tool({ name: 'find' }, () => 1)
    foreignSpan('tool', {}, (span) => {
      foreignSpan('inner step', {}, () => find())
      span.setAttributes(executeTool('find'))
    })
    expect(test.ofType('tool.start')).toHaveLength(1)
  })

  it('nor one inside the wrapped tool that shows the same call', () => {
    const test = anAudit()
    const find = test.audit.tool({ name: 'find' }, () =>
      foreignSpan('tools/call find', executeTool('find'), () => 1),
    )
    expect(find()).toBe(1)
    expect(test.ofType('tool.start')).toHaveLength(1)
  })

  it('a foreign call of another tool inside a wrapped one is a call of its own', () => {
    const test = anAudit()
    const find = test.audit.tool({ name: 'find' }, () =>
      foreignSpan('execute_tool index', executeTool('index'), () => 1),
    )
    find()
    expect(test.ofType('tool.end').map((end) => end.tool.name)).toEqual(['index', 'find'])
  })

  it('two foreign calls of a registered tool that no wrapper made are two calls', () => {
    const test = anAudit()
    const tool = test.audit.registerTool({ name: 'find', publisher: 'shop.example' })
    foreignSpan('execute_tool find', executeTool('find'), () => {})
    foreignSpan('execute_tool find', executeTool('find'), () => {})
    expect(test.ofType('tool.end').map((end) => end.tool)).toEqual([
      tool.tool.value,
      tool.tool.value,
    ])
  })

  it('the first call of an outside tool goes on with the start that its foreign span left', () => {
    const test = anAudit()
    const call = () =>
      test.audit.call(
        { tool: test.audit.outsideTool({ name: 'remote' }), args: [{ a: 1 }] },
        () => 'x',
      )
    foreignSpan('execute_tool remote', executeTool('remote'), call)
    foreignSpan('execute_tool remote', executeTool('remote'), call)
    const starts = test.ofType('tool.start')
    const ends = test.ofType('tool.end')
    expect(starts).toHaveLength(2)
    expect(ends.map((end) => end.invocation.start)).toEqual(
      starts.map((s) => `${s.chain.epoch}/${s.chain.seq}`),
    )
    expect(ends[1]?.invocation.input).toBeDefined()
  })
})

it('the scope of a task reaches foreign spans inside it', async () => {
  const test = anAudit()
  await test.audit.task({ name: 't', id: 'task-1', user: 'u-17' }, () => {
    foreignSpan('execute_tool find', executeTool('find'), () => {})
  })
  const { context: ctx, actor } = endOf(test.records(), 'find')
  expect(ctx.task_id).toBe('task-1')
  expect(actor.user).toEqual(test.ofType('task.start')[0]?.actor.user)
})

describe('processors of others', () => {
  const throwing = (when: 'onStart' | 'onEnd'): SpanProcessor => ({
    onStart() {
      if (when === 'onStart') throw new Error('foreign onStart')
    },
    onEnd() {
      if (when === 'onEnd') throw new Error('foreign onEnd')
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  })

  it.each(['onStart', 'onEnd'] as const)(
    'one that throws in %s does not reach the tool or its task',
    async (when) => {
      for (const place of ['first', 'processors'] as const) {
        const test = anAudit({ [place]: [throwing(when)] })
        const call = test.audit.tool({ name: 'probe' }, async () => 7)
        expect(
          await test.audit.task({ name: 't' }, (task) =>
            task.reasoning({ thought: 'x' }, () => call()),
          ),
        ).toBe(7)
        expect(test.ofType('tool.end')).toHaveLength(1)
        expect(test.ofType('task.end')).toHaveLength(1)
      }
    },
  )
})

it('a foreign span whose attributes cannot be read reaches nobody', () => {
  const test = anAudit()
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error('no')
      },
    },
  )
  expect(() => test.audit.processor.onStart(hostile, context.active())).not.toThrow()
  expect(() => test.audit.processor.onEnd(hostile)).not.toThrow()
  expect(test.audit.health().internalErrors).toBe(2)
})
