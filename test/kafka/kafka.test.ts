// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditError, Batch, SealedRecord } from '@spanseal/core'
import { pump } from '@spanseal/core'
import type { KafkaSource, MalformedMessage } from '@spanseal/kafka'
import { checkTopics, createTopics, kafkaSink, kafkaSource, topicNames } from '@spanseal/kafka'
import type { Admin, Kafka as KafkaClient } from 'kafkajs'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../services/free-ports.ts'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import { runCommand } from '../services/run-command.ts'
import { EpochMill, epochBatches } from './chained-records.ts'
import { FaultLoad } from './fault-load.ts'
import { PATIENCE, partitionsLed } from './patience.ts'
import { BatchList, code, readAll } from './read-back.ts'

let cluster: KafkaCluster
let client: KafkaClient
let admin: Admin

beforeAll(async () => {
  cluster = await startKafka({ control: true })
  client = new kafkajs.Kafka({
    brokers: [...cluster.bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
  })
  admin = client.admin()
  await admin.connect()
})

afterAll(async () => {
  await admin?.disconnect()
  await cluster?.stop()
})

/** Topics of their own for a test; deleted with the broker. */
async function topics(
  topicPrefix: string,
  partitions = 3,
): Promise<{ brokers: readonly string[]; topicPrefix: string }> {
  await createTopics({ brokers: cluster.bootstrap, topicPrefix, partitions })
  return { brokers: cluster.bootstrap, topicPrefix }
}

const forever = new AbortController().signal

describe('records and checkpoints', () => {
  test('100,000 records come back byte for byte and in order', async () => {
    const where = await topics('bulk.')
    const epochs = 4
    const each = 25_000
    const sink = kafkaSink(where)
    const delivered = new Map<string, SealedRecord[]>()
    for (let n = 0; n < epochs; n++) {
      const list = new BatchList(epochBatches(new EpochMill(n), each))
      await pump(list, sink, { signal: forever, untilDrained: true })
      for (const record of list.records) {
        const of = delivered.get(record.epoch) ?? []
        of.push(record)
        delivered.set(record.epoch, of)
      }
    }
    await sink.close(5_000)

    const { records, checkpoints } = await readAll(kafkaSource({ ...where, untilEnd: true }))

    expect(records.length).toBe(epochs * each)
    expect(checkpoints.length).toBe(epochs * (Math.ceil((each - 1) / 500) + 1))
    const differing: string[] = []
    for (const record of records) {
      const original = delivered.get(record.epoch)?.[record.seq]
      // In order: the list of the epoch grows by one each time.
      if (original === undefined || !Buffer.from(original.line).equals(record.line)) {
        differing.push(`${record.epoch}/${record.seq}`)
      }
    }
    expect(differing).toEqual([])
    for (const [epoch, list] of delivered) {
      const seqs = records.filter((r) => r.epoch === epoch).map((r) => r.seq)
      expect(seqs).toEqual(list.map((r) => r.seq))
    }
    expect(records[0]).toMatchObject({ leaf: delivered.get(records[0]!.epoch)?.[0]?.leaf })
  })

  test('a message has the epoch as key, the line as value, and headers to route by', async () => {
    const where = await topics('message.')
    const mill = new EpochMill(1)
    const sink = kafkaSink(where)
    const records = mill.records(2).slice(1)
    await sink.deliver({ records, checkpoints: [mill.checkpoint()] })
    await sink.close(5_000)

    const messages = await rawMessages(topicNames('message.').records)
    const [record] = records
    expect(messages.length).toBe(1)
    expect(messages[0]?.key?.toString()).toBe(mill.epoch)
    expect(messages[0]?.value?.equals(Buffer.from(record!.line))).toBe(true)
    expect(messages[0]?.headers).toEqual({
      'spanseal-log': mill.log,
      'spanseal-epoch': mill.epoch,
      'spanseal-seq': `${record!.seq}`,
      'spanseal-leaf': record!.leaf,
      'content-type': 'application/json',
      'spanseal-schema': 'record/1',
      traceparent: record!.traceparent,
    })
    const [note] = await rawMessages(topicNames('message.').checkpoints)
    expect(note?.value?.toString()).toContain(`${mill.log}/${mill.epoch}\n`)
    expect(note?.headers?.['spanseal-schema']).toBe('checkpoint/1')
  })

  test('an epoch stays in one partition when partitions are added', async () => {
    const where = await topics('grow.', 2)
    const sink = kafkaSink(where)
    const mills = Array.from({ length: 8 }, (_, n) => new EpochMill(n))
    const deliver = (): Promise<void> =>
      sink.deliver({ records: mills.flatMap((mill) => mill.records(10)), checkpoints: [] })
    await deliver()
    const topic = topicNames('grow.').records
    await admin.createPartitions({ topicPartitions: [{ topic, count: 16 }] })
    await expect.poll(() => partitionsLed(admin, topic), PATIENCE).toBe(16)
    await deliver()
    await sink.close(5_000)

    const counts = await highWatermarks(topic)
    expect(counts.reduce((a, b) => a + b)).toBe(160)
    expect(counts.slice(2)).toEqual(Array.from({ length: 14 }, () => 0))
  })
})

describe('a source', () => {
  test('drops what was delivered twice and hands on a fork', async () => {
    const where = await topics('twice.')
    const mill = new EpochMill(1)
    const other = new EpochMill(1, 3_000)
    const sink = kafkaSink(where)
    const batch: Batch = { records: mill.records(50), checkpoints: [] }
    await sink.deliver(batch)
    await sink.deliver({ ...batch })
    await sink.deliver({ records: other.records(11).slice(10), checkpoints: [] })
    await sink.close(5_000)

    const forks: number[] = []
    const source = kafkaSource({ ...where, untilEnd: true, onFork: ({ seq }) => forks.push(seq) })
    const { records } = await readAll(source)

    expect(records.map((r) => r.seq)).toEqual([...batch.records.map((r) => r.seq), 10])
    expect(forks).toEqual([10])
  })

  test('parks malformed messages and goes on', async () => {
    const where = await topics('malformed.')
    const names = topicNames('malformed.')
    const mill = new EpochMill(1)
    const sink = kafkaSink(where)
    await sink.deliver({ records: mill.records(2), checkpoints: [] })
    const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({
      topic: names.records,
      messages: [{ key: 'k', value: '{"no":"record"}' }],
    })
    await producer.send({ topic: names.checkpoints, messages: [{ key: null, value: 'no note' }] })
    await producer.disconnect()
    await sink.deliver({ records: mill.records(2), checkpoints: [] })
    await sink.close(5_000)

    const { records } = await readAll(kafkaSource({ ...where, untilEnd: true }))

    expect(records.map((r) => r.seq)).toEqual([0, 1, 2, 3])
    const parked = await rawMessages(names.deadLetters)
    expect(parked.map(({ value }) => `${value?.toString()}`).toSorted()).toEqual([
      'no note',
      '{"no":"record"}',
    ])
    const record = parked.find(({ key }) => key?.toString() === 'k')
    expect(record?.headers).toMatchObject({
      'spanseal-topic': names.records,
      'spanseal-reason': 'no epoch id',
    })
    expect(record?.headers?.['spanseal-offset']).toMatch(/^\d+$/)

    const told: MalformedMessage[] = []
    const onMalformed = (message: MalformedMessage): void => void told.push(message)
    await readAll(kafkaSource({ ...where, untilEnd: true, onMalformed }))
    expect(told.map(({ reason }) => reason).toSorted()).toEqual([
      'no epoch id',
      'not a signed checkpoint',
    ])
  })

  test('with a group it goes on behind what was committed, and rewinds to it', async () => {
    const where = { ...(await topics('group.')), group: 'audit-test-group' }
    const sink = kafkaSink({ brokers: where.brokers, topicPrefix: where.topicPrefix })
    await pump(new BatchList(epochBatches(new EpochMill(1), 2_000)), sink, {
      signal: forever,
      untilDrained: true,
    })
    await sink.close(5_000)
    const limits = { recordCountMax: 700, bytesMax: 10_000_000 }

    const first = kafkaSource({ ...where, untilEnd: true })
    const one = await first.read(limits)
    await first.commit(one!)
    // Checkpoints come from a topic of their own, before or after: records are what is compared.
    const nextSeqs = async (): Promise<number[]> => {
      const batch = await first.read(limits)
      const seqs = batch?.records.map((r) => r.seq) ?? []
      return batch === undefined || seqs.length > 0 ? seqs : nextSeqs()
    }
    const [two] = await nextSeqs()
    await first.rewind()
    const [again] = await nextSeqs()
    expect(two).toBe(one!.records.length)
    expect(again).toBe(two)
    await first.close()

    const { records } = await readAll(kafkaSource({ ...where, untilEnd: true }))
    expect(records[0]?.seq).toBe(one!.records.length)
    expect(records.at(-1)?.seq).toBe(1_999)
  })

  test('members of a group share the partitions, and leave nothing out', async () => {
    const where = await topics('share.', 6)
    const sink = kafkaSink(where)
    const mills = Array.from({ length: 24 }, (_, n) => new EpochMill(n))
    const seen = new Set<string>()
    const done = new AbortController()
    const take = (source: KafkaSource): Promise<unknown> =>
      pump(
        source,
        {
          name: 'set',
          close: async () => undefined,
          deliver: async (batch) => {
            for (const r of batch.records) seen.add(`${r.epoch}/${r.seq}`)
          },
        },
        { signal: done.signal, idleMillis: 20 },
      )
    const sources = Array.from({ length: 3 }, () => kafkaSource({ ...where, group: 'audit-share' }))
    const running: Promise<unknown>[] = []
    for (const source of sources) {
      running.push(take(source))
      const records = mills.flatMap((mill) => mill.records(40))
      await sink.deliver({ records, checkpoints: [] })
      await sleep(500)
    }
    // One leaves in the middle.
    await sources[0]?.close()
    await sink.deliver({ records: mills.flatMap((mill) => mill.records(40)), checkpoints: [] })
    await expect.poll(() => seen.size, PATIENCE).toBe(24 * 160)
    done.abort()
    await Promise.all(running)
    await Promise.all(sources.map((source) => source.close()))
    await sink.close(5_000)
  })

  test('reads chosen partitions only', async () => {
    const where = await topics('chosen.', 3)
    const sink = kafkaSink(where)
    const mills = Array.from({ length: 12 }, (_, n) => new EpochMill(n))
    await sink.deliver({ records: mills.flatMap((mill) => mill.records(5)), checkpoints: [] })
    await sink.close(5_000)
    const lists = await Promise.all(
      [0, 1, 2].map((p) => readAll(kafkaSource({ ...where, untilEnd: true, partitions: [p] }))),
    )
    const epochs = lists.map(({ records }) => new Set(records.map((r) => r.epoch)))
    expect(epochs.map((set) => set.size).reduce((a, b) => a + b)).toBe(12)
    expect(epochs.every((set) => set.size > 0)).toBe(true)
  })

  test('from the end it sees what comes afterwards only', async () => {
    const where = await topics('tail.', 1)
    const sink = kafkaSink(where)
    const mill = new EpochMill(1)
    await sink.deliver({ records: mill.records(10), checkpoints: [] })
    const source = kafkaSource({ ...where, from: 'end' })
    expect(await source.read({ recordCountMax: 100, bytesMax: 1_000_000 })).toBeUndefined()
    await sink.deliver({ records: mill.records(5), checkpoints: [] })
    const seqs: number[] = []
    while (seqs.length < 5) {
      await source.wait(200, forever)
      const batch = await source.read({ recordCountMax: 100, bytesMax: 1_000_000 })
      seqs.push(...(batch?.records.map((r) => r.seq) ?? []))
    }
    await source.close()
    await sink.close(5_000)
    expect(seqs).toEqual([10, 11, 12, 13, 14])
  })
})

describe('faults', () => {
  test('a broker that is stopped for 20 s under load loses nothing and keeps the order', async () => {
    const where = await topics('outage.', 2)
    const load = new FaultLoad(kafkaSink(where), 3)
    await expect.poll(() => load.acknowledged, PATIENCE).toBeGreaterThan(10)
    await cluster.kill(1, 'SIGTERM')
    const before = load.acknowledged
    await sleep(20_000)
    await cluster.restart(1)
    await expect.poll(() => load.acknowledged, PATIENCE).toBeGreaterThan(before + 50)
    await load.stop()
    expect(await load.compare(where)).toMatchObject({ lost: [], outOfOrder: 0 })
    expect(load.retries.length).toBeGreaterThan(0)
    expect(new Set(['DELIVERY_TIMEOUT', 'DELIVERY_DOUBTFUL'])).toEqual(
      new Set([...load.retries, 'DELIVERY_TIMEOUT', 'DELIVERY_DOUBTFUL']),
    )
  })

  test('unreachable brokers: a coded error, and close returns in time', async () => {
    const [port] = await freePorts(1)
    const sink = kafkaSink({ brokers: [`127.0.0.1:${port}`] })
    const batch: Batch = { records: new EpochMill(1).records(3), checkpoints: [] }
    expect(await code(sink.deliver(batch))).toBe('DELIVERY_TIMEOUT')
    const delivery = code(sink.deliver(batch))
    await sink.close(100)
    expect(await delivery).toBe('SINK_CLOSED')
    expect(await code(sink.deliver(batch))).toBe('SINK_CLOSED')

    const source = kafkaSource({ brokers: [`127.0.0.1:${port}`], attemptTimeoutMillis: 2_000 })
    expect(await code(source.read({ recordCountMax: 1, bytesMax: 1 }))).toBe('DELIVERY_TIMEOUT')
    await source.close()
    expect(await code(createTopics({ brokers: [`127.0.0.1:${port}`], timeoutMillis: 2_000 }))).toBe(
      'DELIVERY_TIMEOUT',
    )
  })

  test('something that accepts connections and never answers cannot hold a sink', async () => {
    const { createServer } = await import('node:net')
    const mute = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => mute.once('listening', resolve))
    const { port } = mute.address() as { port: number }
    const sink = kafkaSink({
      brokers: [`127.0.0.1:${port}`],
      requestTimeoutMillis: 300,
      attemptTimeoutMillis: 700,
    })
    const batch: Batch = { records: new EpochMill(1).records(1), checkpoints: [] }
    expect(await code(sink.deliver(batch))).toBe('DELIVERY_TIMEOUT')
    const delivery = code(sink.deliver(batch))
    await sink.close(50)
    expect(await delivery).toBe('SINK_CLOSED')
    mute.close()
  })

  test('a missing topic is named', async () => {
    const sink = kafkaSink({ brokers: cluster.bootstrap, topicPrefix: 'nowhere.' })
    const batch: Batch = { records: new EpochMill(1).records(1), checkpoints: [] }
    const error = await sink.deliver(batch).catch((e: unknown) => e as AuditError)
    expect(error).toMatchObject({
      code: 'TOPIC_MISSING',
      details: { topic: 'nowhere.audit.records.v1' },
    })
    await sink.close(1_000)
    const source = kafkaSource({ brokers: cluster.bootstrap, topicPrefix: 'nowhere.' })
    expect(await code(source.read({ recordCountMax: 1, bytesMax: 1 }))).toBe('TOPIC_MISSING')
    await source.close()
  })

  test('a topic with a small limit gets smaller requests; one record above it is refused', async () => {
    const topic = topicNames('small.').records
    const configEntries = [{ name: 'max.message.bytes', value: '20000' }]
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions: 1, configEntries }],
    })
    await expect.poll(() => partitionsLed(admin, topic), PATIENCE).toBe(1)
    const where = { brokers: cluster.bootstrap, topicPrefix: 'small.' }
    const sink = kafkaSink({ ...where, compression: 'none' })
    const list = new BatchList([{ records: new EpochMill(1).records(200), checkpoints: [] }])
    await pump(list, sink, { signal: forever, untilDrained: true })
    expect(await highWatermarks(topic)).toEqual([200])

    const large: Batch = { records: new EpochMill(2, 30_000).records(2).slice(1), checkpoints: [] }
    expect(await code(sink.deliver(large))).toBe('DELIVERY_REFUSED')
    await sink.close(1_000)
  })
})

describe('topics', () => {
  test('are created as an audit trail needs them, and found suitable afterwards', async () => {
    const options = { brokers: cluster.bootstrap, topicPrefix: 'made.', partitions: 5 }
    const { records, checkpoints, deadLetters } = topicNames('made.')
    const names = [records, checkpoints, deadLetters]
    expect((await checkTopics(options)).map(({ code: c, topic }) => [c, topic])).toEqual(
      names.map((topic) => ['TOPIC_MISSING', topic]),
    )
    expect(await createTopics(options)).toEqual({ created: names, existing: [] })
    expect(await createTopics(options)).toEqual({ created: [], existing: names })
    expect(await checkTopics(options)).toEqual([])
    const { topics: made } = await admin.fetchTopicMetadata({ topics: names })
    expect(Object.fromEntries(made.map((t) => [t.name, t.partitions.length]))).toEqual({
      [records]: 5,
      [checkpoints]: 5,
      [deadLetters]: 1,
    })
  })

  test('that exist with other settings are reported, not used', async () => {
    const topic = topicNames('old.').records
    await admin.createTopics({
      waitForLeaders: false,
      topics: [
        {
          topic,
          numPartitions: 2,
          configEntries: [
            { name: 'cleanup.policy', value: 'compact' },
            { name: 'retention.ms', value: '604800000' },
          ],
        },
      ],
    })
    const options = { brokers: cluster.bootstrap, topicPrefix: 'old.', partitions: 5 }
    expect(await code(createTopics(options))).toBe('TOPIC_UNSUITABLE')
    const problems = await checkTopics(options)
    expect(problems.map(({ setting, actual }) => `${setting}=${actual}`).toSorted()).toEqual([
      'cleanup.policy=compact',
      'partitions=2',
      'retention.ms=604800000',
    ])
    const week = { brokers: cluster.bootstrap, topicPrefix: 'old.', retentionMillis: 604_800_000 }
    expect(await checkTopics(week)).toMatchObject([{ setting: 'cleanup.policy' }])
  })

  test('more copies than brokers are refused by name', async () => {
    const made = createTopics({
      brokers: cluster.bootstrap,
      topicPrefix: 'rf.',
      replicationFactor: 3,
    })
    await expect(made).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { option: 'replicationFactor' },
    })
  })
})

describe('being a guest in the process', () => {
  const program = join(import.meta.dirname, 'guest.fixture.ts')
  const run = (...args: readonly string[]): ReturnType<typeof runCommand> =>
    runCommand(process.execPath, ['--conditions=spanseal-source', program, ...args])

  test('a sink that is never closed does not keep the process alive, and prints nothing', async () => {
    const { brokers, topicPrefix } = await topics('guest.', 1)
    const { stdout, stderr } = await run(brokers.join(','), topicPrefix, 'deliver')
    expect(stdout).toBe('delivered\nended\n')
    // Node 24 warns of a negative time-out in kafkajs as it is.
    expect(stderr).toBe('')
  })

  test('nor does one whose brokers cannot be reached', async () => {
    const [port] = await freePorts(1)
    const { stdout, stderr } = await run(`127.0.0.1:${port}`, '', 'lost')
    expect(stdout).toBe('ended\n')
    expect(stderr).toBe('')
  })

  test('connections are made in the context of the delivery, so that tracing stays suppressed', async () => {
    const where = await topics('context.', 1)
    const context = new AsyncLocalStorage<string>()
    const contexts: (string | undefined)[] = []
    const onSocket = (): void => void contexts.push(context.getStore())
    subscribe('net.client.socket', onSocket)
    try {
      const sink = kafkaSink(where)
      const mill = new EpochMill(1)
      for (let i = 0; i < 3; i++) {
        await context.run('suppressed', () =>
          sink.deliver({ records: mill.records(10), checkpoints: [] }),
        )
      }
      await sink.close(1_000)
    } finally {
      unsubscribe('net.client.socket', onSocket)
    }
    expect(contexts.length).toBeGreaterThan(0)
    expect(new Set(contexts)).toEqual(new Set(['suppressed']))
  })
})

/** How many messages each partition has ever had; new partitions have no leader for a moment. */
async function highWatermarks(topic: string): Promise<number[]> {
  for (;;) {
    try {
      const offsets = await admin.fetchTopicOffsets(topic)
      return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => Number(high))
    } catch (error) {
      if ((error as { type?: string }).type !== 'NOT_LEADER_FOR_PARTITION') throw error
      await sleep(100)
    }
  }
}

interface RawMessage {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

async function rawMessages(topic: string): Promise<RawMessage[]> {
  const expected = (await highWatermarks(topic)).reduce((a, b) => a + b)
  const messages: RawMessage[] = []
  const consumer = client.consumer({
    groupId: `audit-raw-${crypto.randomUUID()}`,
    maxWaitTimeInMs: 100,
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: ({ message: { key, value, headers = {} } }) => {
      const texts = Object.entries(headers).map(([name, v]) => [name, v?.toString()])
      messages.push({ key, value, headers: Object.fromEntries(texts) as Record<string, string> })
      return Promise.resolve()
    },
  })
  await expect.poll(() => messages.length, PATIENCE).toBe(expected)
  await consumer.disconnect()
  return messages
}
