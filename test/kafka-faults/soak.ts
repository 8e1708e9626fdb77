// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * A deployment under load with a fault a minute (or every `SOAK_FAULT_SECONDS`), for as long as
 * `SOAK_MINUTES` says (default 60), on the client that `SOAK_CLIENT` names (default kafkajs). Writes
 * its report to the file that is its argument. Ends with 1 when anything was lost.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { topicNames } from '@spanseal/kafka'
import { compare } from './compare.ts'
import { Deployment } from './deployment.ts'
import { FaultCluster } from './fault-cluster.ts'
import { soakFaults } from './soak-faults.ts'
import type { SoakedFault, SoakResult } from './soak-report.ts'
import { holds, soakReport } from './soak-report.ts'
import { until } from './until.ts'

const MINUTE_MILLIS = 60_000
const PARTITIONS = 3
const TOPIC_PREFIX = 'soak.'

const [, , reportFile] = process.argv
const faultMillis = 1_000 * Number(process.env['SOAK_FAULT_SECONDS'] ?? 60)
const minutesWanted = Number(process.env['SOAK_MINUTES'] ?? 60)
const client = process.env['SOAK_CLIENT'] ?? 'kafkajs'
if (reportFile === undefined || !(minutesWanted > 0 && faultMillis > 0)) {
  process.stderr.write(
    'usage: [SOAK_MINUTES=60] [SOAK_FAULT_SECONDS=60] [SOAK_CLIENT=kafkajs] soak.ts <report file>\n',
  )
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'spanseal-soak-'))
const cluster = await FaultCluster.start()
const through = cluster.bootstrapThroughProxies.join(',')
const deployment = new Deployment(folder, [
  ...['--brokers', through, '--prefix', TOPIC_PREFIX, '--client', client],
])
process.once('SIGINT', () => void stop().then(() => process.exit(130)))
try {
  const result = await soak()
  writeFileSync(reportFile, soakReport(result))
  tell(holds(result) ? 'holds' : `DOES NOT HOLD: ${JSON.stringify(result.found).slice(0, 2_000)}`)
  process.exitCode = holds(result) ? 0 : 1
} finally {
  await stop()
}

async function stop(): Promise<void> {
  deployment.kill()
  await cluster.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function soak(): Promise<SoakResult> {
  const where = { brokers: cluster.bootstrap, topicPrefix: TOPIC_PREFIX }
  const topic = topicNames(TOPIC_PREFIX).records
  await cluster.makeTopics(TOPIC_PREFIX, PARTITIONS)
  deployment.start()
  await until('the first records are written', () => deployment.status.totals.produced > 100)
  await deployment.goesOn()
  const startedAt = new Date()
  const begin = performance.now()
  const faults: SoakedFault[] = []
  const memory: (readonly [number, number])[] = []
  const scene = { cluster, load: deployment, shipment: deployment, topic, partitions: PARTITIONS }
  for (let n = 0; n * faultMillis < minutesWanted * MINUTE_MILLIS; n++) {
    const fault = soakFaults[n % soakFaults.length] as (typeof soakFaults)[number]
    const since = performance.now()
    await fault.run(scene)
    await cluster.heal()
    await sleep(Math.max(0, begin + (n + 1) * faultMillis - performance.now()))
    await deployment.goesOn()
    const longestStallMillis = deployment.longestStallMillis(since)
    faults.push({ title: fault.title, longestStallMillis })
    memory.push(deployment.memory())
    const { produced, unacknowledged } = deployment.status.totals
    tell(
      `${n + 1}: ${fault.title}: longest stall ${longestStallMillis} ms; ${produced} ` +
        `records, ${unacknowledged['kafka'] ?? 0} under way; ${memory.at(-1)?.join(' and ')} MiB`,
    )
  }
  const minutes = (performance.now() - begin) / MINUTE_MILLIS
  const { unexpectedEnds } = deployment
  const rate = deployment.status.totals.produced / (60 * minutes)
  await deployment.finish()
  const [vkey = ''] = deployment.log('agent').split('\n')
  const found = await compare({
    source: where,
    journal: deployment.journal,
    folder: join(folder, 'read'),
    vkey,
  })
  return {
    command:
      `SOAK_MINUTES=${minutesWanted} SOAK_CLIENT=${client} npx node --conditions=spanseal-source ` +
      'test/kafka-faults/soak.ts docs/soak.md',
    client,
    startedAt,
    minutes,
    faults,
    rate,
    memory,
    retries: retriesIn(deployment.log('shipper')),
    unexpectedEnds,
    found,
  }
}

/** The shipper says of each failure its code, and that it tries again. */
function retriesIn(log: string): Map<string, number> {
  const codes = [...log.matchAll(/^spanseal: ([A-Z_]+): .*trying again$/gm)].map(([, code]) => code)
  const groups = Map.groupBy(codes, (code) => code ?? '')
  return new Map([...groups].map(([code, all]) => [code, all.length]))
}

function tell(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`)
}
