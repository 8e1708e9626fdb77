// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordSink } from '@spanseal/core'
import type { KafkaSinkOptions, KafkaSourceOptions } from '@spanseal/kafka'
import { kafkaSink, topicNames } from '@spanseal/kafka'
import { AgentLoad } from './agent-load.ts'
import type { Found } from './compare.ts'
import { compare, missingBehind } from './compare.ts'
import type { FaultCluster } from './fault-cluster.ts'
import { AGENT } from './fault-cluster.ts'
import { Shipment } from './shipment.ts'

const PARTITIONS = 3

/** Whether what is shipped arrives. */
export interface Progress {
  /** Resolves when so many more records have been acknowledged; default some hundred. */
  goesOn(records?: number): Promise<void>
  /** Since the last acknowledgement. */
  readonly silentMillis: number
}

/** What most faults have to do with. */
export interface Scene {
  readonly cluster: FaultCluster
  readonly load: Pick<AgentLoad, 'calls' | 'liveEpochs'>
  readonly shipment: Progress
  /** Of the records. */
  readonly topic: string
  readonly partitions: number
}

/** What a fault of a test has to do with besides. */
export interface FaultRun extends Scene {
  readonly load: AgentLoad
  readonly shipment: Shipment
  /** How the sink reaches Kafka. */
  readonly options: KafkaSinkOptions
  readonly sink: RecordSink
}

/** One thing that goes wrong under load; resolves when it is over. */
export interface Fault<Run extends Scene = FaultRun> {
  /** `[a-z-]+`. */
  readonly name: string
  /** Completes "nothing is lost when ". */
  readonly title: string
  /** How the sink reaches the brokers; default `plain`. */
  readonly by?: 'plain' | 'proxies' | 'guarded'
  /** Before anything is shipped. */
  readonly prepare?: (at: Pick<Scene, 'cluster' | 'topic'>) => Promise<void>
  /**
   * The topics lose what was acknowledged before `Shipment.mark()`: what came after it must be there,
   * and all of it when the journal is shipped anew.
   */
  readonly emptied?: boolean
  /** Records that are put aside, and put back when later ones are there; default 0. */
  readonly putBack?: number
  readonly run: (run: Run) => Promise<void>
}

/** What came of it. */
export interface FaultReport extends Found {
  readonly longestStallMillis: number
  /** Failed deliveries, by code. */
  readonly retries: Readonly<Record<string, number>>
}

/**
 * Agents write, the sink ships, the fault strikes and goes; then everything is shipped to the end and
 * read back.
 *
 * @param given what the sink is given besides its brokers
 */
export async function runFault(
  cluster: FaultCluster,
  fault: Fault,
  given: Omit<KafkaSinkOptions, 'brokers' | 'topicPrefix'> & { readonly label: string },
): Promise<FaultReport> {
  const { label, ...more } = given
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-faults-'))
  const topicPrefix = `${label}.${fault.name}.`
  const topic = topicNames(topicPrefix).records
  const options = { ...more, ...access(cluster, fault), topicPrefix }
  await cluster.makeTopics(topicPrefix, PARTITIONS)
  await fault.prepare?.({ cluster, topic })
  const load = new AgentLoad(join(folder, 'audit'))
  const sink = kafkaSink(options)
  const shipment = new Shipment(load.journal, sink)
  try {
    await shipment.goesOn()
    const since = performance.now()
    const partitions = PARTITIONS
    await fault.run({ cluster, load, shipment, topic, partitions, options, sink })
    await cluster.heal()
    await shipment.goesOn()
    const longestStallMillis = shipment.longestStallMillis(since)
    load.stop()
    await shipment.finish()
    const back = {
      source: { brokers: cluster.bootstrap, topicPrefix },
      journal: load.journal,
      vkey: load.vkey,
    }
    const missing = fault.emptied === true ? await missingBehind(shipment.marked, back) : []
    const source =
      fault.emptied === true ? await shipAnew(load.journal, { cluster, options }) : back.source
    const found = await compare({ ...back, source, folder: join(folder, 'read') })
    const lost = [...missing, ...found.lost]
    return { ...found, lost, longestStallMillis, retries: counted(shipment.retries) }
  } finally {
    load.stop()
    await shipment.end()
    await cluster.heal()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** As an operator does whose topics are gone: the whole journal, into topics with nothing in them. */
async function shipAnew(
  journal: string,
  { cluster, options }: { readonly cluster: FaultCluster; readonly options: KafkaSinkOptions },
): Promise<KafkaSourceOptions> {
  const topicPrefix = `${options.topicPrefix ?? ''}anew.`
  await cluster.makeTopics(topicPrefix, PARTITIONS)
  await new Shipment(journal, kafkaSink({ ...options, topicPrefix, name: 'anew' })).finish()
  return { brokers: cluster.bootstrap, topicPrefix }
}

function access(cluster: FaultCluster, { by }: Fault): Pick<KafkaSinkOptions, 'brokers' | 'sasl'> {
  if (by === 'guarded') return { brokers: cluster.bootstrapGuarded, sasl: { ...AGENT } }
  return { brokers: by === 'proxies' ? cluster.bootstrapThroughProxies : cluster.bootstrap }
}

function counted(codes: readonly string[]): Record<string, number> {
  const groups = Map.groupBy(codes, (code) => code)
  return Object.fromEntries([...groups].map(([code, all]) => [code, all.length]))
}

/** One line for a person. */
export function described(what: string, report: FaultReport): string {
  const retries = Object.entries(report.retries).map(([code, count]) => `${count} × ${code}`)
  return (
    `${what}: longest stall ${(report.longestStallMillis / 1_000).toFixed(1)} s; ` +
    `${report.records} records in ${report.epochs} epochs, ${report.lost.length} lost, ` +
    `${report.duplicates} twice; ${retries.length === 0 ? 'no retries' : retries.join(', ')}\n`
  )
}
