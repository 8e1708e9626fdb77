// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTopics, kafkaSink, kafkaSource } from '@spanseal/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import { runCommand } from '../services/run-command.ts'
import { EpochMill } from './chained-records.ts'
import { code, readAll } from './read-back.ts'

const CREDENTIALS = {
  mechanism: 'scram-sha-512',
  username: 'agent',
  password: 'agent-secret',
} as const

let folder: string
let cluster: KafkaCluster
let ca: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spanseal-certs-'))
  await makeCertificates(folder)
  ca = readFileSync(join(folder, 'ca.pem'), 'utf8')
  cluster = await startKafka({
    formatArgs: ['admin', 'agent'].flatMap((name) => [
      '--add-scram',
      `SCRAM-SHA-512=[name=${name},password=${name}-secret,iterations=4096]`,
    ]),
    properties: (node) => ({
      listeners: `CLIENT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
      'advertised.listeners': `CLIENT://127.0.0.1:${node.port}`,
      'listener.security.protocol.map': 'CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'CLIENT',
      'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
      'listener.name.client.scram-sha-512.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required ' +
        'username="admin" password="admin-secret";',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': join(folder, 'server.pem'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': join(folder, 'ca.pem'),
    }),
  })
})

afterAll(async () => {
  await cluster?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

test('records go through TLS and SASL, both ways', async () => {
  const where = { brokers: cluster.bootstrap, ssl: { ca }, sasl: CREDENTIALS }
  await createTopics({ ...where, partitions: 2 })
  const sink = kafkaSink(where)
  const records = new EpochMill(1).records(100)
  await sink.deliver({ records, checkpoints: [] })
  await sink.close(5_000)
  const back = await readAll(kafkaSource({ ...where, untilEnd: true }))
  expect(back.records.map((r) => r.leaf)).toEqual(records.map((r) => r.leaf))
})

test('wrong credentials are refused, not tried for ever, and are not in the error', async () => {
  const sasl = { ...CREDENTIALS, password: 'hunter2' }
  const sink = kafkaSink({ brokers: cluster.bootstrap, ssl: { ca }, sasl })
  const batch = { records: new EpochMill(1).records(1), checkpoints: [] }
  const error = await sink.deliver(batch).catch((e: unknown) => e as Error)
  expect(error).toMatchObject({ code: 'DELIVERY_REFUSED' })
  expect(JSON.stringify([String(error), error])).not.toContain('hunter2')
  await sink.close(1_000)
  const source = kafkaSource({ brokers: cluster.bootstrap, ssl: { ca }, sasl })
  expect(await code(source.read({ recordCountMax: 1, bytesMax: 1 }))).toBe('DELIVERY_REFUSED')
  await source.close()
})

test('a broker whose certificate nobody vouches for gets nothing', async () => {
  const sink = kafkaSink({ brokers: cluster.bootstrap, ssl: true, sasl: CREDENTIALS })
  const batch = { records: new EpochMill(1).records(1), checkpoints: [] }
  await expect(sink.deliver(batch)).rejects.toMatchObject({
    code: 'DELIVERY_TIMEOUT',
    message: expect.stringContaining('certificate') as string,
  })
  await sink.close(1_000)
})

/** A certificate authority, and a certificate of it for 127.0.0.1. */
async function makeCertificates(cwd: string): Promise<void> {
  const openssl = (...args: readonly string[]) => runCommand('openssl', args, { cwd })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test')
  await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=broker')
  const use = 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n'
  writeFileSync(join(cwd, 'use.cnf'), use)
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'use.cnf']
  await openssl('x509', '-req', '-in', 'server.csr', ...signing, '-days', '2', '-out', 'server.crt')
  const parts = ['server.key', 'server.crt', 'ca.pem']
  const chain = parts.map((name) => readFileSync(join(cwd, name), 'utf8')).join('')
  writeFileSync(join(cwd, 'server.pem'), chain)
}
