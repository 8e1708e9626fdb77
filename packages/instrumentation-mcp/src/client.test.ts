// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { auditMcpClient } from './client.ts'
import { Audited, aServer, connect } from './mcp.fixture.ts'

let audited: Audited
let server: McpServer

beforeEach(() => {
  audited = new Audited()
  server = aServer()
})
afterEach(() => audited.close())

const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })

describe('an audited client', () => {
  test('records intent before the request leaves and outcome after, and returns what the server said', async () => {
    let recordsWhileRunning: string[] = []
    server.registerTool('find', { inputSchema: { order: z.string() } }, async ({ order }) => {
      recordsWhileRunning = audited.records().map((record) => record.type)
      return text(`found ${order}`)
    })
    const client = auditMcpClient(audited.audit, await connect(server))
    expect(await client.callTool({ name: 'find', arguments: { order: 'A-1' } })).toEqual(
      text('found A-1'),
    )
    expect(recordsWhileRunning).toContain('tool.start')
    expect(recordsWhileRunning).not.toContain('tool.end')
    const [end] = audited.ofType('tool.end')
    expect(end).toMatchObject({
      tool: {
        name: 'find',
        server: 'orders',
        version: '3.1.0',
        type: 'extension',
        trust_level: 'unverified',
      },
      invocation: { status: 'success', input: { enc: 'json' }, output: { enc: 'json' } },
    })
  })

  test('sends the trace and task of the running code in _meta, beside what the caller put there', async () => {
    let meta: Record<string, unknown> = {}
    server.registerTool('look', {}, async (extra) => {
      meta = extra._meta as Record<string, unknown>
      return text('')
    })
    const client = auditMcpClient(audited.audit, await connect(server))
    let traceId = ''
    await audited.audit.task({ name: 'outer', id: 'task-7' }, async (task) => {
      traceId = task.traceId
      await client.callTool({ name: 'look', _meta: { mine: 1 } })
    })
    const [start] = audited.ofType('tool.start')
    expect(meta['traceparent']).toBe(
      `00-${traceId}-${(start as { trace: { span_id: string } }).trace.span_id}-01`,
    )
    expect(meta['baggage']).toBe('spanseal.task.id=task-7')
    expect(meta['mine']).toBe(1)
  })

  test('an isError result is an error of type tool_error, and reaches the caller unchanged', async () => {
    server.registerTool('fail', {}, async () => ({ ...text('no such order'), isError: true }))
    const client = auditMcpClient(audited.audit, await connect(server))
    expect(await client.callTool({ name: 'fail' })).toMatchObject({ isError: true })
    expect(audited.ofType('tool.end')[0]?.invocation).toMatchObject({
      status: 'error',
      error: { type: 'tool_error' },
    })
    expect(JSON.stringify(audited.records())).not.toContain('no such order')
  })

  test('an unknown tool is a recorded failure', async () => {
    server.registerTool('known', {}, async () => text(''))
    const client = auditMcpClient(audited.audit, await connect(server))
    await client.callTool({ name: 'unknown' })
    expect(audited.ofType('tool.end')[0]).toMatchObject({
      tool: { name: 'unknown' },
      invocation: { status: 'error' },
    })
  })

  test('a cancelled call and a timed out one are told apart', async () => {
    server.registerTool('hang', {}, () => new Promise(() => {}))
    const client = auditMcpClient(audited.audit, await connect(server))
    const giveUp = new AbortController()
    const cancelled = client.callTool({ name: 'hang' }, undefined, { signal: giveUp.signal })
    giveUp.abort()
    await expect(cancelled).rejects.toThrow('aborted')
    await expect(client.callTool({ name: 'hang' }, undefined, { timeout: 20 })).rejects.toThrow(
      'timed out',
    )
    expect(audited.ofType('tool.end').map((r) => r.invocation.status)).toEqual([
      'cancelled',
      'timeout',
    ])
  })

  test('progress reaches the caller in the context of the call', async () => {
    server.registerTool('slow', {}, async (extra) => {
      const progressToken = extra._meta?.progressToken as number
      await extra.sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress: 1, total: 2 },
      })
      return text('')
    })
    const client = auditMcpClient(audited.audit, await connect(server))
    const seen: unknown[] = []
    await audited.audit.task({ name: 'outer', id: 'task-8' }, () =>
      client.callTool({ name: 'slow' }, undefined, {
        onprogress: ({ progress }) => seen.push([progress, audited.audit.carrier().baggage]),
      }),
    )
    expect(seen).toEqual([[1, 'spanseal.task.id=task-8']])
  })

  test('a denied call never leaves, and the caller gets a coded error', async () => {
    await audited.close()
    audited = new Audited({ authorize: () => ({ decision: 'denied' }) })
    let ran = false
    server.registerTool('drop', {}, async () => ((ran = true), text('')))
    const client = auditMcpClient(audited.audit, await connect(server))
    await expect(async () => client.callTool({ name: 'drop' })).rejects.toMatchObject({
      code: 'AUTHORIZATION_DENIED',
    })
    expect(ran).toBe(false)
    expect(audited.ofType('tool.end')[0]?.invocation.status).toBe('denied')
  })

  test('a registry given by name wins over what the server says of itself', async () => {
    server.registerTool('find', {}, async () => text(''))
    const tools = { find: { publisher: 'acme', trustLevel: 'gold', risk: 'read' as const } }
    const client = auditMcpClient(audited.audit, await connect(server), { tools })
    await client.callTool({ name: 'find' })
    expect(audited.ofType('tool.start')[0]?.tool).toMatchObject({
      publisher: 'acme',
      trust_level: 'gold',
    })
  })
})
