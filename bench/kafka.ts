// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch } from '@spanseal/core'
import { createTopics, kafkaSink, kafkaSource, topicNames } from '@spanseal/kafka'
import type { IHeaders, Message, Producer } from 'kafkajs'
import kafkajs from 'kafkajs'
import { EpochMill } from '../test/kafka/chained-records.ts'
import { startKafka } from '../test/services/kafka.ts'

/**
 * Records a second into one broker, acknowledged by all replicas: the sink, against a loop over
 * kafkajs that sends the same records in the same batches, one after the other, and checks nothing.
 * The loop gets its messages ready made, so the sink's ratio holds all that it does for a record.
 *
 *     node --conditions=spanseal-source bench/kafka.ts
 */

const RECORDS = Number(process.env['RECORDS'] ?? 20_000)
const ROUNDS = Number(process.env['ROUNDS'] ?? 7)
const BATCH = 500
const SIZES = [600, 2_048]
const ZSTD = 4

interface Variant {
  readonly name: string
  run(round: number): Promise<void>
}

interface Load {
  readonly lineBytes: number
  readonly batches: readonly Batch[]
  readonly messages: readonly (readonly Message[])[]
}

function makeLoad(size: number): Load {
  const mill = new EpochMill(size, size)
  const batches = Array.from({ length: RECORDS / BATCH }, (): Batch => {
    return { records: mill.records(BATCH), checkpoints: [] }
  })
  const bytes = batches.flatMap((b) => b.records).reduce((sum, r) => sum + r.line.length, 0)
  const messages = batches.map(({ records }) =>
    records.map(({ epoch, line, log, seq, leaf, traceparent = '' }): Message => {
      const headers: IHeaders = {
        'spanseal-log': log,
        'spanseal-epoch': epoch,
        'spanseal-seq': `${seq}`,
        'spanseal-leaf': leaf,
        'content-type': 'application/json',
        'spanseal-schema': 'record/1',
        traceparent,
      }
      return { key: epoch, value: Buffer.from(line), headers, partition: 0 }
    }),
  )
  return { lineBytes: bytes / RECORDS, batches, messages }
}

async function bareLoop(producer: Producer, load: Load, topic: string): Promise<void> {
  for (const messages of load.messages) {
    await producer.send({ topic, acks: -1, compression: ZSTD, messages: [...messages] })
  }
}

async function sinkLoop(brokers: readonly string[], load: Load, prefix: string): Promise<void> {
  const sink = kafkaSink({ brokers, topicPrefix: prefix, keepProcessAlive: true })
  await sink.deliver({ records: [], checkpoints: [] })
  for (const batch of load.batches) await sink.deliver(batch)
  await sink.close(5_000)
}

/** Median of an odd number of measurements. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function secondsOf(work: Promise<void>): Promise<number> {
  const start = performance.now()
  await work
  return (performance.now() - start) / 1_000
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows
    .map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  '))
    .join('\n')
}

async function readBack(brokers: readonly string[], prefix: string): Promise<number> {
  const source = kafkaSource({ brokers, topicPrefix: prefix, untilEnd: true, seenRecordsMax: 0 })
  const start = performance.now()
  let count = 0
  for (;;) {
    const batch = await source.read({ recordCountMax: 500, bytesMax: 900_000 })
    if (batch === undefined) break
    count += batch.records.length
  }
  const seconds = (performance.now() - start) / 1_000
  await source.close()
  return count / seconds
}

async function measure(brokers: readonly string[], size: number): Promise<string[][]> {
  const load = makeLoad(size)
  const ownPrefix = `sink-${size}.`
  const barePrefix = `bare-${size}.`
  for (const topicPrefix of [ownPrefix, barePrefix]) {
    await createTopics({ brokers, topicPrefix, partitions: 1 })
  }
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING })
  const createPartitioner = kafkajs.Partitioners.DefaultPartitioner
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner })
  await producer.connect()
  const variants: readonly Variant[] = [
    {
      name: 'bare kafkajs loop',
      run: () => bareLoop(producer, load, topicNames(barePrefix).records),
    },
    { name: 'kafkaSink', run: () => sinkLoop(brokers, load, ownPrefix) },
  ]
  const seconds = variants.map((): number[] => [])
  for (let round = -1; round < ROUNDS; round++) {
    // The order alternates; the first round only warms up.
    const order = round % 2 === 0 ? [0, 1] : [1, 0]
    for (const i of order) {
      const taken = await secondsOf((variants[i] as Variant).run(round))
      if (round >= 0) seconds[i]?.push(taken)
    }
  }
  await producer.disconnect()
  const bare = RECORDS / median(seconds[0] ?? [])
  const back = await readBack(brokers, ownPrefix)
  const row = (name: string, perSecond: number): string[] => [
    `${Math.round(load.lineBytes)}`,
    name,
    `${Math.round(perSecond)}`,
    ((perSecond * load.lineBytes) / 1e6).toFixed(1),
    (perSecond / bare).toFixed(2),
  ]
  return [
    ...variants.map(({ name }, i) => row(name, RECORDS / median(seconds[i] ?? []))),
    [...row('kafkaSource, read back', back).slice(0, 4), '-'],
  ]
}

async function main(): Promise<void> {
  const cluster = await startKafka()
  try {
    const rows = [['bytes', 'what', 'records/s', 'MB/s', 'of bare']]
    for (const size of SIZES) rows.push(...(await measure(cluster.bootstrap, size)))
    const setting = `batches of ${BATCH}, zstd, acks all, idempotent, one partition`
    process.stdout.write(
      `Kafka (${cluster.origin}, one broker): ${setting}; medians of ${ROUNDS} rounds of ${RECORDS}\n` +
        `${table(rows)}\ntarget: at least 0.50 of the bare loop\n`,
    )
  } finally {
    await cluster.stop()
  }
}

await main()
