// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import * as fs from 'node:fs'
import type { AuditOptions } from '@spanseal/otel'
import { expect, onTestFinished, test } from 'vitest'
import { auditMcpClient } from './client.ts'
import { Audited, aServer, connect } from './mcp.fixture.ts'
import { auditMcpServer } from './server.ts'

/** A disk that is full from some moment on. */
class FullDisk {
  isFull = false

  get fs(): NonNullable<AuditOptions['fs']> {
    return {
      openSync: fs.openSync,
      writeSync: (...args) => {
        if (this.isFull) throw Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC' })
        return fs.writeSync(...args)
      },
      fdatasync: fs.fdatasync,
      fdatasyncSync: fs.fdatasyncSync,
      fsyncSync: fs.fsyncSync,
      closeSync: fs.closeSync,
      mkdirSync: (path, mode) => fs.mkdirSync(path, { mode }),
      renameSync: fs.renameSync,
    }
  }
}

function aScene(options: Partial<AuditOptions> = {}) {
  const disk = new FullDisk()
  const audited = new Audited({ fs: disk.fs, ...options })
  onTestFinished(() => audited.close())
  const server = aServer()
  let calls = 0
  const register = (name: string): unknown =>
    server.registerTool(name, {}, async () => {
      calls++
      return { content: [{ type: 'text' as const, text: 'done' }] }
    })
  return { disk, audited, server, register, calls: () => calls }
}

test('a client sends no request of a tool that it does not know while its intent cannot be written', async () => {
  const { disk, audited, server, register, calls } = aScene()
  register('pay')
  const client = auditMcpClient(audited.audit, await connect(server))
  await client.callTool({ name: 'pay' })
  disk.isFull = true
  await expect(client.callTool({ name: 'pay' })).rejects.toMatchObject({
    code: 'INTENT_NOT_DURABLE',
    message: expect.stringContaining('tool "pay": did not run') as string,
  })
  expect(calls()).toBe(1)
  audited.audit.breakGlass({ reason: 'the payment must go out' })
  await client.callTool({ name: 'pay' })
  expect(calls()).toBe(2)
})

test('a tool that is known to read only is called all the same', async () => {
  const { disk, audited, server, register, calls } = aScene()
  register('look')
  const tools = { look: { risk: 'read' } } as const
  const client = auditMcpClient(audited.audit, await connect(server), { tools })
  disk.isFull = true
  expect(await client.callTool({ name: 'look' })).toMatchObject({ content: [{ text: 'done' }] })
  expect(calls()).toBe(1)
})

test('and so is every one where the audit or the client says so', async () => {
  const open = aScene({ risks: { write: { failMode: 'open' } } })
  open.register('pay')
  const first = auditMcpClient(open.audited.audit, await connect(open.server))
  open.disk.isFull = true
  await first.callTool({ name: 'pay' })
  const reading = aScene()
  reading.register('pay')
  const second = auditMcpClient(reading.audited.audit, await connect(reading.server), {
    risk: 'read',
  })
  reading.disk.isFull = true
  await second.callTool({ name: 'pay' })
  expect([open.calls(), reading.calls()]).toEqual([1, 1])
})

test('a server runs no handler, and its answer names neither folder nor file', async () => {
  const { disk, audited, server, register, calls } = aScene()
  auditMcpServer(audited.audit, server, { risk: 'critical' })
  register('pay')
  const client = await connect(server)
  await client.callTool({ name: 'pay' })
  disk.isFull = true
  const error = await client.callTool({ name: 'pay' }).catch((thrown: unknown) => thrown as Error)
  expect((error as Error).message).toContain('tool "pay": did not run')
  expect((error as Error).message).toContain('ENOSPC')
  expect((error as Error).message).not.toContain(audited.folder)
  expect(calls()).toBe(1)
})
