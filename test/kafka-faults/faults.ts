// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { partitionOfKey } from '../../packages/kafka/src/partitioner.ts'
import type { Fault, Scene } from './fault-run.ts'
import { until } from './until.ts'

const CUTS = 12
const CUT_EVERY = 10
/** Many times what a batch takes. */
const SILENCE_MILLIS = 2_000

/** The broker that leads where most of the epochs under way go. */
export async function busiestLeader({ cluster, load, topic, partitions }: Scene): Promise<number> {
  const at = Map.groupBy(load.liveEpochs, (epoch) => partitionOfKey(epoch, partitions))
  const [busiest] = [...at].sort(([, a], [, b]) => b.length - a.length)
  return cluster.leader(topic, busiest?.[0] ?? 0)
}

export const leaderKilled: Fault<Scene> = {
  name: 'killed',
  title: 'a leader is killed, and comes back',
  async run(run) {
    const { cluster, shipment, topic } = run
    const victim = await busiestLeader(run)
    await cluster.kill(victim)
    await shipment.goesOn()
    await cluster.restart(victim)
    await cluster.inSync(topic)
  },
}

export const connectionCut: Fault<Scene> = {
  name: 'cut',
  title: 'connections are cut after the broker took the request',
  by: 'proxies',
  async run({ cluster, shipment }) {
    const before = lostBy(cluster.proxies)
    for (const proxy of cluster.proxies) proxy.fate = (n) => (n % CUT_EVERY === 0 ? 'cut' : 'pass')
    await until(`${CUTS} cuts`, () => lostBy(cluster.proxies) >= before + CUTS)
    for (const proxy of cluster.proxies) proxy.fate = () => 'pass'
    await shipment.goesOn()
  },
}

export const twoDown: Fault<Scene> = {
  name: 'two-down',
  title: 'two of three brokers are down, and come back',
  async run(run) {
    const { cluster, load, shipment, topic } = run
    const first = await busiestLeader(run)
    const second = (first % 3) + 1
    await Promise.all([cluster.kill(first), cluster.kill(second)])
    await until('nothing is acknowledged', () => shipment.silentMillis > SILENCE_MILLIS)
    // The agents do not wait for Kafka.
    const calls = load.calls
    await until('the agents go on', () => load.calls > calls + 100)
    await Promise.all([cluster.restart(first), cluster.restart(second)])
    await shipment.goesOn()
    await cluster.inSync(topic)
  },
}

export const leaderFrozen: Fault<Scene> = {
  name: 'frozen',
  title: 'a leader freezes, others take over, and it thaws',
  async run(run) {
    const { cluster, shipment, topic } = run
    const victim = await busiestLeader(run)
    await cluster.kill(victim, 'SIGSTOP')
    // Frozen all the time: who waits for it waits for ever.
    await shipment.goesOn()
    await cluster.kill(victim, 'SIGCONT')
    await shipment.goesOn()
    await cluster.inSync(topic)
  },
}

function lostBy(proxies: readonly { readonly lost: number }[]): number {
  return proxies.reduce((sum, { lost }) => sum + lost, 0)
}
