// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SealedRecord } from '@spanseal/core'
import type { KafkaSource } from '@spanseal/kafka'
import { createTopics, kafkaSink, kafkaSource, readDeadLetters, topicNames } from '@spanseal/kafka'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import { EpochMill } from './chained-records.ts'
import { PATIENCE } from './patience.ts'

const PROGRAM = join(import.meta.dirname, 'consumer-killed.fixture.ts')
/** A process for each kill, and the group misses each for a second. */
const LONG = { timeout: 15 * 60_000 }
/** Of one round: before and after reading, within and after writing, after the sync, around the commit. */
const STEPS_PER_ROUND = 7
const KILLS = process.env['SLOW'] === '1' ? 5 * STEPS_PER_ROUND : 2 * STEPS_PER_ROUND
/** Batches that are read until the last kill, where none is smaller than it may be. */
const ROUNDS = Array.from({ length: KILLS }, (_, kill) =>
  Math.ceil((kill + 1) / STEPS_PER_ROUND),
).reduce((sum, rounds) => sum + rounds)

let cluster: KafkaCluster
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spanseal-killed-'))
  // Members that are killed are missed after a second instead of six.
  cluster = await startKafka({ properties: { 'group.min.session.timeout.ms': '500' } })
})

afterAll(async () => {
  await cluster?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

function consume(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=spanseal-source', PROGRAM, ...args])
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.once('error', reject)
    child.once('close', (status, signal) => resolve({ status, signal, output }))
  })
}

const lineOf = ({ epoch, seq, line }: SealedRecord): string =>
  `${epoch} ${seq} ${createHash('sha256').update(line).digest('hex')}`

/** Sequence numbers that come for the first time come in order. */
function inOrder(lines: readonly string[]): boolean {
  const next = new Map<string, number>()
  return lines.every((line) => {
    const [epoch = '', seq = ''] = line.split(' ')
    const expected = next.get(epoch) ?? 0
    if (Number(seq) === expected) next.set(epoch, expected + 1)
    return Number(seq) <= expected
  })
}

test(
  'a consumer that is killed at every step loses nothing and invents nothing',
  LONG,
  async () => {
    const where = { brokers: cluster.bootstrap, topicPrefix: 'killed.' }
    await createTopics({ ...where, partitions: 2 })
    const mills = [new EpochMill(1), new EpochMill(2), new EpochMill(3)]
    const client = new kafkajs.Kafka({
      brokers: [...cluster.bootstrap],
      logLevel: kafkajs.logLevel.NOTHING,
    })
    const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
    await producer.connect()
    const sink = kafkaSink(where)
    const delivered: SealedRecord[] = []
    const garbage: string[] = []
    // Garbage among the records, also as the last message of a partition.
    for (let round = 0; round < ROUNDS; round++) {
      const records = mills.flatMap((mill) => mill.records(4))
      await sink.deliver({ records, checkpoints: mills.map((mill) => mill.checkpoint()) })
      delivered.push(...records)
      const value = `garbage ${round}`
      garbage.push(value)
      const messages = [{ key: 'k', value, partition: round % 2 }]
      await producer.send({ topic: topicNames(where.topicPrefix).records, messages })
    }
    await sink.close(5_000)
    await producer.disconnect()

    const file = join(folder, 'lines')
    const run = (step: number): Promise<Ended> =>
      consume(cluster.bootstrap.join(','), where.topicPrefix, file, `${step}`)
    const ends: Ended[] = []
    for (let kill = 1; kill <= KILLS; kill++) ends.push(await run(kill))
    expect(ends.filter(({ signal }) => signal !== 'SIGKILL')).toEqual([])
    expect(await run(0)).toMatchObject({ status: 0, output: 'done\n' })

    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(new Set(lines)).toEqual(new Set(delivered.map(lineOf)))
    // The kills bit: some came again.
    expect(lines.length).toBeGreaterThan(delivered.length)
    expect(inOrder(lines)).toBe(true)
    const letters = await Array.fromAsync(readDeadLetters(where))
    expect(letters.map(({ value }) => Buffer.from(value ?? []).toString()).toSorted()).toEqual(
      garbage.toSorted(),
    )
  },
)

test('members that come, go and die leave nothing out, and hand out no fork', async () => {
  const where = { brokers: cluster.bootstrap, topicPrefix: 'members.' }
  await createTopics({ ...where, partitions: 4 })
  const mills = Array.from({ length: 12 }, (_, n) => new EpochMill(10 + n))
  const sink = kafkaSink(where)
  const seen = new Map<string, string>()
  const expected = new Map<string, string>()
  const forks: unknown[] = []
  const members: { readonly source: KafkaSource; leave: boolean; readonly ended: Promise<void> }[] =
    []
  const enter = (): void => {
    const source = kafkaSource({
      ...where,
      group: 'audit-members',
      sessionTimeoutMillis: 2_000,
      // Who joins waits for all others to notice.
      attemptTimeoutMillis: 120_000,
      onFork: (fork) => forks.push(fork),
    })
    const member = { source, leave: false, ended: Promise.resolve() }
    const work = async (): Promise<void> => {
      while (!member.leave) {
        const batch = await source.read({ recordCountMax: 20, bytesMax: 1_000_000 })
        if (batch === undefined) {
          await source.wait(50, new AbortController().signal)
          continue
        }
        for (const { epoch, seq, leaf } of batch.records) {
          const place = `${epoch}/${seq}`
          expect(seen.get(place) ?? leaf).toBe(leaf)
          seen.set(place, leaf)
        }
        await source.commit(batch)
      }
      await source.close()
    }
    members.push(Object.assign(member, { ended: work() }))
  }
  const produce = async (): Promise<void> => {
    const records = mills.flatMap((mill) => mill.records(15))
    for (const { epoch, seq, leaf } of records) expected.set(`${epoch}/${seq}`, leaf)
    await sink.deliver({ records, checkpoints: [] })
    // A producer that was in doubt sends again.
    await sink.deliver({ records: records.slice(0, 40), checkpoints: [] })
  }
  const allSeen = (): Promise<void> => expect.poll(() => seen.size, PATIENCE).toBe(expected.size)
  enter()
  await produce()
  enter()
  await produce()
  enter()
  await produce()
  await allSeen()
  members[0]!.leave = true
  await produce()
  enter()
  members[1]!.leave = true
  await produce()
  await allSeen()
  for (const member of members) member.leave = true
  await Promise.all(members.map(({ ended }) => ended))
  await sink.close(5_000)
  expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected))
  expect(forks).toEqual([])
})
