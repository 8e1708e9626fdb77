// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { SealedRecord } from '@spanseal/core'
import { pump } from '@spanseal/core'
import type { KafkaClient } from '@spanseal/kafka'
import {
  kafkaSink,
  kafkaSource,
  readDeadLetters,
  replayDeadLetters,
  topicNames,
} from '@spanseal/kafka'
import type { Admin } from 'kafkajs'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import { EpochMill } from './chained-records.ts'
import { PATIENCE, partitionsLed } from './patience.ts'
import { BatchList, code, readAll } from './read-back.ts'

let cluster: KafkaCluster
let admin: Admin

beforeAll(async () => {
  cluster = await startKafka()
  const brokers = [...cluster.bootstrap]
  admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
})

afterAll(async () => {
  await admin?.disconnect()
  await cluster?.stop()
})

/** Kafka's number for "a topic's settings". */
const TOPIC = 2

/** Topics of one partition, each with its limit from the beginning; default: Kafka's. */
async function makeTopics(limits: Readonly<Record<string, number>>): Promise<void> {
  await admin.createTopics({
    waitForLeaders: false,
    topics: Object.entries(limits).map(([topic, bytes]) => {
      const configEntries = [{ name: 'max.message.bytes', value: `${bytes}` }]
      return { topic, numPartitions: 1, configEntries }
    }),
  })
  for (const topic of Object.keys(limits)) {
    await expect.poll(() => partitionsLed(admin, topic), PATIENCE).toBe(1)
  }
}

async function raiseLimit(name: string): Promise<void> {
  const configEntries = [{ name: 'max.message.bytes', value: `${KAFKAS_LIMIT_BYTES}` }]
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: TOPIC, name, configEntries }],
  })
}

const KAFKAS_LIMIT_BYTES = 1_048_588
/** A record alone is above it where it is large, and below it where it is small. */
const LIMIT_BYTES = 3_500

/** Two epochs; the fourth to the sixth record are large. */
function records(): SealedRecord[] {
  const small = new EpochMill(1, 1_000)
  const large = new EpochMill(2, 4_000)
  large.records(1)
  const [first, ...rest] = small.records(30)
  return [first as SealedRecord, ...rest.slice(0, 2), ...large.records(3), ...rest.slice(2)]
}

function seqs(found: readonly SealedRecord[]): string[] {
  return found.map(({ epoch, seq }) => `${epoch}/${seq}`).toSorted()
}

describe.each<KafkaClient>(['kafkajs', 'platformatic'])('with %s', (client) => {
  const topicPrefix = `large-${client}.`
  const topics = topicNames(topicPrefix)
  const options = () => ({ brokers: cluster.bootstrap, topicPrefix })
  const all = records()
  const large = all.slice(3, 6)

  async function ship(prefix = topicPrefix): Promise<number | undefined> {
    const { brokers } = options()
    // Unpacked, so that the sizes are what they are.
    const how = { client, compression: 'none', keepProcessAlive: true } as const
    const sink = kafkaSink({ brokers, topicPrefix: prefix, ...how })
    try {
      const batches = [all.slice(0, 20), all.slice(20)]
      const list = new BatchList(batches.map((some) => ({ records: some, checkpoints: [] })))
      const { signal } = new AbortController()
      await pump(list, sink, { signal, untilDrained: true, retryPauseMillis: 10 })
      expect(list.committedRecords).toBe(all.length)
      return sink.deadLetters
    } finally {
      await sink.close(5_000)
    }
  }

  test('records above the topic’s limit are put aside whole, and the others go on', async () => {
    await makeTopics({
      [topics.records]: LIMIT_BYTES,
      [topics.checkpoints]: KAFKAS_LIMIT_BYTES,
      [topics.deadLetters]: KAFKAS_LIMIT_BYTES,
    })
    expect(await ship()).toBe(3)
    const { records: found } = await readAll(kafkaSource({ ...options(), untilEnd: true }))
    expect(seqs(found)).toEqual(seqs(all.filter((record) => !large.includes(record))))
    const letters = await Array.fromAsync(readDeadLetters(options()))
    const values = letters.map(({ value }) => String(value && Buffer.from(value)))
    expect(new Set(values)).toEqual(new Set(large.map(({ line }) => Buffer.from(line).toString())))
    expect(values).toHaveLength(3)
    for (const { origin, reason, leftOut } of letters) {
      expect(origin).toEqual({ topic: topics.records, partition: 0 })
      expect(reason).toMatch(/MESSAGE_TOO_LARGE/)
      expect(leftOut).toEqual([])
    }
  })

  test('and can be put back once the limit is raised', async () => {
    await raiseLimit(topics.records)
    // A broker hears of a topic's new settings a little later.
    let replayed = 0
    const putBack = async (): Promise<number> => {
      replayed += (await replayDeadLetters(options())).replayed
      return replayed
    }
    await expect.poll(putBack, PATIENCE).toBe(3)
    const { records: found } = await readAll(kafkaSource({ ...options(), untilEnd: true }))
    expect(seqs(found)).toEqual(seqs(all))
  })

  test('where the dead-letter topic refuses them too, the sink stops and says why', async () => {
    const prefix = `neither-${client}.`
    const { records: target, deadLetters } = topicNames(prefix)
    await makeTopics({ [target]: LIMIT_BYTES, [deadLetters]: LIMIT_BYTES })
    expect(await code(ship(prefix))).toBe('DELIVERY_REFUSED')
  })
})
