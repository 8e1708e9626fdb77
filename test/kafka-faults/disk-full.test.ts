// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { afterAll, beforeAll, expect, test } from 'vitest'
import { WHOLE } from './compare.ts'
import { FaultCluster } from './fault-cluster.ts'
import type { Fault } from './fault-run.ts'
import { described, runFault } from './fault-run.ts'
import { busiestLeader } from './faults.ts'
import { needsNamespaces, SmallDisks } from './small-disks.ts'
import { until } from './until.ts'

const SLOW = process.env['SLOW'] === '1'
const missing = SLOW ? await needsNamespaces() : 'set SLOW=1'
const runs = missing === undefined

const disks = new SmallDisks()
let cluster: FaultCluster
beforeAll(async () => {
  if (runs) cluster = await FaultCluster.start({ launch: disks.launch })
})
afterAll(async () => {
  await cluster?.stop()
  disks.close()
})

const diskFull: Fault = {
  name: 'disk-full',
  title: "a leader's disk is full, and emptied again",
  async run(run) {
    const { shipment, topic } = run
    const victim = await busiestLeader(run)
    await disks.fill(victim)
    // Kafka gives a disk up on the first write that fails, and a broker without a disk ends.
    await until('the broker ends', () => cluster.hasEnded(victim))
    await shipment.goesOn()
    await disks.empty(victim)
    await cluster.restart(victim)
    await cluster.inSync(topic)
  },
}

for (const client of ['kafkajs', 'platformatic'] as const) {
  const name = `${client} loses nothing when ${diskFull.title}`
  test.runIf(runs)(`${name}${runs ? '' : ` (skipped: ${missing})`}`, async () => {
    const report = await runFault(cluster, diskFull, { label: client, client })
    process.stdout.write(described(`${client}: ${diskFull.title}`, report))
    expect(report).toMatchObject(WHOLE)
    expect(report.epochs).toBeGreaterThan(3)
  })
}
