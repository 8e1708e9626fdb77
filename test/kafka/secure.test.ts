// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Batch, SealedRecord } from '@spanseal/core'
import { pump } from '@spanseal/core'
import type { KafkaConnectionOptions } from '@spanseal/kafka'
import {
  checkTopics,
  createTopics,
  kafkaSink,
  kafkaSource,
  readDeadLetters,
  replayDeadLetters,
  topicNames,
} from '@spanseal/kafka'
import type { Admin } from 'kafkajs'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runCommand as runSpanseal } from '../../packages/cli/src/command.fixture.ts'
import { aJournal, TestAgent } from '../../packages/cli/src/journal.fixture.ts'
import { freePorts } from '../services/free-ports.ts'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import { runCommand } from '../services/run-command.ts'
import { aclsOf } from './acl-commands.ts'
import { EpochMill } from './chained-records.ts'
import { PATIENCE } from './patience.ts'
import { BatchList, code, readAll } from './read-back.ts'

const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'kafka-security.md')
const ROLES = ['admin', 'shipper', 'auditor', 'operator', 'nobody'] as const
type Role = (typeof ROLES)[number]

const names = topicNames()
/** A broker that has just started takes seconds for a handshake where the machine is busy. */
const HANDSHAKES = { connectTimeoutMillis: 30_000, requestTimeoutMillis: 30_000 } as const
let folder: string
let cluster: KafkaCluster
let ca: string
let admin: Admin
/** Listeners whose certificate does not hold. */
let badPorts: { readonly expired: number; readonly otherName: number }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spanseal-certs-'))
  await makeCertificates(folder)
  ca = readFileSync(join(folder, 'ca.pem'), 'utf8')
  const [expired = 0, otherName = 0] = await freePorts(2)
  badPorts = { expired, otherName }
  cluster = await startKafka({
    formatArgs: ROLES.flatMap((name) => [
      '--add-scram',
      `SCRAM-SHA-512=[name=${name},password=${name}-secret,iterations=4096]`,
    ]),
    properties: (node) => {
      const listeners = (controller: string): string =>
        `CLIENT://127.0.0.1:${node.port},EXPIRED://127.0.0.1:${expired},` +
        `OTHER://127.0.0.1:${otherName}${controller}`
      const jaas =
        'org.apache.kafka.common.security.scram.ScramLoginModule required ' +
        'username="admin" password="admin-secret";'
      return {
        listeners: listeners(`,CONTROLLER://127.0.0.1:${node.controllerPort}`),
        'advertised.listeners': listeners(''),
        'listener.security.protocol.map':
          'CLIENT:SASL_SSL,EXPIRED:SASL_SSL,OTHER:SASL_SSL,CONTROLLER:SSL',
        'inter.broker.listener.name': 'CLIENT',
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
        'listener.name.client.scram-sha-512.sasl.jaas.config': jaas,
        'listener.name.expired.scram-sha-512.sasl.jaas.config': jaas,
        'listener.name.other.scram-sha-512.sasl.jaas.config': jaas,
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': join(folder, 'server.pem'),
        'listener.name.expired.ssl.keystore.location': join(folder, 'expired.pem'),
        'listener.name.other.ssl.keystore.location': join(folder, 'other.pem'),
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': join(folder, 'ca.pem'),
        'listener.name.controller.ssl.client.auth': 'required',
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:admin;User:CN=broker',
        'allow.everyone.if.no.acl.found': 'false',
      }
    },
  })
  admin = as('admin').admin()
  await admin.connect()
  await admin.createAcls({ acl: aclsOf(readFileSync(DOCUMENT, 'utf8')) })
  // The controller has taken them; the broker's authorizer follows it.
  const make = (): Promise<string> => code(createTopics({ ...where('operator'), partitions: 2 }))
  await vi.waitUntil(async () => (await make()) === 'resolved', { ...PATIENCE, interval: 200 })
})

afterAll(async () => {
  await admin?.disconnect()
  await cluster?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

function where(role: Role): KafkaConnectionOptions & { readonly brokers: readonly string[] } {
  const sasl = { mechanism: 'scram-sha-512', username: role, password: `${role}-secret` } as const
  return { brokers: cluster.bootstrap, ssl: { ca }, sasl, ...HANDSHAKES }
}

/** The bare client, which tries what ours does not. */
function as(role: Role): InstanceType<typeof kafkajs.Kafka> {
  return new kafkajs.Kafka({
    ...(where(role) as ConstructorParameters<typeof kafkajs.Kafka>[0]),
    brokers: [...cluster.bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: HANDSHAKES.connectTimeoutMillis,
    authenticationTimeout: HANDSHAKES.connectTimeoutMillis,
    retry: { retries: 1, initialRetryTime: 50 },
  })
}

async function deliver(role: Role, ...records: readonly SealedRecord[]): Promise<void> {
  const sink = kafkaSink(where(role))
  try {
    await sink.deliver({ records, checkpoints: [] })
  } finally {
    await sink.close(5_000)
  }
}

const one = (): Batch => ({ records: new EpochMill(1).records(1), checkpoints: [] })

/** Whether Kafka itself refuses it, for want of rights. */
async function denied(work: Promise<unknown>): Promise<boolean> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return /AUTHORIZATION_FAILED|not authorized|Not authorized|GroupCoordinatorNotFound/i.test(
    inspect(error, { depth: 8 }),
  )
}

describe('TLS', () => {
  const refused: readonly [string, () => KafkaConnectionOptions, RegExp][] = [
    ['nobody vouches for', () => ({ ...where('shipper'), ssl: true }), /certificate/],
    [
      'has expired',
      () => ({ ...where('shipper'), brokers: [`127.0.0.1:${badPorts.expired}`] }),
      /certificate has expired/,
    ],
    [
      'is for another name',
      () => ({ ...where('shipper'), brokers: [`127.0.0.1:${badPorts.otherName}`] }),
      /does not match certificate|altnames/,
    ],
  ]
  for (const [what, options, words] of refused) {
    test(`a broker whose certificate ${what} gets nothing`, async () => {
      const sink = kafkaSink(options())
      await expect(sink.deliver(one())).rejects.toMatchObject({
        code: 'DELIVERY_TIMEOUT',
        message: expect.stringMatching(words) as string,
      })
      await sink.close(1_000)
      const source = kafkaSource({ ...options(), attemptTimeoutMillis: 5_000 })
      expect(await code(source.read())).toBe('DELIVERY_TIMEOUT')
      await source.close()
    })
  }
})

describe('credentials', () => {
  test('that are wrong are refused, not tried for ever', async () => {
    const sasl = { ...where('shipper').sasl, password: 'hunter2' } as KafkaConnectionOptions['sasl']
    const wrong = { ...where('shipper'), sasl: sasl as NonNullable<typeof sasl> }
    const sink = kafkaSink(wrong)
    expect(await code(sink.deliver(one()))).toBe('DELIVERY_REFUSED')
    await sink.close(1_000)
    const source = kafkaSource(wrong)
    expect(await code(source.read())).toBe('DELIVERY_REFUSED')
    await source.close()
    expect(await code(checkTopics(wrong))).toBe('DELIVERY_REFUSED')
  })

  test('are in no error, no log line and no object that can be printed', async () => {
    const secret = 'hunter2-is-planted'
    const said: unknown[] = []
    const options = (password: string): KafkaConnectionOptions => ({
      ...where('shipper'),
      sasl: { mechanism: 'scram-sha-512', username: 'shipper', password },
      onLog: (entry) => said.push(entry),
    })
    const failed = async (work: () => Promise<unknown>): Promise<void> => {
      await work().catch((error: unknown) => said.push(error, String(error), JSON.stringify(error)))
    }
    // Also where it is given in the wrong place.
    const misplaced = { ...options(secret), brokers: [`shipper:${secret}@kafka:9093`] }
    const misread = { ...options(secret), sasl: `plain:${secret}` } as unknown as typeof misplaced
    const keyed = { ...options(secret), ssl: { ca, cert: ca, key: secret } }
    for (const given of [options(secret), misplaced, misread, keyed]) {
      await failed(async () => {
        const sink = kafkaSink(given)
        said.push(sink)
        await sink.deliver(one()).finally(() => void sink.close(1_000))
      })
      await failed(async () => {
        const source = kafkaSource(given)
        said.push(source)
        await source.read().finally(() => void source.close())
      })
      await failed(() => createTopics(given))
      await failed(async () => Array.fromAsync(readDeadLetters(given)))
      await failed(() => replayDeadLetters(given))
    }
    expect(said.length).toBeGreaterThan(15)
    const text = inspect(said, { depth: 12, showHidden: true, maxStringLength: null })
    expect(text).not.toContain(secret)
  })

  test('are in nothing that a command prints', async () => {
    const secret = 'hunter2-is-planted'
    const password = join(folder, 'password')
    writeFileSync(password, `${secret}\n`)
    const journal = aJournal()
    new TestAgent(journal).task()
    const caFile = join(folder, 'ca.pem')
    const args = ['--brokers', cluster.bootstrap.join(','), '--ssl-ca', caFile, '--sasl']
    const user = ['scram-sha-512', '--sasl-username', 'shipper', '--sasl-password-file', password]
    const commands = [
      ['ship', journal.folder],
      ['topics', 'check'],
      ['dead-letters', 'list'],
      ['dead-letters', 'replay'],
      ['restore', join(folder, 'restored')],
    ]
    for (const command of commands) {
      const { stdout, stderr } = await runSpanseal([...command, ...args, ...user, '--json'])
      expect(stdout + stderr).toContain('DELIVERY_REFUSED')
      expect(stdout + stderr).not.toContain(secret)
    }
  })
})

describe('rights', () => {
  test('the shipper writes the audit topics, and nothing else', async () => {
    const records = new EpochMill(2).records(20)
    await deliver('shipper', ...records)
    const shipper = as('shipper')
    const its = shipper.admin()
    await its.connect()
    const producer = shipper.producer({ retry: { retries: 0 } })
    await producer.connect()
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic: 'payments' }] })
    const topic = names.records
    const retention = [{ name: 'retention.ms', value: '1' }]
    const type = kafkajs.ConfigResourceTypes.TOPIC
    const attempts: Readonly<Record<string, () => Promise<unknown>>> = {
      'write elsewhere': () => producer.send({ topic: 'payments', messages: [{ value: 'x' }] }),
      'delete a topic': () => its.deleteTopics({ topics: [topic] }),
      'delete records': async () => {
        await its.fetchTopicMetadata({ topics: [topic] })
        await its.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] })
      },
      'shorten the retention': () =>
        its.alterConfigs({
          validateOnly: false,
          resources: [{ type, name: topic, configEntries: retention }],
        }),
      'make a topic': () => its.createTopics({ topics: [{ topic: 'audit.more' }] }),
      'add partitions': () => its.createPartitions({ topicPartitions: [{ topic, count: 9 }] }),
      'give rights': () => its.createAcls({ acl: aclsOf(readFileSync(DOCUMENT, 'utf8')) }),
      read: () => consumeOnce('shipper', 'audit-shipper'),
    }
    const allowed: string[] = []
    for (const [what, attempt] of Object.entries(attempts)) {
      if (!(await refusedBy(attempt()))) allowed.push(what)
    }
    expect(allowed).toEqual([])
    await producer.disconnect()
    await its.disconnect()
    // All of it is still there.
    const { records: back } = await readAll(kafkaSource({ ...where('auditor'), untilEnd: true }))
    const leaves = new Set(back.map(({ leaf }) => leaf))
    expect(records.filter(({ leaf }) => !leaves.has(leaf))).toEqual([])
  })

  test('the auditor reads, puts aside what is no record, and writes no records', async () => {
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic: 'payroll' }] })
    const hostile = as('admin').producer()
    await hostile.connect()
    await hostile.send({ topic: names.records, messages: [{ key: 'k', value: 'garbage' }] })
    await hostile.disconnect()
    const source = kafkaSource({ ...where('auditor'), group: 'audit-rights', untilEnd: true })
    await readAll(source)
    expect(source.counts.malformed).toBe(1)
    expect(await code(deliver('auditor', ...one().records))).toBe('DELIVERY_REFUSED')
    const other = kafkaSource({
      ...where('auditor'),
      group: 'payroll',
      attemptTimeoutMillis: 8_000,
    })
    expect(['DELIVERY_REFUSED', 'DELIVERY_TIMEOUT']).toContain(await code(other.read()))
    await other.close()
    const its = as('auditor').admin()
    await its.connect()
    expect(await denied(its.deleteTopics({ topics: [names.records] }))).toBe(true)
    expect(await denied(its.deleteTopics({ topics: [names.deadLetters] }))).toBe(true)
    await its.disconnect()
    // What is put aside is for the operator to see.
    expect(await code(Array.fromAsync(readDeadLetters(where('auditor'))))).toBe('DELIVERY_REFUSED')
    const letters = await Array.fromAsync(readDeadLetters(where('operator')))
    expect(letters.map(({ reason }) => reason)).toContain('not a JSON object')
    const replay = await replayDeadLetters(where('operator'), { dryRun: true })
    expect(replay.refused).toBe(letters.length)
  })

  test('who has none is told so', async () => {
    expect(await code(deliver('nobody', ...one().records))).toBe('DELIVERY_REFUSED')
    const source = kafkaSource({ ...where('nobody'), attemptTimeoutMillis: 8_000 })
    expect(['DELIVERY_REFUSED', 'DELIVERY_TIMEOUT']).toContain(await code(source.read()))
    await source.close()
  })

  test('only the operator deletes', async () => {
    const its = as('operator').admin()
    await its.connect()
    const prefix = 'audit.temporary.'
    await createTopics({ ...where('operator'), topicPrefix: prefix, partitions: 1 })
    expect(await denied(its.deleteTopics({ topics: ['payments'] }))).toBe(true)
    const { records, checkpoints, deadLetters } = topicNames(prefix)
    await its.deleteTopics({ topics: [records, checkpoints, deadLetters] })
    await its.disconnect()
  })

  test('that are withdrawn under way stop the delivery, and lose nothing once they are back', async () => {
    const acl = aclsOf(readFileSync(DOCUMENT, 'utf8')).filter(
      ({ principal, operation }) =>
        principal === 'User:shipper' && operation === kafkajs.AclOperationTypes.WRITE,
    )
    const mill = new EpochMill(3)
    const retries: unknown[] = []
    // However long Kafka takes to withdraw a right: there is always another batch to refuse.
    const batches = batchesUntil(mill, () => retries.length > 0)
    const list = new BatchList(batches, { pauseMillis: 20 })
    const sink = kafkaSink(where('shipper'))
    const stop = new AbortController()
    const running = pump(list, sink, {
      signal: stop.signal,
      untilDrained: true,
      onRetry: (error) => retries.push((error as { code?: unknown }).code),
    })
    try {
      await expect.poll(() => list.committed, PATIENCE).toBeGreaterThan(3)
      await admin.deleteAcls({ filters: acl.map((entry) => ({ ...entry })) })
      await expect.poll(() => retries.length, PATIENCE).toBeGreaterThan(0)
      const committed = list.committed
      await admin.createAcls({ acl })
      await running
      expect(list.committed).toBeGreaterThan(committed)
    } finally {
      stop.abort()
      await sink.close(5_000)
    }
    expect(new Set(retries)).toEqual(new Set(['DELIVERY_DOUBTFUL']))
    const back = await readAll(
      kafkaSource({ ...where('auditor'), untilEnd: true, onMalformed: () => undefined }),
    )
    const mine = back.records.filter(({ epoch }) => epoch === mill.epoch)
    expect(mine.map(({ seq }) => seq)).toEqual(Array.from({ length: mill.size }, (_, seq) => seq))
  })

  test('to read that are withdrawn are told, and the reading goes on behind what was committed', async () => {
    const acl = aclsOf(readFileSync(DOCUMENT, 'utf8')).filter(
      ({ principal, resourceName }) =>
        principal === 'User:auditor' && resourceName === names.records,
    )
    const mill = new EpochMill(4)
    const seen = new Set<string>()
    const source = kafkaSource({ ...where('auditor'), group: 'audit-withdrawn' })
    const codes: string[] = []
    const readUntil = async (done: () => boolean): Promise<void> => {
      await expect
        .poll(
          async () => {
            try {
              const batch = await source.read()
              for (const { epoch, seq } of batch?.records ?? []) seen.add(`${epoch}/${seq}`)
              if (batch !== undefined) await source.commit(batch)
            } catch (error) {
              codes.push((error as { code: string }).code)
            }
            return done()
          },
          { ...PATIENCE, interval: 50 },
        )
        .toBe(true)
    }
    await deliver('shipper', ...mill.records(10))
    await readUntil(() => seen.has(`${mill.epoch}/9`))
    await admin.deleteAcls({ filters: acl.map((entry) => ({ ...entry })) })
    // A fetch that is waiting was allowed when it came.
    await readUntil(() => codes.length > 0)
    await deliver('shipper', ...mill.records(10))
    expect(await code(source.read())).toBe('DELIVERY_REFUSED')
    expect(new Set(codes)).toEqual(new Set(['DELIVERY_REFUSED']))
    await admin.createAcls({ acl })
    await readUntil(() => seen.has(`${mill.epoch}/19`))
    for (let seq = 0; seq < 20; seq++) expect(seen.has(`${mill.epoch}/${seq}`)).toBe(true)
    await source.close()
  })
})

/** Ten records after the other until it is enough, then the end of the epoch. */
function* batchesUntil(mill: EpochMill, enough: () => boolean): Generator<Batch> {
  while (!enough()) yield { records: mill.records(10), checkpoints: [mill.checkpoint()] }
  yield { records: [mill.close()], checkpoints: [mill.checkpoint()] }
}

/** Refused by Kafka, or not done at all. */
async function refusedBy(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => false,
    () => true,
  )
}

/** Resolves when something could be read. */
async function consumeOnce(role: Role, groupId: string): Promise<void> {
  const consumer = as(role).consumer({ groupId, retry: { retries: 0 } })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic: names.records, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      consumer
        .run({
          eachMessage: () => {
            resolve()
            return Promise.resolve()
          },
        })
        .catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
}

/** An authority, a certificate of it for 127.0.0.1, an expired one and one for another name. */
async function makeCertificates(cwd: string): Promise<void> {
  const openssl = (...args: readonly string[]) => runCommand('openssl', args, { cwd })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test')
  const wanted = [
    { name: 'server', subject: 'IP:127.0.0.1', days: '2' },
    { name: 'expired', subject: 'IP:127.0.0.1', days: '-1' },
    { name: 'other', subject: 'DNS:elsewhere.example', days: '2' },
  ]
  for (const { name, subject, days } of wanted) {
    const [keyFile, request, certificate] = [`${name}.key`, `${name}.csr`, `${name}.crt`] as const
    await openssl('req', ...key, '-keyout', keyFile, '-out', request, '-subj', '/CN=broker')
    const use = `subjectAltName=${subject}\nextendedKeyUsage=serverAuth,clientAuth\n`
    writeFileSync(join(cwd, 'use.cnf'), use)
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'use.cnf']
    await openssl('x509', '-req', '-in', request, ...signing, '-days', days, '-out', certificate)
    const parts = [keyFile, certificate, 'ca.pem']
    const chain = parts.map((file) => readFileSync(join(cwd, file), 'utf8')).join('')
    writeFileSync(join(cwd, `${name}.pem`), chain)
  }
}
