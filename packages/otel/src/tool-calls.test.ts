// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { fdatasync, fdatasyncSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { context, ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { isEpochId } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { aFileSystem, anAudit, endOf, ofType, readRecords } from './audit.fixture.ts'
import type { ToolDefinition } from './tool-definition.ts'

const agent = { id: 'support-1', name: 'support' }
const refundOrder: ToolDefinition = {
  name: 'refund_order',
  version: '2.1.0',
  publisher: 'shop.example',
  trustLevel: 'gold',
  verificationScore: 97.5,
  type: 'extension',
  server: 'orders',
  registryRef: 'registry.example/refund_order',
  digest: `sha256:${'d1'.repeat(32)}`,
  permissions: ['network', 'data_access:orders'],
  classifications: ['pii', 'payment'],
}

describe('names and attributes', () => {
  it('the span has the GenAI names, the twelve of the article, and the pointer into the evidence', async () => {
    const test = anAudit({ agent })
    const refund = test.audit.tool(refundOrder, async (_order: { order: string }) => {
      throw new TypeError('no such order')
    })
    await test.audit
      .task({ name: 't', id: 'task-1', classifications: ['orders'] }, () =>
        refund({ order: 'A-1' }),
      )
      .catch(() => {})
    const span = test.span('execute_tool refund_order')
    const [start] = test.ofType('tool.start')
    const end = endOf(test.records(), 'refund_order')
    const { input } = end.invocation
    expect(span.kind).toBe(SpanKind.INTERNAL)
    expect(span.instrumentationScope.name).toBe('agent.tools')
    expect(span.attributes).toEqual({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'refund_order',
      'gen_ai.tool.type': 'extension',
      'gen_ai.agent.id': 'support-1',
      'tool.name': 'refund_order',
      'tool.version': '2.1.0',
      'tool.publisher': 'shop.example',
      'tool.trust_level': 'gold',
      'agent.id': 'support-1',
      'task.id': 'task-1',
      'data.classification': 'orders,pii,payment',
      'input.hash':
        input?.alg === 'blinded-sha256' ? `blinded-sha256:${String(input.kid)}:${input.c}` : '',
      'invocation.status': 'error',
      'invocation.duration_ms': Number(end.invocation.duration_ns) / 1e6,
      'error.type': 'TypeError',
      'spanseal.authorization.decision': 'not_required',
      'spanseal.epoch': start?.chain.epoch,
      'spanseal.start.seq': start?.chain.seq,
      'spanseal.start.hash': end.chain.prev,
      'spanseal.end.seq': end.chain.seq,
      'spanseal.end.hash': test.records()[end.chain.seq + 1]?.chain.prev,
    })
    expect(span.status.message).toBe('TypeError')
  })

  it('an output has its hash on the span as well', async () => {
    const test = anAudit({ agent })
    await test.audit.tool({ name: 'probe' }, async () => 'x')()
    const { attributes } = test.span('execute_tool probe')
    expect(attributes['output.hash']).toMatch(/^blinded-sha256:[0-9a-f]{16}:[0-9a-f]{64}$/)
    expect(attributes).not.toHaveProperty('error.type')
  })

  it('spanName: tool names spans as the article does', async () => {
    const test = anAudit({ spanName: 'tool' })
    await test.audit.tool({ name: 'refund_order' }, async () => 'x')()
    expect(test.span('tool.refund_order').attributes['gen_ai.tool.name']).toBe('refund_order')
  })

  it('the records say what the tool is, from its definition', async () => {
    const test = anAudit({ agent })
    await test.audit.tool(refundOrder, async () => 'x')()
    const end = endOf(test.records(), 'refund_order')
    expect(end.tool).toEqual({
      digest: refundOrder.digest,
      name: 'refund_order',
      publisher: 'shop.example',
      registry_ref: 'registry.example/refund_order',
      server: 'orders',
      trust_level: 'gold',
      type: 'extension',
      verification_score: '97.5',
      version: '2.1.0',
    })
    expect(end.authorization).toEqual({
      decision: 'not_required',
      method: 'none',
      permissions_denied: [],
      permissions_used: ['network', 'data_access:orders'],
    })
    expect(end.context.data_classifications).toEqual(['pii', 'payment'])
  })

  it('start and end agree in actor, tool, authorization, trace and input commitment', async () => {
    const test = anAudit({ agent })
    await test.audit.task({ name: 't', user: 'u' }, () =>
      test.audit.tool(refundOrder, async (_input: object) => 'x')({ a: 1 }),
    )
    const [start] = test.ofType('tool.start')
    const end = endOf(test.records(), 'refund_order')
    for (const block of ['actor', 'tool', 'authorization', 'context', 'trace'] as const) {
      expect(end[block]).toEqual(start?.[block])
    }
    expect(end.invocation.input).toEqual(start?.invocation.input)
    expect(end.invocation.start).toBe(`${start?.chain.epoch}/${start?.chain.seq}`)
  })

  it('an instrumentation gives the call its own name, kind, id, attempt and attributes, redacted', async () => {
    const test = anAudit()
    const tool = test.audit.registerTool({ name: 'find', publisher: 'x' })
    const request = {
      tool,
      args: [1],
      externalId: 'call-7\u0000',
      attempt: 2,
      spanName: 'tools/call find',
      spanKind: SpanKind.CLIENT,
      attributes: { 'mcp.method.name': 'tools/call', 'x.password': 'hunter2' },
    }
    expect(test.audit.call(request, () => 'value')).toBe('value')
    const span = test.span('tools/call find')
    expect(span.kind).toBe(SpanKind.CLIENT)
    expect(span.attributes).toMatchObject({ 'mcp.method.name': 'tools/call' })
    expect(JSON.stringify(span.attributes)).not.toContain('hunter2')
    expect(endOf(test.records(), 'find').invocation).toMatchObject({
      external_id: 'call-7\ufffd',
      attempt: 2,
    })
  })

  it('a judge says when a returned value was a failure', async () => {
    const test = anAudit()
    const tool = test.audit.registerTool({ name: 'find' })
    const value = { isError: true }
    const judge = () => ({
      status: 'error' as const,
      errorType: 'tool_error',
      message: 'no such order',
    })
    expect(await test.audit.call({ tool, args: [], judge }, async () => value)).toBe(value)
    expect(endOf(test.records(), 'find').invocation).toMatchObject({
      status: 'error',
      error: { type: 'tool_error' },
      output: { enc: 'json' },
    })
  })

  it('a judge that throws changes nothing for the caller and is counted', () => {
    const test = anAudit()
    const tool = test.audit.registerTool({ name: 'find' })
    const judge = () => {
      throw new Error('bug')
    }
    expect(test.audit.call({ tool, args: [], judge }, () => 7)).toBe(7)
    expect(test.audit.health()).toMatchObject({ ok: false, internalErrors: 1 })
  })

  it('a judge that gives no status it could have is taken for an error', () => {
    const test = anAudit()
    const tool = test.audit.registerTool({ name: 'find' })
    const judge = () => ({ status: 'odd', errorType: 'x', message: 'y' }) as never
    expect(test.audit.call({ tool, args: [], judge }, () => 7)).toBe(7)
    expect(endOf(test.records(), 'find').invocation.status).toBe('error')
  })

  it.each([
    ['an unknown field', { versoin: '1' }, 'tool.versoin'],
    ['a name with a control character', { name: 'a\u001b[2J' }, 'tool.name'],
    ['no name', { name: '' }, 'tool.name'],
    ['an unknown type', { type: 'robot' }, 'tool.type'],
    ['an unknown risk', { risk: 'high' }, 'tool.risk'],
    ['a score above 100', { verificationScore: 101 }, 'tool.verificationScore'],
    ['an unknown permission', { permissions: ['root'] }, 'tool.permissions'],
    ['classifications that are no list', { classifications: 'pii' }, 'tool.classifications'],
    ['a summary field that JSON would escape', { summary: ['a"b'] }, 'tool.summary[0]'],
    [
      'too many summary fields',
      { summary: Array.from({ length: 33 }, (_, i) => `f${i}`) },
      'tool.summary',
    ],
    ['subjects that are no function', { subjects: ['u'] }, 'tool.subjects'],
    ['async that is no boolean', { async: 'yes' }, 'tool.async'],
    ['a name kept for nobody', { publisher: 'unattributed' }, 'tool.publisher'],
  ])('a definition with %s is refused', (_, fields, option) => {
    const { audit } = anAudit()
    expect(() => audit.tool({ name: 'x', ...fields } as ToolDefinition, () => 1)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', details: { option } }) as Error,
    )
  })

  it('an outside tool never throws: unusable names are mended, unusable fields left out, secrets masked', () => {
    const test = anAudit()
    const tool = test.audit.outsideTool({
      name: `bad\u001b\n${'x'.repeat(300)}`,
      server: 'a\u0000b',
      version: '\n',
      trustLevel: 'of jane.doe@example.com',
      type: 'robot' as 'function',
    })
    expect(test.audit.call({ tool, args: [] }, () => 1)).toBe(1)
    const [end] = test.ofType('tool.end')
    expect(end?.tool.name).toMatch(/^bad\ufffd\ufffdx+$/)
    expect(end?.tool).toMatchObject({
      server: 'a\ufffdb',
      version: '\ufffd',
      type: 'extension',
    })
    expect(test.audit.outsideTool({ name: undefined as unknown as string }).tool.value.name).toBe(
      'undefined',
    )
  })
})

describe('the intent', () => {
  /** Types in the file, read by somebody else, at this moment. */
  const written = (journal: string): string[] => {
    const [epoch = ''] = readdirSync(journal).filter(isEpochId)
    const text = readFileSync(
      join(
        journal,
        epoch,
        readdirSync(join(journal, epoch))
          .filter((n) => n.endsWith('.jsonl'))
          .sort()
          .at(-1) ?? '',
      ),
      'utf8',
    )
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { type: string }).type)
  }

  it.each(['none', 'interval', 'group', 'every'] as const)(
    'is in the journal before the tool runs, the outcome before the caller goes on (%s)',
    async (durability) => {
      const test = anAudit({ durability })
      let inside: string[] = []
      const sync = test.audit.tool({ name: 'a' }, () => (inside = written(test.journal)))
      sync()
      expect(inside).toEqual(['tool.start'])
      const async_ = test.audit.tool(
        { name: 'b', risk: 'write' },
        async () => (inside = written(test.journal)),
      )
      await async_()
      expect(inside).toEqual(['tool.start', 'tool.end', 'tool.start'])
      expect(written(test.journal)).toEqual(['tool.start', 'tool.end', 'tool.start', 'tool.end'])
    },
  )

  it.each([
    ['none', 'write', 0],
    ['interval', 'read', 0],
    ['interval', 'write', 1],
    ['group', 'read', 1],
  ] as const)(
    'is on disk before the tool runs under %s for a tool that does %s',
    async (durability, risk, syncs) => {
      let synced = 0
      const fs = aFileSystem({
        fdatasync: (fd, done) => {
          synced++
          fdatasync(fd, done)
        },
        fdatasyncSync: (fd) => {
          synced++
          fdatasyncSync(fd)
        },
      })
      const test = anAudit({ durability, fs })
      for (const define of ['sync', 'async'] as const) {
        synced = 0
        let inside = -1
        const body = () => {
          inside = synced
        }
        const run: () => unknown = define === 'sync' ? body : async () => body()
        await test.audit.tool({ name: 'x', risk }, run)()
        expect(inside).toBe(syncs)
      }
    },
  )

  it('many asynchronous calls share a sync', async () => {
    let synced = 0
    const fs = aFileSystem({
      fdatasync: (fd, done) => {
        synced++
        fdatasync(fd, done)
      },
    })
    const test = anAudit({ durability: 'group', fs })
    const call = test.audit.tool({ name: 'x', risk: 'write' }, async () => 1)
    synced = 0
    await Promise.all(Array.from({ length: 50 }, () => call()))
    expect(synced).toBeLessThan(10)
    expect(test.ofType('tool.end')).toHaveLength(50)
  })
})

describe('what detectors need', () => {
  it('is computed from the input: flags, shape and size, and of the output its size', async () => {
    const test = anAudit()
    const call = test.audit.tool({ name: 'x' }, async (_input: unknown) => 'o'.repeat(300))
    await call({ query: "1' or '1'='1' --", password: 'hunter2', note: 'n' })
    const { observed } = endOf(test.records(), 'x').invocation
    expect(observed?.flags).toEqual(expect.arrayContaining(['secret', 'sql_injection']))
    expect(observed).toMatchObject({ input_bytes: 64, output_bytes: 300 })
    expect(observed?.input_shape).toMatch(/^[0-9a-f]{16}$/)
  })

  it('the same shape has the same tag, whatever the values', async () => {
    const test = anAudit()
    const call = test.audit.tool({ name: 'x' }, async (_input: unknown) => 1)
    for (const input of [
      { a: 'x', b: 1 },
      { b: 22, a: 'y' },
      { a: 'x', c: 1 },
    ])
      await call(input)
    const [one, two, three] = test
      .ofType('tool.end')
      .map((end) => end.invocation.observed?.input_shape)
    expect(one).toBe(two)
    expect(one).not.toBe(three)
  })

  it('equal values can be recognised from 32 encoded bytes up, and only there', async () => {
    const test = anAudit()
    const call = test.audit.tool({ name: 'x' }, async (value: unknown) => value)
    await call('a text that is long enough to be grouped')
    await call('short')
    const [long, short] = test.ofType('tool.end').map((end) => end.invocation)
    const output = long?.output as { eq: string }
    expect(long?.input).toMatchObject({ eq: output.eq })
    expect(short?.input).not.toHaveProperty('eq')
  })
})

describe('summaries', () => {
  it('keep the scalars of the listed fields, redacted and capped', async () => {
    const test = anAudit()
    const call = test.audit.tool(
      {
        name: 'x',
        summary: ['status', 'count', 'ratio', 'mail', 'password', 'nested', 'long', 'gone', 'none'],
      },
      async () => ({
        status: 'shipped',
        count: 3,
        ratio: 0.5,
        mail: 'write to jane.doe@example.com',
        password: 'hunter2',
        nested: { a: 1 },
        long: 'l'.repeat(500),
        none: null,
        other: 'not listed',
      }),
    )
    await call()
    const { summary } = endOf(test.records(), 'x').invocation
    expect(summary?.fields).toMatchObject({
      status: 'shipped',
      count: 3,
      ratio: '0.5',
      none: null,
      long: 'l'.repeat(120),
    })
    expect(summary?.truncated).toBe(true)
    expect(JSON.stringify(summary)).not.toMatch(/hunter2|jane\.doe|not listed|nested/)
  })

  it('leave out what cannot be read, and lose no record for it', async () => {
    const test = anAudit()
    const value = {
      note: 'n',
      get status(): string {
        throw new Error('hunter2')
      },
    }
    await test.audit.tool({ name: 'x', summary: ['status', 'note'] }, async () => value)()
    expect(endOf(test.records(), 'x').invocation.summary).toEqual({
      fields: { note: 'n' },
      truncated: true,
    })
    expect(test.audit.health().journal.recordsFailed).toBe(0)
  })

  it('never make a record too long', async () => {
    const test = anAudit()
    const fields = Array.from({ length: 32 }, (_, i) => `field_${i}`)
    const value = Object.fromEntries(fields.map((field) => [field, '"\u0001'.repeat(100)]))
    await test.audit.tool({ name: 'x', summary: fields }, async () => value)()
    expect(endOf(test.records(), 'x').invocation.summary?.truncated).toBe(true)
  })
})

describe('data subjects of one call', () => {
  it('blind its commitments with their keys, and stand in its context as pseudonyms', async () => {
    const test = anAudit()
    const call = test.audit.tool(
      { name: 'x', subjects: (input: { people: string[] }) => input.people },
      async (_input: { people: string[] }) => 'a text that would have an equality tag otherwise',
    )
    await test.audit.task({ name: 't', subjects: ['of-the-task'] }, async () => {
      await call({ people: ['ann', 'bob', 'ann'] })
      await call({ people: [] })
    })
    const [start] = test.ofType('tool.start')
    const [first, second] = test.ofType('tool.end')
    expect(start?.context.subjects?.count).toBe(2)
    expect(start?.context.subjects?.refs).toHaveLength(2)
    expect(first?.context.subjects).toEqual(start?.context.subjects)
    expect(first?.invocation.input).toMatchObject({ kid: expect.any(Array) as string[] })
    expect(first?.invocation.output).not.toHaveProperty('eq')
    expect(second?.context.subjects).toEqual(test.ofType('task.start')[0]?.context.subjects)
    expect(second?.invocation.output).toMatchObject({
      kid: second?.context.subjects?.refs[0]?.slice(3),
    })
  })

  it('of more than 16, the first 16 are named and the rest counted', async () => {
    const test = anAudit()
    const people = Array.from({ length: 40 }, (_, i) => `person-${i}`)
    await test.audit.tool({ name: 'x', subjects: () => people }, async () => 1)()
    const { context: ctx, invocation } = endOf(test.records(), 'x')
    expect(ctx.subjects).toMatchObject({ count: 40, refs_more: 24 })
    expect(ctx.subjects?.refs).toHaveLength(16)
    expect((invocation.output as unknown as { kid: string[] }).kid).toHaveLength(16)
  })

  it('a subjects function that throws is counted, and the task’s subjects apply', async () => {
    const test = anAudit()
    const subjects = () => {
      throw new Error('bug')
    }
    expect(await test.audit.tool({ name: 'x', subjects }, async () => 1)()).toBe(1)
    expect(endOf(test.records(), 'x').context.subjects).toBe(undefined)
    expect(test.audit.health().internalErrors).toBe(1)
  })
})

describe('where OpenTelemetry gives no ids', () => {
  it('under suppressed tracing records have made, consistent ids, marked synthetic', () => {
    const test = anAudit()
    const inner = test.audit.tool({ name: 'inner' }, () => 1)
    const outer = test.audit.tool({ name: 'outer' }, () => inner())
    expect(context.with(suppressTracing(context.active()), outer)).toBe(1)
    const records = test.records()
    const one = endOf(records, 'outer').trace
    const two = endOf(records, 'inner').trace
    expect(one.synthetic).toBe(true)
    expect(one.trace_id).toMatch(/^(?!0+$)[0-9a-f]{32}$/)
    expect(two).toMatchObject({
      synthetic: true,
      trace_id: one.trace_id,
      parent_span_id: one.span_id,
    })
    expect(test.spans()).toEqual([])
  })

  it('below a remote parent that is not sampled, the records have its trace and real ids', () => {
    const test = anAudit()
    const call = test.audit.tool({ name: 'probe' }, () => 1)
    const parent = {
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      traceFlags: TraceFlags.NONE,
      isRemote: true,
    }
    expect(context.with(trace.setSpanContext(ROOT_CONTEXT, parent), call)).toBe(1)
    const { trace: ids } = endOf(test.records(), 'probe')
    expect(ids).toMatchObject({ trace_id: 'a'.repeat(32), parent_span_id: 'b'.repeat(16) })
    expect(ids).not.toHaveProperty('synthetic')
  })
})

it('nested wrappers are two calls, the inner one the child of the outer', () => {
  const test = anAudit()
  const inner = test.audit.tool({ name: 'same' }, (depth: number): number =>
    depth === 0 ? 0 : inner(depth - 1),
  )
  inner(1)
  const starts = test.ofType('tool.start')
  expect(starts).toHaveLength(2)
  expect(test.ofType('tool.end')).toHaveLength(2)
  expect(starts[1]?.trace.parent_span_id).toBe(starts[0]?.trace.span_id)
})

it('a call outside every task is unattributed', () => {
  const test = anAudit({ agent })
  test.audit.tool({ name: 'x' }, () => 1)()
  const { actor, context: ctx } = endOf(test.records(), 'x')
  expect(actor).toEqual({ agent, user: { ref: 'unattributed' } })
  expect(ctx.task_id).toBe('unattributed')
})

it('calls in parallel keep their own parents and outcomes', async () => {
  const test = anAudit()
  const call = test.audit.tool({ name: 'x' }, async (n: number) => {
    await new Promise((resolve) => setTimeout(resolve, n % 3))
    if (n % 2 === 1) throw new Error('odd')
    return n
  })
  const tasks = Array.from({ length: 8 }, (_, n) =>
    test.audit.task({ name: `t${n}` }, () => call(n)),
  )
  const settled = await Promise.allSettled(tasks)
  expect(settled.map(({ status }) => status)).toEqual(
    tasks.map((_, n) => (n % 2 === 1 ? 'rejected' : 'fulfilled')),
  )
  const records = readRecords(test.journal)
  const spanOfTask = new Map(ofType(records, 'task.start').map((r) => [r.context.task_id, r.trace]))
  for (const end of ofType(records, 'tool.end')) {
    const task = spanOfTask.get(end.context.task_id)
    expect(end.trace).toMatchObject({ trace_id: task?.trace_id, parent_span_id: task?.span_id })
  }
})
