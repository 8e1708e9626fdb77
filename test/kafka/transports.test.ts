// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Admin, Consumer, Kafka } from 'kafkajs'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { checkClient, transportMaker } from '../../packages/kafka/src/client-choice.ts'
import { checkConnectionOptions } from '../../packages/kafka/src/connection-options.ts'
import type { ContractBroker, FoundMessage } from '../../packages/kafka/src/transport.contract.ts'
import { transportContract } from '../../packages/kafka/src/transport.contract.ts'
import { freePorts } from '../services/free-ports.ts'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import type { Fate } from './acknowledgement-proxy.ts'
import { AcknowledgementProxy } from './acknowledgement-proxy.ts'
import { PATIENCE, partitionsLed } from './patience.ts'

let cluster: KafkaCluster
let proxy: AcknowledgementProxy
let client: Kafka
let admin: Admin
let topicCount = 0
let fate: () => Fate = () => 'pass'
const brokers: string[] = []

beforeAll(async () => {
  const [port] = await freePorts(1)
  proxy = new AcknowledgementProxy(() => fate())
  await proxy.listen(port as number)
  brokers.push(`127.0.0.1:${port}`)
  cluster = await startKafka({
    properties: (node) => {
      proxy.brokerPort = node.port
      return { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}` }
    },
  })
  // For zstd, which kafkajs gets from our package.
  client = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
  admin = client.admin()
  await admin.connect()
})

afterAll(async () => {
  await admin?.disconnect()
  proxy?.close()
  await cluster?.stop()
})

const broker: ContractBroker = {
  brokers,
  makeTopic: async (numPartitions, maxMessageBytes = 1_000_000) => {
    const topic = `contract-${topicCount++}`
    const configEntries = [{ name: 'max.message.bytes', value: `${maxMessageBytes}` }]
    const topics = [{ topic, numPartitions, configEntries }]
    // With true it fails now and then: the broker may not know the topic yet.
    await admin.createTopics({ topics, waitForLeaders: false })
    await expect.poll(() => partitionsLed(admin, topic), PATIENCE).toBe(numPartitions)
    return topic
  },
  read: readTopic,
  setFate: (kind) => {
    let cut = false
    fate = () => {
      if (kind !== 'cut-one') return kind
      if (cut) return 'pass'
      cut = true
      return 'cut'
    }
  },
  lost: () => proxy.lost,
}

async function readTopic(topic: string): Promise<readonly FoundMessage[]> {
  const offsets = await admin.fetchTopicOffsets(topic)
  const total = offsets.reduce((sum, { high }) => sum + Number(high), 0)
  const consumer: Consumer = client.consumer({ groupId: `read-${topic}`, maxWaitTimeInMs: 100 })
  const found: FoundMessage[] = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => {
        // A coordinator that is still loading ends it too, and it begins again.
        if (!payload.restart) reject(payload.error)
      })
      void consumer.run({
        eachMessage: ({ partition, message }) => {
          const { offset, key, value, headers = {}, timestamp } = message
          found.push({
            partition,
            offset,
            key: String(key),
            value: String(value),
            headers: Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v)])),
            timestamp: Number(timestamp),
          })
          if (found.length === total) resolve()
          return Promise.resolve()
        },
      })
    })
    return found
  } finally {
    await consumer.disconnect()
  }
}

for (const name of ['kafkajs', 'platformatic'] as const) {
  describe(`${name} behind the port`, () => {
    transportContract(({ compression, ...options }) => {
      const connection = checkConnectionOptions('contract', options)
      return transportMaker(checkClient('contract', name, connection), connection, compression)(1)
    }, broker)
  })
}
