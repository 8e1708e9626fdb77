// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch } from '@spanseal/core'
import { createTopics, kafkaSink, topicNames } from '@spanseal/kafka'
import type { Kafka } from 'kafkajs'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../services/free-ports.ts'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import type { Fate } from './acknowledgement-proxy.ts'
import { AcknowledgementProxy } from './acknowledgement-proxy.ts'
import { EpochMill } from './chained-records.ts'
import { FaultLoad } from './fault-load.ts'
import { PATIENCE } from './patience.ts'
import { code } from './read-back.ts'

let cluster: KafkaCluster
let proxy: AcknowledgementProxy
let brokers: readonly string[]
let fate: (acknowledgement: number) => Fate = () => 'pass'

beforeAll(async () => {
  const [port] = await freePorts(1)
  proxy = new AcknowledgementProxy((n) => fate(n))
  await proxy.listen(port as number)
  brokers = [`127.0.0.1:${port}`]
  cluster = await startKafka({
    properties: (node) => {
      proxy.brokerPort = node.port
      return { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}` }
    },
  })
})

afterAll(async () => {
  proxy?.close()
  await cluster?.stop()
})

/** Five writers at once through one idempotent producer of kafkajs; one acknowledgement is cut. */
async function naiveTrial(client: Kafka, topic: string, trial: number): Promise<string[]> {
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  let number = 0
  fate = () => (++number === 25 ? 'cut' : 'pass')
  const acknowledged: string[] = []
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < 20; n++) {
      const value = `${trial}/${writer}/${n}`
      await producer.send({ topic, messages: [{ value }] }).then(
        () => acknowledged.push(value),
        () => undefined,
      )
    }
  }
  await Promise.all([0, 1, 2, 3, 4].map(write))
  fate = () => 'pass'
  await producer.disconnect()
  return acknowledged
}

async function valuesOf(client: Kafka, topic: string): Promise<Set<string>> {
  const admin = client.admin()
  await admin.connect()
  const [range] = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const values: string[] = []
  const consumer = client.consumer({ groupId: 'audit-naive', maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const eachMessage = ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
    values.push(`${message.value?.toString()}`)
    return Promise.resolve()
  }
  await consumer.run({ eachMessage })
  await expect.poll(() => values.length, PATIENCE).toBe(Number(range?.high))
  await consumer.disconnect()
  return new Set(values)
}

test('kafkajs used in the ordinary way loses acknowledged records: the proxy works', async () => {
  await createTopics({ brokers, topicPrefix: 'naive.', partitions: 1 })
  const topic = topicNames('naive.').records
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING })
  const acknowledged: string[] = []
  for (let trial = 0; trial < 5; trial++) {
    acknowledged.push(...(await naiveTrial(client, topic, trial)))
  }
  const values = await valuesOf(client, topic)
  expect(acknowledged.filter((value) => !values.has(value)).length).toBeGreaterThan(0)
})

const faults: readonly [string, Fate, number][] = [
  ['cut', 'cut', 5],
  ['swallowed', 'swallow', 20],
]
for (const [what, kind, every] of faults) {
  test(`the sink loses nothing when acknowledgements are ${what}`, async () => {
    const topicPrefix = `${what}.`
    await createTopics({ brokers, topicPrefix, partitions: 3 })
    const sink = kafkaSink({ brokers, topicPrefix, requestTimeoutMillis: 1_000 })
    let number = 0
    fate = () => (++number % every === 0 ? kind : 'pass')
    const lostBefore = proxy.lost
    const load = new FaultLoad(sink, 4)
    await expect.poll(() => load.acknowledged, PATIENCE).toBeGreaterThan(120)
    await load.stop()
    fate = () => 'pass'
    expect(proxy.lost - lostBefore).toBeGreaterThan(4)
    const found = await load.compare({ brokers, topicPrefix })
    expect(found).toMatchObject({ lost: [], outOfOrder: 0 })
    expect(found.acknowledged).toBeGreaterThan(12_000)
  })
}

test('a producer that was given up writes nothing any more', async () => {
  // Of the clients of kafkajs itself, above.
  const others = proxy.openSockets
  const topicPrefix = 'zombie.'
  await createTopics({ brokers, topicPrefix, partitions: 1 })
  const options = { brokers, topicPrefix, requestTimeoutMillis: 200, attemptTimeoutMillis: 500 }
  const sink = kafkaSink(options)
  const mill = new EpochMill(1)
  // A busy broker, too, may not answer in half a second: then the batch comes again, as from a pump.
  const arrives = (batch: Batch): Promise<void> =>
    expect.poll(() => code(sink.deliver(batch)), PATIENCE).toBe('resolved')
  await arrives({ records: mill.records(1), checkpoints: [] })
  // Every acknowledgement is swallowed, so the client inside tries again and again.
  fate = () => 'swallow'
  const batch = { records: mill.records(1), checkpoints: [] }
  await expect(sink.deliver(batch)).rejects.toMatchObject({ code: 'DELIVERY_TIMEOUT' })
  await expect.poll(() => proxy.openSockets, PATIENCE).toBeLessThanOrEqual(others)
  const lost = proxy.lost
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(proxy.lost).toBe(lost)
  fate = () => 'pass'
  await arrives(batch)
  await sink.close(1_000)
})
