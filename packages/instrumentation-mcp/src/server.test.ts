// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { auditMcpClient } from './client.ts'
import type { CallRecord } from './mcp.fixture.ts'
import { Audited, aServer, connect } from './mcp.fixture.ts'
import { auditMcpServer } from './server.ts'

let here: Audited
let there: Audited
let server: McpServer

beforeEach(() => {
  here = new Audited()
  there = new Audited()
  server = auditMcpServer(there.audit, aServer())
})
afterEach(async () => {
  await here.close()
  await there.close()
})

const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })
const idsOf = ({ trace, context }: CallRecord & { trace?: unknown; context?: unknown }) =>
  ({ trace, context }) as {
    trace: { trace_id: string; span_id: string; parent_span_id?: string }
    context: { task_id: string }
  }

describe('an audited server', () => {
  test('records the call as part of the client’s trace and task', async () => {
    server.registerTool('find', { inputSchema: { order: z.string() } }, async ({ order }) =>
      text(`found ${order}`),
    )
    const client = auditMcpClient(here.audit, await connect(server))
    await here.audit.task({ name: 'outer', id: 'task-9' }, () =>
      client.callTool({ name: 'find', arguments: { order: 'A-1' } }),
    )
    const [asked] = here.ofType('tool.start').map(idsOf)
    const [served] = there.ofType('tool.start').map(idsOf)
    expect(served?.trace.trace_id).toBe(asked?.trace.trace_id)
    expect(served?.trace.parent_span_id).toBe(asked?.trace.span_id)
    expect(served?.context.task_id).toBe('task-9')
    expect(there.ofType('tool.end')[0]?.invocation.status).toBe('success')
  })

  test('a handler that throws, refused arguments and unknown tools are recorded failures', async () => {
    server.registerTool('throw', {}, async () => {
      throw new Error('broken')
    })
    server.registerTool('strict', { inputSchema: { order: z.string() } }, async () => text(''))
    const client = await connect(server)
    await client.callTool({ name: 'throw' })
    await client.callTool({ name: 'strict', arguments: { order: 1 } })
    await client.callTool({ name: 'nobody' })
    expect(there.ofType('tool.end').map((r) => [r.tool.name, r.invocation.status])).toEqual([
      ['throw', 'error'],
      ['strict', 'error'],
      ['nobody', 'error'],
    ])
  })

  test('names from clients can neither forge lines nor fill the memory', async () => {
    server.registerTool('known', {}, async () => text(''))
    const client = await connect(server)
    await client.callTool({ name: 'a\n{"type":"tool.end"}' })
    await client.callTool({ name: 'x'.repeat(5_000) })
    await client.callTool({ name: '' })
    const names = there.ofType('tool.start').map((r) => r.tool.name)
    expect(names).toHaveLength(3)
    expect(names.every((name) => name.length <= 256 && !name.includes('\n') && name !== '')).toBe(
      true,
    )
  })

  test('a client that sends nonsense as trace context starts a trace of its own', async () => {
    server.registerTool('known', {}, async () => text(''))
    const client = await connect(server)
    await client.callTool({ name: 'known', _meta: { traceparent: 'x'.repeat(1e5), baggage: 7 } })
    expect(there.ofType('tool.end')[0]?.invocation.status).toBe('success')
  })

  test('a tool that the hook denies does not run, and the client is told', async () => {
    await there.close()
    there = new Audited({ authorize: () => ({ decision: 'denied' }) })
    server = auditMcpServer(there.audit, aServer())
    let ran = false
    server.registerTool('drop', {}, async () => ((ran = true), text('')))
    const client = await connect(server)
    await expect(client.callTool({ name: 'drop' })).rejects.toThrow('not authorized')
    expect(ran).toBe(false)
  })

  test('is refused once tools are registered: their calls would go unseen', () => {
    const late = aServer()
    late.registerTool('known', {}, async () => text(''))
    expect(() => auditMcpServer(there.audit, late)).toThrow('tools/call')
  })
})
