// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Producer } from 'kafkajs'
import kafkajs from 'kafkajs'
import type { FaultCluster } from './fault-cluster.ts'
import { until } from './until.ts'

const WRITERS = 5
const SENDS = 20
const CUT_AT = 25

/** What an ordinary program of kafkajs was promised, and what is there. */
export interface NaiveTrial {
  readonly acknowledged: number
  /** Acknowledged values that are not in the topic. */
  readonly lost: readonly string[]
}

/**
 * kafkajs used in the ordinary way: one idempotent producer, several sends at once, acknowledged by
 * all replicas. One acknowledgement is cut on its way.
 *
 * @param topic of one partition, with nothing in it
 */
export async function naiveTrial(cluster: FaultCluster, topic: string): Promise<NaiveTrial> {
  const leader = await cluster.leader(topic)
  const proxy = cluster.proxyOf(leader)
  const client = new kafkajs.Kafka({
    brokers: [...cluster.bootstrapThroughProxies],
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  let number = 0
  proxy.fate = () => (++number === CUT_AT ? 'cut' : 'pass')
  try {
    const acknowledged = await sendAll(producer, topic)
    const there = await valuesOf(cluster, topic)
    return {
      acknowledged: acknowledged.length,
      lost: acknowledged.filter((value) => !there.has(value)),
    }
  } finally {
    proxy.fate = () => 'pass'
    await producer.disconnect()
  }
}

async function sendAll(producer: Producer, topic: string): Promise<string[]> {
  const acknowledged: string[] = []
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < SENDS; n++) {
      const value = `${writer}/${n}`
      await producer.send({ topic, acks: -1, messages: [{ value }] }).then(
        () => acknowledged.push(value),
        () => undefined,
      )
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
  return acknowledged
}

/** Everything up to the end of the topic's only partition. */
async function valuesOf(cluster: FaultCluster, topic: string): Promise<Set<string>> {
  let end = 0
  await until(`the end of ${topic}`, async () => {
    const [range] = await cluster.admin((admin) => admin.fetchTopicOffsets(topic))
    end = Number(range?.high)
    return end > 0
  })
  const client = new kafkajs.Kafka({
    brokers: [...cluster.bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const consumer = client.consumer({ groupId: `naive-${topic}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  const values: string[] = []
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: ({ message }) => {
        values.push(`${message.value?.toString()}`)
        return Promise.resolve()
      },
    })
    await until(`all ${end} messages of ${topic}`, () => values.length >= end)
  } finally {
    await consumer.disconnect()
  }
  return new Set(values)
}
