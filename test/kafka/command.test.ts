// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { journalStatus, readJournal } from '@spanseal/journal'
import { kafkaSource } from '@spanseal/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomeOf, runProcess, startCommand } from '../../packages/cli/src/command.fixture.ts'
import { aJournal, TestAgent } from '../../packages/cli/src/journal.fixture.ts'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import { PATIENCE } from './patience.ts'
import { readAll } from './read-back.ts'

let cluster: KafkaCluster
let brokers: readonly string[]

beforeAll(async () => {
  cluster = await startKafka()
  brokers = ['--brokers', cluster.bootstrap.join(',')]
})

afterAll(() => cluster?.stop())

/** The lines of a topic in the order of `seq`, each once. */
async function linesOf(topicPrefix: string): Promise<string[]> {
  const source = kafkaSource({
    brokers: cluster.bootstrap,
    topicPrefix,
    group: `${topicPrefix}read`,
    untilEnd: true,
  })
  const { records } = await readAll(source)
  await source.close()
  const bySeq = new Map(records.map((r) => [r.seq, Buffer.from(r.line).toString('utf8')]))
  return [...bySeq].sort(([a], [b]) => a - b).map(([, line]) => line)
}

/** The lines of an epoch, whether its segments are compressed by now or not. */
async function linesIn(folder: string, epoch: string): Promise<string[]> {
  const chunks: Uint8Array[] = []
  for await (const epochBytes of readJournal(folder)) {
    if (basename(epochBytes.name) !== epoch) continue
    for await (const segment of epochBytes.segments())
      chunks.push(...(await Array.fromAsync(segment.chunks())))
  }
  return Buffer.concat(chunks).toString().split('\n').slice(0, -1)
}

describe('spanseal topics', () => {
  test('makes the topics once, and says in what others do not fit', async () => {
    const args = [...brokers, '--prefix', 'made.']
    const before = await runProcess(['topics', 'check', ...args])
    expect(before.status).toBe(1)
    expect(before.stdout).toContain('TOPIC_MISSING: made.audit.records.v1 does not exist\n')
    const made = await runProcess(['topics', 'create', ...args, '--partitions', '3', '--json'])
    expect(made).toMatchObject({ status: 0, stderr: '' })
    const created = [
      'made.audit.records.v1',
      'made.audit.checkpoints.v1',
      'made.audit.dead-letters.v1',
    ]
    expect(JSON.parse(made.stdout)).toEqual({ created, existing: [] })
    const again = await runProcess(['topics', 'create', ...args])
    expect(again.stdout).toContain('exists   made.audit.records.v1, and fits\n')
    expect((await runProcess(['topics', 'check', ...args])).status).toBe(0)
    const other = await runProcess(['topics', 'check', ...args, '--partitions', '5'])
    expect(other.status).toBe(1)
    expect(other.stdout).toContain(
      'TOPIC_UNSUITABLE: made.audit.records.v1: partitions is 3, not 5\n',
    )
  })
})

describe('spanseal ship', () => {
  test('says which topic is missing, at once', async () => {
    const journal = aJournal()
    const { status, stderr } = await runProcess([
      'ship',
      journal.folder,
      ...brokers,
      '--prefix',
      'no.',
    ])
    expect(status).toBe(1)
    expect(stderr).toContain('TOPIC_MISSING: ')
    expect(stderr).toContain('spanseal topics create')
  })

  test('delivers what is there, and the next time what came since', async () => {
    const args = [...brokers, '--prefix', 'ship.']
    await runProcess(['topics', 'create', ...args, '--partitions', '3'])
    const journal = aJournal({ durability: 'interval' })
    const agent = new TestAgent(journal)
    agent.task()
    const first = await runProcess(['ship', journal.folder, ...args])
    expect(first).toMatchObject({ status: 0, stderr: '' })
    expect(first.stdout).toMatch(/^Delivered 5 records and \d checkpoints? in /)
    agent.task()
    journal.writer.close()
    const second = await runProcess(['ship', journal.folder, ...args, '--json'])
    expect(JSON.parse(second.stdout)).toMatchObject({ delivered: { records: 5 }, undelivered: 0 })
    const [epoch = ''] = journal.writer.epochs
    expect(await linesOf('ship.')).toEqual(await linesIn(journal.folder, epoch))
  })

  test('watches a journal that is written to; SIGTERM ends it and loses nothing', async () => {
    const args = [...brokers, '--prefix', 'watch.']
    await runProcess(['topics', 'create', ...args, '--partitions', '3'])
    const journal = aJournal({ durability: 'interval' })
    const agent = new TestAgent(journal)
    const child = startCommand(['ship', journal.folder, ...args, '--watch', '--json'])
    const ended = outcomeOf(child)
    const acknowledged = (): number =>
      journalStatus(journal.folder).totals.acknowledged['kafka'] ?? 0
    const work = async (rounds: number): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        for (let j = 0; j < 25; j++) agent.task()
        await sleep(10)
      }
    }
    await work(150)
    // It is at work by now, however long it took to start, and takes signals.
    await expect.poll(acknowledged, PATIENCE).toBeGreaterThan(0)
    child.kill('SIGTERM')
    await work(50)
    journal.writer.close()
    const { signal, stdout } = await ended
    expect(signal).toBeNull()
    const { delivered, failure } = JSON.parse(stdout) as {
      delivered: { records: number }
      failure?: unknown
    }
    expect(failure).toBeUndefined()
    expect(delivered.records).toBeGreaterThan(0)
    const rest = await runProcess(['ship', journal.folder, ...args, '--json'])
    expect(JSON.parse(rest.stdout)).toMatchObject({
      delivered: { records: 20_002 - delivered.records },
      undelivered: 0,
    })
    const [epoch = ''] = journal.writer.epochs
    expect(await linesOf('watch.')).toEqual(await linesIn(journal.folder, epoch))
  })
})
