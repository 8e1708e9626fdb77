// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { connect } from 'node:net'
import { replayDeadLetters, topicNames } from '@spanseal/kafka'
import type { AclEntry } from 'kafkajs'
import kafkajs from 'kafkajs'
import { AGENT } from './fault-cluster.ts'
import type { Fault, Scene } from './fault-run.ts'
import { busiestLeader } from './faults.ts'
import { fencing } from './fencing.ts'
import { until } from './until.ts'

const SLOW_WAY_MILLIS = 75
/** One or two records compressed. */
const SMALL_MESSAGE_BYTES = 2_000
const USUAL_MESSAGE_BYTES = 1_048_588
const TOPIC_RESOURCE = 2

export const controlledRoll: Fault<Scene> = {
  name: 'roll',
  title: 'all three brokers are restarted in order',
  async run({ cluster, shipment, topic }) {
    for (const broker of [1, 2, 3]) {
      await cluster.kill(broker, 'SIGTERM')
      await shipment.goesOn()
      await cluster.restart(broker)
      await cluster.inSync(topic)
    }
  },
}

export const slowNetwork: Fault<Scene> = {
  name: 'slow',
  title: `every byte takes ${SLOW_WAY_MILLIS} ms each way`,
  by: 'proxies',
  async run({ cluster, shipment }) {
    for (const proxy of cluster.proxies) proxy.delayMillis = SLOW_WAY_MILLIS
    await shipment.goesOn(3_000)
    for (const proxy of cluster.proxies) proxy.delayMillis = 0
  },
}

export const topicRecreated: Fault = {
  name: 'recreated',
  title: 'the topics are deleted and made anew',
  emptied: true,
  async run({ cluster, shipment, options, partitions }) {
    const { topicPrefix = '' } = options
    const { checkpoints, records } = topicNames(topicPrefix)
    const topics = [records, checkpoints]
    await cluster.admin((admin) => admin.deleteTopics({ topics }))
    await until('they are gone', async () => {
      const there = await cluster.admin((admin) => admin.listTopics())
      return topics.every((topic) => !there.includes(topic))
    })
    const retries = shipment.retries.length
    await until('deliveries fail', () => shipment.retries.length > retries)
    shipment.mark()
    await cluster.makeTopics(topicPrefix, partitions)
  },
}

export const recordTooLarge: Fault = {
  name: 'too-large',
  title: 'the topic takes no requests as large as before, and one record not at all',
  putBack: 1,
  async run({ cluster, load, options, shipment, sink, topic }) {
    const limit = async (bytes: number): Promise<void> => {
      const configEntries = [{ name: 'max.message.bytes', value: `${bytes}` }]
      const resources = [{ type: TOPIC_RESOURCE, name: topic, configEntries }]
      await cluster.admin((admin) => admin.alterConfigs({ validateOnly: false, resources }))
    }
    await limit(SMALL_MESSAGE_BYTES)
    load.largeCall(2 * SMALL_MESSAGE_BYTES)
    await until('the record is put aside', () => sink.deadLetters === 1)
    await shipment.goesOn()
    await limit(USUAL_MESSAGE_BYTES)
    const { topicPrefix = '' } = options
    const where = { brokers: cluster.bootstrap, topicPrefix }
    await until('it is put back', async () => (await replayDeadLetters(where)).replayed === 1)
  },
}

export const authorisationWithdrawn: Fault = {
  name: 'withdrawn',
  title: 'the right to write is withdrawn, and given back',
  by: 'guarded',
  prepare: ({ cluster, topic }) => allow(cluster, topic),
  async run({ cluster, shipment, topic }) {
    const [write] = rightsAt(topic) as [AclEntry]
    await cluster.admin((admin) => admin.deleteAcls({ filters: [write] }))
    const retries = shipment.retries.length
    await until('deliveries fail', () => shipment.retries.length > retries + 1)
    await allow(cluster, topic)
  },
}

export const producerFenced: Fault = {
  name: 'fenced',
  title: 'the producer is fenced by another one with its id',
  by: 'proxies',
  async run(run) {
    const { cluster, shipment, topic } = run
    const leader = await busiestLeader(run)
    const retries = shipment.retries.length
    let request: Buffer | undefined
    await until('a request to that topic', () => {
      request = cluster.proxyOf(leader).lastProduce
      return request?.includes(topic) === true
    })
    await answer(cluster.proxyOf(leader).brokerPort, fencing(request as Buffer))
    await until('the producer is refused', () => shipment.retries.length > retries)
  },
}

export const slowFaults: readonly Fault[] = [
  controlledRoll,
  slowNetwork,
  topicRecreated,
  recordTooLarge,
  authorisationWithdrawn,
  producerFenced,
]

type Cluster = Scene['cluster']

/** The rights a producer needs, and nothing else, at the topics that stand beside `topic` too. */
function rightsAt(topic: string): AclEntry[] {
  const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
  return [AclOperationTypes.WRITE, AclOperationTypes.DESCRIBE].map((operation) => ({
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic.slice(0, topic.indexOf('audit.')),
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: `User:${AGENT.username}`,
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  }))
}

async function allow(cluster: Cluster, topic: string): Promise<void> {
  await cluster.admin((admin) => admin.createAcls({ acl: rightsAt(topic) }))
}

/** Sends a request to a broker and waits until it is answered. */
function answer(port: number, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(request.length)
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.concat([length, request])))
    socket.once('data', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}
