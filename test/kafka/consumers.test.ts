// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Batch } from '@spanseal/core'
import { createTopics, kafkaSink } from '@spanseal/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cached } from '../services/cache.ts'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'
import { runCommand } from '../services/run-command.ts'
import { EpochMill, epochBatches } from './chained-records.ts'
import { PATIENCE } from './patience.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MAIN = join(ROOT, 'examples', 'consumer', 'src', 'main.ts')
const PYTHON_FOLDER = join(ROOT, 'examples', 'consumer-python')

let cluster: KafkaCluster

beforeAll(async () => {
  cluster = await startKafka()
})

afterAll(() => cluster?.stop())

async function deliver(topicPrefix: string, batches: Iterable<Batch>): Promise<void> {
  const where = { brokers: cluster.bootstrap, topicPrefix }
  await createTopics({ ...where, partitions: 3 })
  const sink = kafkaSink(where)
  for (const batch of batches) await sink.deliver(batch)
  await sink.close(5_000)
}

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(
  command: string,
  args: readonly string[],
): {
  readonly child: ReturnType<typeof spawn>
  readonly output: () => string
  readonly ended: Promise<Ended>
} {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, stdout, stderr }))
  })
  return { child, output: () => stdout, ended }
}

function consume(...args: readonly string[]): ReturnType<typeof start> {
  const node = [process.execPath, ['--conditions=spanseal-source', MAIN]] as const
  return start(node[0], [...node[1], '--brokers', cluster.bootstrap.join(','), ...args])
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** What the example says itself: a young broker's client may have something to tell, too. */
const told = (stderr: string): string[] =>
  stderr.split('\n').filter((line) => line !== '' && !line.startsWith('kafka '))

describe('examples/consumer', () => {
  test('prints every record, every checkpoint and a summary of every epoch', async () => {
    const mills = [new EpochMill(1), new EpochMill(2)]
    for (const mill of mills) await deliver('whole.', epochBatches(mill, 1_200))
    const args = ['--topic-prefix', 'whole.', '--from-beginning', '--once']
    const [mill] = mills

    const run = await consume(...args, '--key', mill!.issuerVkey).ended
    expect(told(run.stderr)).toEqual([])
    expect(run.status).toBe(0)
    const lines = run.stdout.trimEnd().split('\n')
    expect(lines.filter((line) => / tool\.(start|end) /.test(line)).length).toBe(2 * 1_198)
    expect(lines.filter((line) => line.startsWith('checkpoint')).length).toBe(2 * 4)
    expect(lines.filter((line) => line.includes('signed, by a pinned key')).length).toBe(2 * 4)
    for (const { epoch } of mills) {
      expect(lines).toContain(
        `epoch ${epoch}: 1200 records, 1200 confirmed by checkpoints, closed, no faults`,
      )
    }
    expect(run.stdout).toMatch(
      /^2026-11-21T09:00:00\.007Z {2}tool\.start {7}refund_order {10}started {4}[0-9a-f]{32}$/m,
    )

    const json = jsonLines((await consume(...args, '--json').ended).stdout)
    expect(json.filter(({ kind }) => kind === 'record').length).toBe(2 * 1_200)
    const epochs = json.filter(({ kind }) => kind === 'epoch')
    expect(epochs).toMatchObject([
      { confirmed: 1_200, signed: 'unpinned', closed: true, faults: 0 },
      { confirmed: 1_200, signed: 'unpinned', closed: true, faults: 0 },
    ])
  })

  test('says what does not hold, and ends with status 1', async () => {
    const mill = new EpochMill(3)
    const [batch] = epochBatches(mill, 100)
    const changed = batch!.records.map((record, i) => {
      if (i !== 7) return record
      const text = Buffer.from(record.line).toString().replace('refund_order', 'cancel_order')
      return { ...record, line: Buffer.from(text) }
    })
    const without = changed.filter((_, i) => i !== 20)
    await deliver('changed.', [{ records: without, checkpoints: batch!.checkpoints }])

    const args = ['--topic-prefix', 'changed.', '--from-beginning', '--once', '--json']
    const run = await consume(...args).ended
    expect(run.status).toBe(1)
    const faulty = jsonLines(run.stdout).filter(
      ({ kind, faults }) => kind === 'record' && (faults as []).length > 0,
    )
    expect(faulty.map(({ seq, faults }) => [seq, faults])).toEqual([
      [8, ['it does not link to the record before it']],
      [21, ['records 20 to 20 are missing']],
    ])
    expect(jsonLines(run.stdout).at(-1)).toMatchObject({ kind: 'epoch', confirmed: 0, faults: 2 })
  })

  test('a changed record that is the last before a checkpoint is found by the root', async () => {
    const [batch] = epochBatches(new EpochMill(4), 101)
    const records = batch!.records.map((record, i, all) => {
      if (i !== all.length - 1) return record
      const text = Buffer.from(record.line).toString().replace('refund_order', 'cancel_order')
      return { ...record, line: Buffer.from(text) }
    })
    await deliver('root.', [{ records, checkpoints: batch!.checkpoints }])
    const run = await consume('--topic-prefix', 'root.', '--from-beginning', '--once').ended
    expect(run.status).toBe(1)
    expect(run.stdout).toContain('FAULT its root is not that of the 100 records')
  })

  test('follows what arrives, makes control characters harmless, and stops at SIGTERM', async () => {
    const mill = new EpochMill(5)
    await deliver('follow.', [{ records: mill.records(11), checkpoints: [] }])
    const run = consume('--topic-prefix', 'follow.', '--group', 'audit-follow')
    await expect.poll(() => run.output().split('\n').length, PATIENCE).toBe(12)
    // By a revision that is not known yet; what is not of a known one is put aside.
    const evil = mill.records(1).map((record) => {
      const text = Buffer.from(record.line)
        .toString()
        .replace('refund_order', '\\u001b[2Jrefund')
        .replace('"rev":0', '"rev":1')
      return { ...record, line: Buffer.from(text) }
    })
    await deliver('follow.', [{ records: evil, checkpoints: [] }])
    await expect.poll(() => run.output(), PATIENCE).toContain('\\u{1b}[2Jrefund')
    expect(run.output()).not.toContain('\u001b')
    run.child.kill('SIGTERM')
    const { status, stdout } = await run.ended
    expect(status).toBe(0)
    expect(stdout).toContain(`epoch ${mill.epoch}: 12 records`)
  })

  test('explains itself, and cannot run without Kafka', async () => {
    const help = await consume('--help').ended
    expect(help.status).toBe(0)
    expect(help.stdout).toContain('--from-beginning')
    const lost = await consume('--topic-prefix', 'not.there.', '--once').ended
    expect(lost.status).toBe(2)
    expect(lost.stderr).toMatch(/^TOPIC_MISSING: /)
  })
})

describe('examples/consumer-python', () => {
  test('reads the topic and checks the chain without our code', async () => {
    const requirements = readFileSync(join(PYTHON_FOLDER, 'requirements.txt'), 'utf8')
    const { stdout: version } = await runCommand('python3', ['--version'])
    const venv = await cached({
      name: 'consumer-python',
      inputs: [requirements, version],
      build: async (folder) => {
        await runCommand('python3', ['-m', 'venv', folder], { timeoutMillis: 120_000 })
        // A virtual environment is moved to its place afterwards, so its scripts are not used.
        const pip = [
          '-m',
          'pip',
          'install',
          '--quiet',
          '-r',
          join(PYTHON_FOLDER, 'requirements.txt'),
        ]
        await runCommand(join(folder, 'bin', 'python'), pip, { timeoutMillis: 300_000 })
      },
    })
    const mills = [new EpochMill(6), new EpochMill(7)]
    for (const mill of mills) await deliver('python.', epochBatches(mill, 700))
    const python = join(venv, 'bin', 'python')
    const script = join(PYTHON_FOLDER, 'consumer.py')

    const whole = await start(python, [script, cluster.bootstrap.join(','), 'python.']).ended
    // Its client may warn of a broker that is slow.
    expect(whole.stderr).not.toContain('no record at')
    expect(whole.stdout).toMatch(/^1400 records in 2 epochs, 0 broken links$/m)
    expect(whole.status).toBe(0)
    expect(whole.stdout).toMatch(
      /^ok {5}\S{36} 1 2026-11-21T09:00:00\.007Z 'tool\.start' 00-[0-9a-f]{32}-/m,
    )

    const [batch] = epochBatches(new EpochMill(8), 50)
    await deliver('broken.', [{ records: batch!.records.toSpliced(9, 1), checkpoints: [] }])
    const broken = await start(python, [script, cluster.bootstrap.join(','), 'broken.']).ended
    expect(broken.stdout).toMatch(/, 1 broken links$/m)
    expect(broken.status).toBe(1)
  })
})
