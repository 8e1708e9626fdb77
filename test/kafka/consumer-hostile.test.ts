// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto'
import type { SealedRecord } from '@spanseal/core'
import { sha256Hex } from '@spanseal/core'
import type {
  DeadLetter,
  KafkaSourceOptions,
  MalformedMessage,
  ReplayOutcome,
  TopicNames,
} from '@spanseal/kafka'
import {
  createTopics,
  kafkaSink,
  kafkaSource,
  readDeadLetters,
  replayDeadLetters,
  topicNames,
} from '@spanseal/kafka'
import type { Admin, Kafka as KafkaClient, Message, Producer } from 'kafkajs'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import { EpochMill } from './chained-records.ts'
import { PATIENCE } from './patience.ts'
import { code, readAll } from './read-back.ts'

let cluster: KafkaCluster
let client: KafkaClient
let admin: Admin
let producer: Producer

beforeAll(async () => {
  cluster = await startKafka()
  client = new kafkajs.Kafka({
    brokers: [...cluster.bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
  })
  admin = client.admin()
  await admin.connect()
  producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
})

afterAll(async () => {
  await producer?.disconnect()
  await admin?.disconnect()
  await cluster?.stop()
})

interface Where {
  readonly brokers: readonly string[]
  readonly topicPrefix: string
}

/** Topics of their own for a test; deleted with the broker. */
async function topics(topicPrefix: string, partitions = 1): Promise<Where & { names: TopicNames }> {
  const where = { brokers: cluster.bootstrap, topicPrefix }
  await createTopics({ ...where, partitions })
  return { ...where, names: topicNames(topicPrefix) }
}

async function deliver(where: Where, ...records: readonly SealedRecord[]): Promise<void> {
  const sink = kafkaSink({ brokers: where.brokers, topicPrefix: where.topicPrefix })
  await sink.deliver({ records, checkpoints: [] })
  await sink.close(5_000)
}

/** A message as the sink would send it, but for what is given. */
function message(record: SealedRecord, other: Partial<Message> = {}): Message {
  return {
    key: record.epoch,
    value: Buffer.from(record.line),
    headers: { 'spanseal-log': record.log },
    ...other,
  }
}

const seqs = (records: readonly SealedRecord[]): number[] => records.map(({ seq }) => seq)

async function deadLetters(where: Where, includeReplayed = false): Promise<DeadLetter[]> {
  const { brokers, topicPrefix } = where
  return Array.fromAsync(readDeadLetters({ brokers, topicPrefix, includeReplayed }))
}

describe('hostile messages', () => {
  test('are put aside with a reason and counted, and the consumer goes on', async () => {
    const { names, ...where } = await topics('hostile.')
    const mill = new EpochMill(1)
    const [first, second, third] = mill.records(3) as [SealedRecord, SealedRecord, SealedRecord]
    await deliver(where, first)
    const value = Buffer.from(second.line)
    const text = value.toString()
    const hostile: readonly (readonly [string, Message])[] = [
      ['no value', message(second, { value: null })],
      ['not a JSON object', message(second, { value: '' })],
      ['not a JSON object', message(second, { value: 'null' })],
      ['not a JSON object', message(second, { value: '['.repeat(60_000) })],
      ['not UTF-8', message(second, { value: Buffer.from([0x7b, 0xff]) })],
      ['over 65535 bytes', message(second, { value: Buffer.alloc(800_000, 0x20) })],
      ['no epoch id', message(second, { value: '{"chain":{}}' })],
      ['a version that is not known', message(second, { value: text.replace('"v":1', '"v":2') })],
      [
        'not of the schema:  has an unknown key',
        message(second, { value: text.replace('"v":1', '"v":1,"hunter2":1') }),
      ],
      ['of a log that is not expected here', otherLog(message(second))],
      ['no key', message(second, { key: null })],
      ['its key is not its epoch', message(second, { key: 'x'.repeat(70_000) })],
      [
        'its header spanseal-seq says otherwise',
        message(second, { headers: { 'spanseal-seq': '7' } }),
      ],
      [
        'not a JSON object',
        message(second, {
          value: 'x',
          headers: { 'spanseal-topic': 'payments', big: 'y'.repeat(99_999) },
        }),
      ],
    ]
    await producer.send({ topic: names.records, messages: hostile.map(([, m]) => m) })
    await producer.send({ topic: names.checkpoints, messages: [{ key: null, value: 'no note' }] })
    await deliver(where, second, third)

    const source = kafkaSource({
      ...where,
      group: 'audit-hostile',
      logs: [mill.log],
      untilEnd: true,
    })
    const { records } = await readAll(source)

    expect(seqs(records)).toEqual([0, 1, 2])
    expect(source.counts).toEqual({
      records: 3,
      checkpoints: 0,
      duplicates: 0,
      forks: 0,
      malformed: hostile.length + 1,
    })
    const letters = await deadLetters(where)
    const fromRecords = letters.filter(({ origin }) => origin?.topic === names.records)
    expect(letters.length).toBe(hostile.length + 1)
    expect(fromRecords.map(({ reason }) => reason)).toEqual(hostile.map(([reason]) => reason))
    expect(fromRecords.map(({ origin }) => origin)).toEqual(
      hostile.map((_, i) => ({ topic: names.records, partition: 0, offset: `${i + 1}` })),
    )
    for (const [i, [, { key, value: sent }]] of hostile.entries()) {
      const letter = fromRecords[i] as DeadLetter
      const longKey = (key?.length ?? 0) > 60_000
      expect(letter.leftOut).toEqual([
        ...(i === 13 ? ['headers'] : []),
        ...(longKey ? ['key'] : []),
      ])
      expect(letter.key).toEqual(longKey || key === null ? null : Buffer.from(key as string))
      expect(letter.value).toEqual(sent === null ? null : Buffer.from(sent as string))
    }
    // They are behind the group: the next member does not put them aside again.
    const again = kafkaSource({ ...where, group: 'audit-hostile', untilEnd: true })
    expect((await readAll(again)).records).toEqual([])
    expect(again.counts.malformed).toBe(0)
  })

  test('of 10 MB lose their value to no limit of the dead letters, and stop nothing', async () => {
    const { names, ...where } = await topics('large.')
    const configEntries = [{ name: 'max.message.bytes', value: '20000000' }]
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: names.records, configEntries }],
    })
    const [first, second] = new EpochMill(2).records(2) as [SealedRecord, SealedRecord]
    await deliver(where, first)
    const value = randomBytes(10_000_000)
    // A new limit of a topic takes a moment to reach the log.
    await expect
      .poll(
        () =>
          producer.send({ topic: names.records, messages: [message(first, { value })] }).then(
            () => 'sent',
            () => 'refused',
          ),
        PATIENCE,
      )
      .toBe('sent')
    await deliver(where, second)
    const source = kafkaSource({ ...where, untilEnd: true })
    expect(seqs((await readAll(source)).records)).toEqual([0, 1])
    const letters = await deadLetters(where)
    expect(letters).toMatchObject([
      {
        reason: 'over 65535 bytes',
        value: null,
        leftOut: ['value'],
        valueBytes: value.length,
        origin: { topic: names.records, partition: 0, offset: '1' },
      },
    ])
    const hash = await rawHeader(names.deadLetters, 'spanseal-value-sha256')
    expect(hash).toBe(sha256Hex(value))
    const replay = await replayDeadLetters(where, { force: true })
    expect(replay).toEqual({ replayed: 0, left: 0, refused: 1 })
  })

  test('that never end their transaction hold up nobody; neither do its marks', async () => {
    const { names, ...where } = await topics('open.')
    const [first, second] = new EpochMill(3).records(2) as [SealedRecord, SealedRecord]
    await deliver(where, first)
    const hostile = client.producer({
      transactionalId: 'hostile',
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: 60_000,
      // The first transaction of a broker waits for the topic in which they are kept.
      retry: { retries: 15 },
    })
    await hostile.connect()
    const aborted = await hostile.transaction()
    await aborted.send({ topic: names.records, messages: [{ key: 'k', value: 'aborted' }] })
    await aborted.abort()
    const open = await hostile.transaction()
    await open.send({ topic: names.records, messages: [{ key: 'k', value: 'open' }] })
    await deliver(where, second)

    const source = kafkaSource({ ...where, untilEnd: true })
    expect(seqs((await readAll(source)).records)).toEqual([0, 1])
    expect(source.counts.malformed).toBe(2)

    await open.abort()
    const after = kafkaSource({ ...where, untilEnd: true })
    expect(seqs((await readAll(after)).records)).toEqual([0, 1])
    await hostile.disconnect()
  })

  test('that a function cannot take are read again until it can', async () => {
    const { names, ...where } = await topics('told.')
    await producer.send({ topic: names.records, messages: [{ key: 'k', value: 'garbage' }] })
    await deliver(where, ...new EpochMill(4).records(1))
    const told: MalformedMessage[] = []
    let failures = 2
    const source = kafkaSource({
      ...where,
      untilEnd: true,
      onMalformed: (found) => {
        if (failures-- > 0) throw new Error('the pager is busy')
        told.push(found)
      },
    })
    expect(await code(source.read())).toBe('DELIVERY_TIMEOUT')
    expect(await code(source.read())).toBe('DELIVERY_TIMEOUT')
    expect(seqs((await readAll(source)).records)).toEqual([0])
    expect(told).toMatchObject([{ offset: '0', reason: 'not a JSON object' }])
    expect(await deadLetters(where)).toEqual([])
  })
})

/** The same with a log of the same length in it. */
function otherLog(from: Message): Message {
  const text = `${from.value?.toString()}`.replace('localhost/kafka-test', 'evilhost./kafka-test')
  return { ...from, value: text.replace('evilhost./', 'evilhosts/'), headers: {} }
}

async function rawHeader(topic: string, name: string): Promise<string | undefined> {
  const consumer = client.consumer({ groupId: `audit-raw-${crypto.randomUUID()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const found = new Promise<string | undefined>((resolve) => {
    void consumer.run({
      eachMessage: ({ message: { headers } }) => {
        resolve(headers?.[name]?.toString())
        return Promise.resolve()
      },
    })
  })
  const header = await found
  await consumer.disconnect()
  return header
}

describe('dead letters', () => {
  test('that are records after all are put back once, the rest stays', async () => {
    const { names, ...where } = await topics('back.', 2)
    const mill = new EpochMill(5)
    const records = mill.records(4)
    await deliver(where, records[0]!)
    await producer.send({ topic: names.records, messages: [{ key: 'k', value: 'garbage' }] })
    await deliver(where, ...records.slice(1))
    // A consumer that expects another log puts all of them aside; so does a second one.
    for (const group of ['audit-narrow-1', 'audit-narrow-2']) {
      const narrow = kafkaSource({ ...where, group, logs: ['localhost/other'], untilEnd: true })
      expect((await readAll(narrow)).records).toEqual([])
      expect(narrow.counts.malformed).toBe(5)
    }
    const letters = await deadLetters(where)
    expect(letters.length).toBe(5)
    expect(letters.filter(({ leftOut }) => leftOut.length > 0)).toEqual([])

    const would = await replayDeadLetters(where, { dryRun: true })
    expect(would).toEqual({ replayed: 4, left: 0, refused: 1 })
    const [garbage] = letters.filter(
      ({ value }) => Buffer.from(value ?? []).toString() === 'garbage',
    )
    const offset = records[1] && letters.find(({ key }) => key !== garbage?.key)?.place.offset
    const one = await replayDeadLetters(where, { select: ({ place }) => place.offset === offset })
    expect(one).toEqual({ replayed: 1, left: 4, refused: 0 })
    expect((await deadLetters(where)).length).toBe(4)
    expect((await deadLetters(where, true)).filter(({ replayed }) => replayed).length).toBe(1)

    const outcomes: ReplayOutcome[] = []
    const rest = await replayDeadLetters(where, {
      onLetter: (_, outcome) => outcomes.push(outcome),
    })
    expect(rest).toEqual({ replayed: 3, left: 0, refused: 1 })
    expect(outcomes).toContainEqual({ kind: 'refused', why: 'still not a JSON object' })
    expect(await replayDeadLetters(where)).toEqual({ replayed: 0, left: 0, refused: 1 })

    // Each record is in the topic twice now, byte for byte, and once for whoever reads it.
    const source = kafkaSource({ ...where, untilEnd: true, onMalformed: () => undefined })
    const back = await readAll(source)
    expect(seqs(back.records)).toEqual([0, 1, 2, 3])
    expect(back.records.map(({ line }) => Buffer.from(line))).toEqual(
      records.map(({ line }) => Buffer.from(line)),
    )
    expect(source.counts).toMatchObject({ records: 4, duplicates: 4, malformed: 1, forks: 0 })
  })

  test('choose no topic: what says that it came from elsewhere stays where it is', async () => {
    const { names, ...where } = await topics('forged.')
    const elsewhere = 'forged.payments'
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic: elsewhere }] })
    const [record] = new EpochMill(6).records(1) as [SealedRecord]
    const forged = (topic: string): Message =>
      message(record, {
        headers: {
          'spanseal-topic': topic,
          'spanseal-partition': '0',
          'spanseal-offset': '5',
          'spanseal-reason': '\u001b[2J fine',
        },
      })
    await producer.send({
      topic: names.deadLetters,
      messages: [
        forged(elsewhere),
        forged('../../etc'),
        { key: null, value: 'no headers' },
        message(record, {
          headers: { 'spanseal-topic': names.records, 'spanseal-partition': 'x' },
        }),
      ],
    })
    const letters = await deadLetters(where)
    expect(letters.map(({ origin }) => origin?.topic)).toEqual([
      elsewhere,
      undefined,
      undefined,
      undefined,
    ])
    const whys: string[] = []
    const replay = await replayDeadLetters(where, {
      force: true,
      onLetter: (_, outcome) => whys.push(outcome.kind === 'refused' ? outcome.why : 'replayed'),
    })
    expect(replay).toEqual({ replayed: 0, left: 0, refused: 4 })
    expect(whys[0]).toBe('not from a topic of this log')
    expect(await admin.fetchTopicOffsets(elsewhere)).toMatchObject([{ high: '0' }])
  })

  test('of a topic that does not exist are asked for in vain', async () => {
    const where = { brokers: cluster.bootstrap, topicPrefix: 'nowhere.' }
    expect(await code(deadLetters(where))).toBe('TOPIC_MISSING')
    expect(await code(replayDeadLetters(where))).toBe('TOPIC_MISSING')
  })
})

describe('reading again', () => {
  test('from an offset, and from a time, leaves out nothing that comes behind', async () => {
    const { names, ...where } = await topics('again.', 2)
    const mill = new EpochMill(7)
    const [record] = mill.records(1) as [SealedRecord]
    const day = Date.parse('2026-11-01T00:00:00Z')
    const list = [record, ...mill.records(9)]
    const partition = 1
    // A sink stamps a message with the time at which it sends it: here one each day.
    for (const [i, one] of list.entries()) {
      const timestamp = `${day + i * 86_400_000}`
      await producer.send({
        topic: names.records,
        messages: [message(one, { timestamp, partition })],
      })
    }
    const read = async (from: NonNullable<KafkaSourceOptions['from']>): Promise<number[]> =>
      seqs((await readAll(kafkaSource({ ...where, from, untilEnd: true }))).records)

    expect(await read({ offset: { 1: '4' } })).toEqual([4, 5, 6, 7, 8, 9])
    expect(await read({ offset: { [`${names.records}/1`]: '9' } })).toEqual([9])
    expect(await read({ offset: { 1: '10' } })).toEqual([])
    expect(await read({ offset: { 0: '0' } })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await read({ time: new Date(day + 3 * 86_400_000) })).toEqual([3, 4, 5, 6, 7, 8, 9])
    expect(await read({ time: day + 3 * 86_400_000 + 1 })).toEqual([4, 5, 6, 7, 8, 9])
    expect(await read({ time: 0 })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await read({ time: day + 10 * 86_400_000 })).toEqual([])
    expect(await code(read({ offset: { 1: '11' } }))).toBe('INVALID_OPTION')
    expect(await code(read({ offset: { 7: '0' } }))).toBe('INVALID_OPTION')
  })

  test('goes on behind what was committed after a rewind', async () => {
    const where = await topics('rewound.')
    await deliver(where, ...new EpochMill(8).records(10))
    const limits = { recordCountMax: 3, bytesMax: 1_000_000 }
    const { brokers, topicPrefix } = where
    const source = kafkaSource({ brokers, topicPrefix, from: { offset: { 0: '2' } } })
    const batch = async (): Promise<number[]> => {
      const read = await source.read(limits)
      if (read !== undefined) return seqs(read.records)
      await source.wait(100, new AbortController().signal)
      return batch()
    }
    expect(await batch()).toEqual([2, 3, 4])
    await source.rewind()
    expect(await batch()).toEqual([2, 3, 4])
    await source.close()
  })

  test('what has expired is not waited for', async () => {
    const { names, ...where } = await topics('expired.')
    await deliver(where, ...new EpochMill(9).records(10))
    // kafkajs deletes only where it has asked before who leads.
    await admin.fetchTopicOffsets(names.records)
    await admin.deleteTopicRecords({
      topic: names.records,
      partitions: [{ partition: 0, offset: '6' }],
    })
    const source = kafkaSource({ ...where, from: { offset: { 0: '2' } }, untilEnd: true })
    expect(seqs((await readAll(source)).records)).toEqual([6, 7, 8, 9])
  })
})
