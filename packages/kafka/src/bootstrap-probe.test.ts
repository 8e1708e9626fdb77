// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { aliveFirst } from './bootstrap-probe.ts'
import type { KafkaConnection } from './connection-options.ts'
import { checkConnectionOptions } from './connection-options.ts'

const API_VERSIONS = 18
const servers: Server[] = []
const sockets = new Set<Socket>()

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

/** A server of `host:port` that does with each connection what it is told. */
async function aServer(serve: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { readonly port: number }
  return `127.0.0.1:${address.port}`
}

/** What a frozen broker looks like: the kernel accepts, and nobody answers. */
const frozen = (): Promise<string> => aServer(() => undefined)

/** Answers to ApiVersions as a broker does, byte by byte, and to nothing else. */
const alive = (): Promise<string> =>
  aServer((socket) => {
    socket.on('data', (question: Buffer) => {
      if (question.readInt16BE(4) !== API_VERSIONS) return
      const answer = Buffer.alloc(14)
      answer.writeInt32BE(10, 0)
      answer.writeInt32BE(question.readInt32BE(8), 4)
      for (const byte of answer) socket.write(Buffer.of(byte))
    })
  })

function to(brokers: readonly string[], connectTimeoutMillis = 60_000): KafkaConnection {
  return checkConnectionOptions('test', { brokers, connectTimeoutMillis })
}

test('a broker that answers comes first, and all others behind it', async () => {
  const brokers = [await frozen(), await frozen(), await alive(), '127.0.0.1:1', await frozen()]
  const order = await aliveFirst(to(brokers), true)
  expect(order[0]).toBe(brokers[2])
  expect(order.toSorted()).toEqual(brokers.toSorted())
})

test('what closes the connection or answers something else is not alive', async () => {
  const brokers = [
    await aServer((socket) => socket.end()),
    await aServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    await alive(),
  ]
  expect((await aliveFirst(to(brokers), false))[0]).toBe(brokers[2])
})

test('where nobody answers in time, the list is as long as before', async () => {
  const brokers = [await frozen(), '127.0.0.1:1']
  const order = await aliveFirst(to(brokers, 100), false)
  expect(order.toSorted()).toEqual(brokers.toSorted())
})

test('one broker alone is not asked', async () => {
  expect(await aliveFirst(to(['127.0.0.1:1']), true)).toEqual(['127.0.0.1:1'])
})
