// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AddressInfo, Server } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkConnectionOptions } from './connection-options.ts'
import { openKafkajs } from './kafkajs-client.ts'

/** Accepts connections and never answers, like a frozen broker. */
let frozen: Server
let connections = 0
let brokers: string[]

beforeAll(async () => {
  frozen = createServer((socket) => {
    connections++
    socket.on('error', () => undefined)
  })
  frozen.listen(0, '127.0.0.1')
  await new Promise((resolve) => frozen.once('listening', resolve))
  brokers = [`127.0.0.1:${(frozen.address() as AddressInfo).port}`]
})

afterAll(() => {
  frozen.close()
})

describe('a client that is discarded', () => {
  const retry = { retries: 1_000, initialRetryTime: 10, maxRetryTime: 10 }

  test('ends what is under way, and all that it would try again', async () => {
    const client = await openKafkajs(checkConnectionOptions('test', { brokers }), 'background')
    const producer = client.kafka.producer({ idempotent: true, retry })
    const connecting = producer.connect()
    await expect.poll(() => connections).toBe(1)
    client.discard()
    await expect(connecting).rejects.toThrow(/discarded/)
    await expect(producer.connect()).rejects.toThrow(/discarded/)
    await expect(client.kafka.admin({ retry }).connect()).rejects.toThrow(/discarded/)
    expect(connections).toBe(1)
  })
})

test('the options that were given are not changed', async () => {
  const sasl = { mechanism: 'plain' as const, username: 'u', password: 'p' }
  const options = { brokers, sasl }
  const client = await openKafkajs(checkConnectionOptions('test', options), 'background')
  const connecting = client.kafka.admin().connect()
  client.discard()
  await expect(connecting).rejects.toThrow(/discarded/)
  expect(Object.keys(sasl)).toEqual(['mechanism', 'username', 'password'])
})

test('what the client logs goes to the callback, and nowhere else', async () => {
  const log: string[] = []
  const options = {
    brokers: ['127.0.0.1:1'],
    onLog: (e: { message: string }) => log.push(e.message),
  }
  const client = await openKafkajs(checkConnectionOptions('test', options), 'background')
  const admin = client.kafka.admin({ retry: { retries: 0 } })
  await expect(admin.connect()).rejects.toThrow(/ECONNREFUSED/)
  client.discard()
  expect(log).toContainEqual(expect.stringContaining('ECONNREFUSED'))
})
