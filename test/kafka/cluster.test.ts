// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as sleep } from 'node:timers/promises'
import { checkTopics, createTopics, kafkaSink, topicNames } from '@spanseal/kafka'
import type { Admin } from 'kafkajs'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KafkaCluster } from '../services/kafka.ts'
import { FAST_FAILOVER, startKafka } from '../services/kafka.ts'
import { FaultLoad } from './fault-load.ts'

/** Three brokers fill a small machine. */
const SLOW = process.env['SLOW'] === '1'

describe.runIf(SLOW)(`three brokers${SLOW ? '' : ' (skipped: set SLOW=1)'}`, () => {
  let cluster: KafkaCluster
  let admin: Admin

  beforeAll(async () => {
    cluster = await startKafka({ brokers: 3, control: true, properties: FAST_FAILOVER })
    const brokers = [...cluster.bootstrap]
    admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
  }, 120_000)

  afterAll(async () => {
    await admin?.disconnect()
    await cluster?.stop()
  })

  async function leader(topic: string, partition: number): Promise<number> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const found = topics[0]?.partitions.find(({ partitionId }) => partitionId === partition)
    return found?.leader ?? -1
  }

  async function allInSync(topic: string): Promise<boolean> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions.every(({ isr }) => isr.length === 3) === true
  }

  test('topics get three copies, of which two must acknowledge', async () => {
    const options = { brokers: cluster.bootstrap, topicPrefix: 'copies.' }
    await createTopics(options)
    expect(await checkTopics(options)).toEqual([])
    const { topics } = await admin.fetchTopicMetadata({ topics: [topicNames('copies.').records] })
    expect(topics[0]?.partitions.length).toBe(12)
    expect(topics[0]?.partitions.every(({ replicas }) => replicas.length === 3)).toBe(true)
  })

  const faults: readonly [string, NodeJS.Signals][] = [
    ['killed', 'SIGKILL'],
    ['stopped in order', 'SIGTERM'],
    ['frozen', 'SIGSTOP'],
  ]
  for (const [what, signal] of faults) {
    test(`a leader that is ${what} under load loses nothing and keeps the order`, async () => {
      const where = { brokers: cluster.bootstrap, topicPrefix: `${signal.toLowerCase()}.` }
      await createTopics({ ...where, partitions: 3 })
      const topic = topicNames(where.topicPrefix).records
      const load = new FaultLoad(kafkaSink(where), 6)
      for (const partition of [0, 1]) {
        const from = load.acknowledged
        await expect.poll(() => load.acknowledged, { timeout: 60_000 }).toBeGreaterThan(from + 30)
        const victim = await leader(topic, partition)
        await cluster.kill(victim, signal)
        await sleep(6_000)
        const during = load.acknowledged
        await expect.poll(() => load.acknowledged, { timeout: 60_000 }).toBeGreaterThan(during + 30)
        await (signal === 'SIGSTOP' ? cluster.kill(victim, 'SIGCONT') : cluster.restart(victim))
        await expect.poll(() => allInSync(topic).catch(() => false), { timeout: 60_000 }).toBe(true)
      }
      await load.stop()
      const found = await load.compare(where)
      process.stdout.write(`${what}: ${JSON.stringify({ ...found, retries: load.retries })}\n`)
      expect(found).toMatchObject({ lost: [], outOfOrder: 0 })
    })
  }
})
