// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { SealedRecord } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { createTopics, kafkaSink, topicNames } from '@spanseal/kafka'
import type { Message, Producer } from 'kafkajs'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomeOf, runCommand, startCommand } from '../../packages/cli/src/command.fixture.ts'
import { aJournal, emptyFolder, TestAgent } from '../../packages/cli/src/journal.fixture.ts'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import { EpochMill, epochBatches } from './chained-records.ts'
import { PATIENCE } from './patience.ts'

let cluster: KafkaCluster
let producer: Producer

beforeAll(async () => {
  cluster = await startKafka()
  const { logLevel, Partitioners } = kafkajs
  const client = new kafkajs.Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING })
  producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
})

afterAll(async () => {
  await producer?.disconnect()
  await cluster?.stop()
})

function kafka(prefix: string): string[] {
  return ['--brokers', cluster.bootstrap.join(','), '--prefix', prefix]
}

async function topics(topicPrefix: string): Promise<ReturnType<typeof topicNames>> {
  await createTopics({ brokers: cluster.bootstrap, topicPrefix, partitions: 2 })
  return topicNames(topicPrefix)
}

/** What a command prints in JSON. */
async function json(
  ...args: readonly string[]
): Promise<{ status: number | null; value: unknown }> {
  const { status, stdout, stderr } = await runCommand([...args, '--json'])
  if (stdout === '') throw new Error(`${args.join(' ')}: ${stderr}`)
  return { status, value: JSON.parse(stdout) as unknown }
}

function messageOf({ epoch, line }: SealedRecord, other: Partial<Message> = {}): Message {
  return { key: epoch, value: Buffer.from(line), ...other }
}

describe('spanseal dead-letters', () => {
  test('lists what was put aside, and puts back what has become readable', async () => {
    const names = await topics('letters.')
    const none = await runCommand(['dead-letters', 'list', ...kafka('letters.')])
    expect(none).toMatchObject({ status: 0, stdout: 'No dead letters.\n', stderr: '' })

    // As an older reader would have put it aside, and what nobody can read.
    const [record] = new EpochMill(1).records(1) as [SealedRecord]
    const letter = (value: Message['value'], reason: string, offset: string): Message => ({
      key: record.epoch,
      value,
      headers: {
        'spanseal-topic': names.records,
        'spanseal-partition': '1',
        'spanseal-offset': offset,
        'spanseal-reason': reason,
      },
    })
    await producer.send({
      topic: names.deadLetters,
      messages: [
        letter(Buffer.from(record.line), 'a version that is not known', '7'),
        letter('garbage \u001b[2J', 'not a JSON \u001b[2J object', '8'),
        letter(Buffer.from(record.line), 'a version that is not known', '7'),
      ],
    })
    const list = await runCommand(['dead-letters', 'list', ...kafka('letters.')])
    expect(list).toMatchObject({ status: 1, stderr: '' })
    expect(list.stdout).toMatch(
      /^0\/0 {7}\d{4}-\d\d-\d\dT\S+Z {2}letters\.audit\.records\.v1\/1 offset 7 .+ a version that is not known\n0\/1 /,
    )
    expect(list.stdout).toContain('\n2 dead letters not put back.')
    expect(list.stdout).not.toContain('\u001b')

    const args = ['dead-letters', 'replay', ...kafka('letters.')]
    const dry = await json(...args, '--dry-run')
    expect(dry).toEqual({ status: 1, value: { replayed: 1, left: 0, refused: 1, dryRun: true } })
    const first = await runCommand([...args, '--reason', 'version'])
    expect(first).toMatchObject({
      status: 0,
      stdout: '1 dead letter put back, 1 dead letter not selected.\n',
    })
    const rest = await runCommand(args)
    expect(rest.status).toBe(1)
    expect(rest.stderr).toContain(
      'dead letter 0/1 (letters.audit.records.v1/1 offset 8) stays: still',
    )
    const forced = await json(...args, '--force', '--at', '0/1')
    expect(forced).toMatchObject({ status: 0, value: { replayed: 1, refused: 0 } })
    const gone = await runCommand([...args, '--at', '0/1'])
    expect(gone.status).toBe(1)
    expect(gone.stderr).toContain('not all that --at names are there')

    const all = await runCommand([
      'dead-letters',
      'list',
      ...kafka('letters.'),
      '--all',
      '--json',
      '--values',
    ])
    expect(all.status).toBe(0)
    const lines = all.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(lines).toMatchObject([
      { at: '0/0', replayed: true, value: Buffer.from(record.line).toString('base64') },
      { at: '0/1', replayed: true, valueBytes: 12 },
    ])
  })

  test('says what it cannot use, and which topic is missing', async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['list', '--values'], 'INVALID_OPTION'],
      [['replay', '--force'], 'INVALID_OPTION'],
      [['replay', '--at', '7'], 'INVALID_OPTION'],
      [['replay', '--log', '../up'], 'INVALID_OPTION'],
      [['list'], 'TOPIC_MISSING'],
      [['replay'], 'TOPIC_MISSING'],
    ]
    for (const [args, code] of cases) {
      const outcome = await runCommand(['dead-letters', ...args, ...kafka('nowhere.')])
      expect({ args, status: outcome.status }).toEqual({ args, status: 2 })
      expect(outcome.stderr).toMatch(new RegExp(`^spanseal: ${code}: [^\n]+\n$`))
    }
  })
})

describe('spanseal restore', () => {
  test('makes a journal of what was shipped, that verifies as the first one does', async () => {
    await topics('restore.')
    const home = join(emptyFolder(), 'audit')
    const journal = aJournal({ journal: home, epochRecordsMax: 9 })
    const agent = new TestAgent(journal)
    for (let i = 0; i < 12; i++) agent.task()
    journal.writer.close()
    const shipped = await json('ship', home, ...kafka('restore.'))
    expect(shipped).toMatchObject({ status: 0, value: { undelivered: 0 } })
    const { records } = (shipped.value as { delivered: { records: number } }).delivered

    const folder = join(emptyFolder(), 'restored')
    const first = await runCommand(['restore', folder, ...kafka('restore.')])
    expect(first).toMatchObject({ status: 0, stderr: '' })
    expect(first.stdout).toContain(`Restored ${records} records and `)
    expect(first.stdout).toContain(`Does it hold? spanseal verify ${folder}\n`)
    const keys = [parseVkey(journal.vkey)]
    const verdict = await verify(readJournal(folder), { keys })
    expect(verdict).toMatchObject({ ok: true, findings: [] })
    const original = await verify(readJournal(home), { keys })
    expect(verdict.level).toBe(original.level)
    const bytes = await bytesOf(home)
    expect(Object.keys(bytes).toSorted()).toEqual([...journal.writer.epochs].toSorted())
    expect(await bytesOf(folder)).toEqual(bytes)

    const again = await json('restore', folder, ...kafka('restore.'))
    expect(again).toMatchObject({
      status: 0,
      value: { refused: 0, malformed: 0, whole: true, epochs: [...journal.writer.epochs].length },
    })
    expect(await bytesOf(folder)).toEqual(bytes)
    const into = await runCommand(['restore', home, ...kafka('restore.')])
    expect(into.status).toBe(2)
    expect(into.stderr).toContain('JOURNAL_UNUSABLE')
  })

  test('keeps what was changed, removed or added in Kafka visible', async () => {
    const names = await topics('forged.')
    const mill = new EpochMill(2)
    const [batch] = [...epochBatches(mill, 60)]
    const records = batch!.records
    const changed = (seq: number): Message => {
      const { epoch, line } = records[seq] as SealedRecord
      const text = Buffer.from(line).toString().replace('refund_order', 'cancel_order')
      return { key: epoch, value: text }
    }
    // One is missing, one is changed, one comes a second time as another, and one is garbage.
    const sent = records.filter(({ seq }) => seq !== 20 && seq !== 7).map((r) => messageOf(r))
    await producer.send({ topic: names.records, messages: [...sent, changed(7), changed(9)] })
    await producer.send({ topic: names.records, messages: [{ key: 'k', value: 'garbage' }] })
    await kafkaCheckpoints('forged.', batch!.checkpoints)
    const folder = join(emptyFolder(), 'restored')
    const outcome = await runCommand(['restore', folder, ...kafka('forged.')])
    expect(outcome.status).toBe(1)
    expect(outcome.stdout).toContain('1 message left out: no record or checkpoint.')
    expect(outcome.stdout).toContain('1 record left out')
    const verdict = await verify(readJournal(folder), { keys: [parseVkey(mill.issuerVkey)] })
    expect(verdict.ok).toBe(false)
    const codes = verdict.findings.map(({ code }) => code)
    expect(codes).toContain('missing')
    expect(codes).toContain('edited')
  })

  test('takes one log of several, and ends on SIGTERM with what it has', async () => {
    await topics('logs.')
    const sink = kafkaSink({ brokers: cluster.bootstrap, topicPrefix: 'logs.' })
    const mill = new EpochMill(3)
    for (const batch of epochBatches(mill, 3_000)) await sink.deliver(batch)
    await sink.close(5_000)
    const folder = join(emptyFolder(), 'restored')
    const other = await json('restore', folder, ...kafka('logs.'), '--log', 'localhost/other')
    expect(other).toMatchObject({ status: 1, value: { records: 0, epochs: 0 } })
    const mine = await json('restore', folder, ...kafka('logs.'), '--log', mill.log)
    expect(mine).toMatchObject({ status: 0, value: { records: 3_000, epochs: 1, whole: true } })

    const cut = join(emptyFolder(), 'cut')
    const child = startCommand(['restore', cut, ...kafka('logs.'), '--json'])
    const ended = outcomeOf(child)
    // The first records are there: it is at work, or has just ended.
    await expect.poll(() => existsSync(join(cut, mill.epoch)), PATIENCE).toBe(true)
    child.kill('SIGTERM')
    const { status, signal, stdout } = await ended
    const { whole } = JSON.parse(stdout) as { whole: boolean }
    const clean = { status: whole ? 0 : 1, signal: null }
    // It may have said all and closed before the signal came.
    const endings = whole ? [clean, { status: null, signal: 'SIGTERM' }] : [clean]
    expect(endings).toContainEqual({ status, signal })
    const rest = await json('restore', cut, ...kafka('logs.'))
    expect(rest).toMatchObject({ status: 0, value: { whole: true } })
    expect(await bytesOf(cut)).toEqual(await bytesOf(folder))
  })

  test('refuses what it cannot use before it connects', async () => {
    const folder = emptyFolder()
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const cases: readonly (readonly [readonly string[], string])[] = [
      [[empty, ...kafka('restore.'), '--log', '../up'], 'INVALID_OPTION'],
      [[file, ...kafka('restore.')], 'JOURNAL_UNUSABLE'],
      [[empty, '--brokers', 'nonsense'], 'INVALID_OPTION'],
      [[empty, ...kafka('nowhere.')], 'TOPIC_MISSING'],
    ]
    for (const [args, code] of cases) {
      const { status, stderr } = await runCommand(['restore', ...args])
      expect({ args, status }).toEqual({ args, status: 2 })
      expect(stderr).toMatch(new RegExp(`^spanseal: ${code}: [^\n]+\n$`))
    }
  })
})

async function kafkaCheckpoints(
  topicPrefix: string,
  checkpoints: Parameters<ReturnType<typeof kafkaSink>['deliver']>[0]['checkpoints'],
): Promise<void> {
  const sink = kafkaSink({ brokers: cluster.bootstrap, topicPrefix })
  await sink.deliver({ records: [], checkpoints })
  await sink.close(5_000)
}

/** The bytes of each epoch, however they are cut into segments and kept. */
async function bytesOf(folder: string): Promise<Record<string, string>> {
  const epochs: Record<string, string> = {}
  for await (const epoch of readJournal(folder)) {
    const chunks: Uint8Array[] = []
    for await (const segment of epoch.segments())
      chunks.push(...(await Array.fromAsync(segment.chunks())))
    epochs[basename(epoch.name)] = Buffer.concat(chunks).toString()
  }
  return epochs
}
