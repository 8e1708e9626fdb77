// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordDraft } from '@spanseal/core'
import { block, pump } from '@spanseal/core'
import { journalSource, openWriter } from '@spanseal/journal'
import type { KafkaClient } from '@spanseal/kafka'
import { createTopics, kafkaSink, topicNames } from '@spanseal/kafka'
import { openKeyring } from '@spanseal/keys'
import { startKafka } from '../test/services/kafka.ts'
import { producerPerformance } from '../test/services/kafka-tools.ts'

/**
 * Records a second from a journal on the disk into Kafka, for each client, beside Kafka's own
 * ProducerPerformance: the same lines, zstd, acks all, idempotent, one request in flight, requests of
 * the same size. What the sink does beyond it: read the journal, check that the lines link, hash
 * each, add seven headers, plan the requests, check every answer. ProducerPerformance takes its lines
 * from memory.
 *
 *     node --conditions=spanseal-source bench/kafka.ts
 *
 * RECORDS (60,000) and ROUNDS (5) as environment variables.
 */

const RECORDS = Number(process.env['RECORDS'] ?? 60_000)
const ROUNDS = Number(process.env['ROUNDS'] ?? 5)
const SIZES = [582, 2_048]
const CLIENTS: readonly KafkaClient[] = ['kafkajs', 'platformatic']
/** Of what ProducerPerformance reaches. */
const TARGETS = { 1: { kafkajs: 0.35, platformatic: 0.9 }, 3: { kafkajs: 0.8, platformatic: 1 } }
const REQUEST_BYTES_MAX = 900_000
const REQUEST_RECORDS_MAX = 500
const LOG = 'localhost/bench'

interface Load {
  readonly folder: string
  readonly lineBytes: number
  /** The lines alone, for ProducerPerformance. */
  readonly payloadFile: string
}

/** The smallest line with a trace; sinks and journals do not ask what a record lacks. */
function aDraft(filler: number): RecordDraft {
  return {
    type: 'user.input',
    severity: 'info',
    detail: {
      bytes: 16,
      content: {
        alg: 'blinded-sha256',
        c: 'a'.repeat(64),
        enc: 'text',
        eq: 'b'.repeat(32),
        kid: '0123456789abcdef',
      },
    },
    trace: { span_id: '00f067aa0ba902b8', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' },
    ...(filler > 0
      ? { ext: block({ filler: 'late order, refund. '.repeat(99).slice(0, filler) }) }
      : {}),
  }
}

/** A journal with one closed epoch whose lines have about `size` bytes. */
function makeLoad(size: number): Load {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-bench-'))
  const writer = openWriter({
    journal: folder,
    log: LOG,
    keys: openKeyring({ journal: folder, log: LOG }),
    service: { name: 'bench' },
    deployment: { environment: 'bench' },
    audit: { redaction: '1', sdk: '0.1.0', fail_closed: [] },
    durability: 'none',
  })
  const bare = 570
  const draft = aDraft(Math.max(0, size - bare - '"ext":{"filler":""},'.length))
  for (let n = 0; n < RECORDS; n++) writer.append(() => draft)
  writer.close()
  const epochs = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const segments = epochs
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => join(folder, file))
  const largest = segments.toSorted((a, b) => statSync(b).size - statSync(a).size)[0] as string
  const lines = readFileSync(largest).subarray(0, 20_000_000)
  const whole = lines.subarray(0, lines.lastIndexOf(0x0a))
  const payloadFile = join(folder, 'payload')
  writeFileSync(payloadFile, whole)
  return {
    folder,
    payloadFile,
    lineBytes: whole.length / whole.toString('latin1').split('\n').length,
  }
}

let runs = 0

async function freshTopic(brokers: readonly string[]): Promise<string> {
  const topicPrefix = `bench-${runs++}.`
  await createTopics({ brokers, topicPrefix, partitions: 1 })
  return topicPrefix
}

async function sinkRate(
  brokers: readonly string[],
  load: Load,
  client: KafkaClient,
): Promise<number> {
  const topicPrefix = await freshTopic(brokers)
  const sink = kafkaSink({ brokers, topicPrefix, client, keepProcessAlive: true })
  // Connected, as an agent's sink is.
  await sink.deliver({ records: [], checkpoints: [] })
  const source = journalSource(load.folder, { sinkName: 'bench', cursor: 'memory' })
  const { signal } = new AbortController()
  const start = performance.now()
  const { records } = await pump(source, sink, { signal, untilDrained: true })
  const rate = records / ((performance.now() - start) / 1_000)
  await sink.close(5_000)
  await source.close()
  return rate
}

async function kafkasOwnRate(brokers: readonly string[], load: Load): Promise<number> {
  const topicPrefix = await freshTopic(brokers)
  const requestBytes = Math.min(REQUEST_RECORDS_MAX * load.lineBytes, REQUEST_BYTES_MAX)
  return producerPerformance({
    brokers,
    topic: topicNames(topicPrefix).records,
    payloadFile: load.payloadFile,
    recordCount: RECORDS,
    warmupCount: RECORDS,
    settings: {
      acks: 'all',
      'enable.idempotence': 'true',
      'compression.type': 'zstd',
      'max.in.flight.requests.per.connection': '1',
      'batch.size': `${Math.round(requestBytes)}`,
      'linger.ms': '5',
      'buffer.memory': '67108864',
    },
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows
    .map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  '))
    .join('\n')
}

async function measure(brokers: readonly string[], load: Load): Promise<string[][]> {
  const count = brokers.length === 3 ? 3 : 1
  const rates = { kafkajs: [] as number[], platformatic: [] as number[], own: [] as number[] }
  const variants: readonly (() => Promise<unknown>)[] = [
    ...CLIENTS.map((client) => async () => {
      rates[client].push(await sinkRate(brokers, load, client))
    }),
    async () => rates.own.push(await kafkasOwnRate(brokers, load)),
  ]
  for (let round = -1; round < ROUNDS; round++) {
    // The order alternates, so that all see the same load; the first round only warms up.
    const turns = round % 2 === 0 ? variants : variants.toReversed()
    for (const turn of turns) await turn()
    if (round < 0) for (const list of Object.values(rates)) list.length = 0
  }
  const own = median(rates.own)
  const row = (what: string, rate: number, target: string): string[] => [
    `${count}`,
    `${Math.round(load.lineBytes)}`,
    what,
    `${Math.round(rate)}`,
    ((rate * load.lineBytes) / 1e6).toFixed(1),
    (rate / own).toFixed(2),
    target,
  ]
  return [
    row('ProducerPerformance', own, '-'),
    ...CLIENTS.map((client) =>
      row(`journal to kafkaSink, ${client}`, median(rates[client]), `${TARGETS[count][client]}`),
    ),
  ]
}

async function main(): Promise<void> {
  const rows = [['brokers', 'bytes', 'what', 'records/s', 'MB/s', 'ratio', 'target']]
  const loads = SIZES.map(makeLoad)
  try {
    for (const brokers of [1, 3] as const) {
      const cluster = await startKafka({ brokers, control: brokers === 3 })
      try {
        for (const load of loads) rows.push(...(await measure(cluster.bootstrap, load)))
      } finally {
        await cluster.stop()
      }
    }
  } finally {
    for (const { folder } of loads) rmSync(folder, { recursive: true, force: true })
  }
  const setting = 'one partition, as many replicas as brokers, zstd, acks all, idempotent'
  process.stdout.write(
    `${setting}; medians of ${ROUNDS} rounds of ${RECORDS} records\n${table(rows)}\n`,
  )
}

await main()
