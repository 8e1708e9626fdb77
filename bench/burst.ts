// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RecordSource } from '@spanseal/core'
import { DEFAULT_BATCH_LIMITS } from '@spanseal/core'
import { journalSource } from '@spanseal/journal'
import { createTopics, kafkaSink, kafkaSource } from '@spanseal/kafka'
import type { Audit } from '@spanseal/otel'
import { register } from '@spanseal/otel'
import { startKafka } from '../test/services/kafka.ts'

/**
 * 10,000 calls at once and 100,000 in a loop, with a real broker and an OTLP endpoint: whether every
 * call is in the journal and in Kafka, byte for byte, and whether the heap is where it was before.
 *
 *     npm run bench -- burst
 */

const BURST = Number(process.env['BURST'] ?? 10_000)
const LOOP = Number(process.env['LOOP'] ?? 100_000)
const LOOP_PARTS = 4
const WARM_UP = Math.min(5_000, LOOP)
const DRAIN_MILLIS = 60_000

interface Stage {
  readonly stage: string
  readonly calls: number
  readonly 'calls/s': string
  readonly 'until in Kafka': string
  readonly 'heap, MB': string
}

function heapMegabytes(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1e6
}

const seconds = (millis: number): string => `${(millis / 1_000).toFixed(1)} s`

/** Takes spans and forgets them. */
async function anEndpoint(): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end('{}'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}

/** Every place of a source and the leaf there; two leaves at one place throw. */
async function leavesOf(source: RecordSource): Promise<ReadonlyMap<string, string>> {
  const leaves = new Map<string, string>()
  for (;;) {
    const batch = await source.read(DEFAULT_BATCH_LIMITS)
    if (batch === undefined) break
    for (const { epoch, seq, leaf } of batch.records) {
      const place = `${epoch}/${seq}`
      if ((leaves.get(place) ?? leaf) !== leaf) throw new Error(`two records at ${place}`)
      leaves.set(place, leaf)
    }
  }
  await source.close()
  return leaves
}

/** Makes the calls, and waits until Kafka has them and nothing is left of them in memory. */
async function run(audit: Audit, stage: string, work: () => Promise<number>): Promise<Stage> {
  const start = performance.now()
  const calls = await work()
  const made = performance.now()
  const { ok, pending } = await audit.drain(DRAIN_MILLIS)
  const end = performance.now()
  if (!ok) {
    const why = audit.health().sinks.map(({ lastError }) => lastError)
    throw new Error(`${stage}: undelivered ${JSON.stringify(pending)}, ${why.join()}`)
  }
  await audit.forceFlush()
  return {
    stage,
    calls,
    'calls/s': Math.round((calls / (made - start)) * 1_000).toLocaleString('en-US'),
    'until in Kafka': seconds(end - made),
    'heap, MB': heapMegabytes().toFixed(1),
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-burst-'))
  const journal = join(folder, 'audit')
  const cluster = await startKafka()
  const endpoint = await anEndpoint()
  try {
    await createTopics({ brokers: cluster.bootstrap, partitions: 1 })
    const audit = register({
      service: { name: 'burst' },
      journal,
      sinks: [kafkaSink({ brokers: cluster.bootstrap })],
      otlp: endpoint.url,
      shutdownTimeoutMillis: DRAIN_MILLIS,
    })
    const tool = audit.tool({ name: 'look_up', risk: 'read' }, async (n: number) => {
      await nextTurn()
      return { n, found: true }
    })
    const loop = async (calls: number): Promise<number> => {
      for (let i = 0; i < calls; i++) await tool(i)
      return calls
    }
    const stages = [await run(audit, 'warm-up', () => loop(WARM_UP))]
    const burst = async (): Promise<number> =>
      (await Promise.all(Array.from({ length: BURST }, (_, i) => tool(i)))).length
    stages.push(await run(audit, 'at once', burst))
    for (let part = 1; part <= LOOP_PARTS; part++) {
      const name = `loop, ${part} of ${LOOP_PARTS}`
      stages.push(await run(audit, name, () => loop(LOOP / LOOP_PARTS)))
    }
    const health = audit.health()
    const { undelivered } = await audit.shutdown()
    const written = await leavesOf(journalSource(journal, { sinkName: 'count', cursor: 'memory' }))
    const inKafka = await leavesOf(kafkaSource({ brokers: cluster.bootstrap, untilEnd: true }))
    const missing = [...written].filter(([place, leaf]) => inKafka.get(place) !== leaf).length
    console.table(stages)
    const calls = stages.reduce((sum, stage) => sum + stage.calls, 0)
    const [spans] = health.spans.endpoints
    console.log(
      `${calls} calls: ${health.journal.recordsWritten} records of calls (two each), ` +
        `${health.journal.recordsFailed} failed; ${written.size} records in the journal, the log's own ` +
        `included, ${missing} of them missing in Kafka (${cluster.origin}), undelivered ` +
        `${JSON.stringify(undelivered)}\n` +
        `view: ${spans?.exported} spans taken, ${spans?.dropped} dropped, ${health.view.holes} holes; ` +
        `evidence ok: ${health.ok}`,
    )
    const whole = missing === 0 && health.ok && health.journal.recordsWritten === 2 * calls
    if (!whole) process.exitCode = 1
  } finally {
    endpoint.close()
    await cluster.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
