// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { checkTopics, createTopics, topicNames } from '@spanseal/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WHOLE } from './compare.ts'
import { FaultCluster } from './fault-cluster.ts'
import type { Fault } from './fault-run.ts'
import { described, runFault } from './fault-run.ts'
import { connectionCut, leaderFrozen, leaderKilled, twoDown } from './faults.ts'
import { naiveTrial } from './naive-kafkajs.ts'
import { slowFaults } from './slow-faults.ts'
import { until } from './until.ts'

const SLOW = process.env['SLOW'] === '1'
/** One trial loses in ten of ten; more of them only against a run of luck. */
const NAIVE_TRIALS_MAX = 10

let cluster: FaultCluster
beforeAll(async () => {
  cluster = await FaultCluster.start({ guarded: SLOW })
})
afterAll(() => cluster?.stop())

test('topics get three copies, of which two must acknowledge', async () => {
  let copies: number[] = []
  let problems: readonly unknown[] = []
  let trial = 0
  // On a busy machine a broker may seem to be gone for a moment, and then there are but two.
  await until('topics are made while all three brokers are there', async () => {
    const options = { brokers: cluster.bootstrap, topicPrefix: `copies-${trial++}.` }
    await createTopics(options)
    problems = await checkTopics(options)
    const topics = [topicNames(options.topicPrefix).records]
    const found = await cluster.admin((admin) => admin.fetchTopicMetadata({ topics }))
    copies = found.topics.flatMap((topic) => topic.partitions.map((p) => p.replicas.length))
    return copies[0] === 3
  })
  expect({ copies, problems }).toEqual({ copies: Array(12).fill(3), problems: [] })
})

test('kafkajs used in the ordinary way loses what was acknowledged: the faults bite', async () => {
  const lost: string[] = []
  for (let trial = 0; trial < NAIVE_TRIALS_MAX && lost.length === 0; trial++) {
    const topicPrefix = `naive-${trial}.`
    await cluster.makeTopics(topicPrefix, 1)
    const found = await naiveTrial(cluster, topicNames(topicPrefix).records)
    expect(found.acknowledged).toBeGreaterThan(0)
    lost.push(...found.lost)
  }
  expect(lost.length).toBeGreaterThan(0)
})

const quickFaults: readonly Fault[] = [leaderKilled, connectionCut, twoDown, leaderFrozen]
const allFaults = [...quickFaults, ...slowFaults]

for (const client of ['kafkajs', 'platformatic'] as const) {
  for (const fault of allFaults) {
    const runs = SLOW || (client === 'kafkajs' && quickFaults.includes(fault))
    const name = `${client} loses nothing when ${fault.title}`
    test.runIf(runs)(`${name}${runs ? '' : ' (skipped: set SLOW=1)'}`, async () => {
      const report = await runFault(cluster, fault, { label: client, client })
      process.stdout.write(described(`${client}: ${fault.title}`, report))
      expect(report).toMatchObject({ ...WHOLE, outOfOrder: fault.putBack ?? 0 })
      expect(report.epochs).toBeGreaterThan(3)
    })
  }
}
