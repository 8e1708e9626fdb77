// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { RecordSource } from '@spanseal/core'
import { journalSource } from '@spanseal/journal'
import { afterAll, expect, test } from 'vitest'
import type { AgentSettings } from './acking-agent.fixture.ts'
import { openAgentWriter, runAgent } from './acking-agent.fixture.ts'
import { aJournal, faultsOf, inspect, lostOf, reopen, startAgent } from './crash.fixture.ts'

const SLOW = process.env['SLOW'] === '1'
/** Several processes start at once on a machine that has other work. */
const PATIENCE = { timeout: 60_000, interval: 10 }

function inWorker(settings: AgentSettings): {
  acknowledged: string[]
  ended: Promise<number>
  worker: Worker
} {
  const worker = new Worker(join(import.meta.dirname, 'acking-worker.fixture.ts'), {
    workerData: settings,
    execArgv: ['--conditions=spanseal-source'],
  })
  const acknowledged: string[] = []
  worker.on('message', (place: string) => void acknowledged.push(place))
  const ended = new Promise<number>((resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', resolve)
  })
  return { acknowledged, ended, worker }
}

test('processes, worker threads and two writers of one thread share a journal without harm', async () => {
  const journal = aJournal()
  const calls = SLOW ? 20_000 : 400
  const settings = { journal, calls, options: { epochRecordsMax: 150, segmentBytesMax: 40_000 } }
  const own: string[] = []
  const processes = [1, 2].map(() => startAgent(settings))
  const workers = [1, 2].map(() => inWorker(settings))
  await Promise.all([
    runAgent(settings, (place) => void own.push(place)),
    runAgent(settings, (place) => void own.push(place)),
    ...workers.map(({ ended }) => ended),
  ])
  for (const { ended } of processes) {
    expect(await ended).toEqual({ code: 0, signal: null, stderr: '' })
  }
  const acknowledged = [
    ...processes.flatMap((agent) => agent.acknowledged()),
    ...own,
    ...workers.flatMap((w) => w.acknowledged),
  ]
  expect(acknowledged).toHaveLength(6 * 2 * calls)
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  const found = await inspect(journal)
  expect(lostOf(found, acknowledged)).toEqual([])
  expect(faultsOf(found)).toEqual([])
  expect(found.verdict).toMatchObject({ ok: true, level: 2, ends: { crashed: 0, open: 0 } })
  expect(found.verdict.epochs).toBeGreaterThan(12)
})

test('a worker thread that is terminated harms nobody, and is found crashed once its process ends', async () => {
  const journal = aJournal()
  const agent = startAgent({ journal, calls: 50 })
  const { acknowledged, ended, worker } = inWorker({ journal })
  await expect.poll(() => acknowledged.length, PATIENCE).toBeGreaterThan(10)
  await worker.terminate()
  await ended
  await agent.ended
  const found = await inspect(journal, { live: true })
  expect(lostOf(found, acknowledged)).toEqual([])
  expect(faultsOf(found)).toEqual([])
})

/** Within the repository, so that what the copy needs from elsewhere is found. */
const cache = join(import.meta.dirname, '../../node_modules/.cache')
mkdirSync(cache, { recursive: true })
const copies = mkdtempSync(join(cache, 'spanseal-copy-'))
afterAll(() => rmSync(copies, { recursive: true, force: true }))

test('a second copy of the library in the same process keeps to epochs of its own', async () => {
  const packages = join(import.meta.dirname, '../../packages')
  const scope = join(copies, 'node_modules', '@spanseal')
  mkdirSync(scope, { recursive: true })
  for (const name of ['core', 'journal', 'keys']) {
    for (const part of ['package.json', 'src']) {
      cpSync(join(packages, name, part), join(copies, name, part), { recursive: true })
    }
    symlinkSync(join(copies, name), join(scope, name))
  }
  const file = join(copies, 'acking-agent.fixture.ts')
  cpSync(join(import.meta.dirname, 'acking-agent.fixture.ts'), file)
  const second = (await import(file)) as {
    readonly openAgentWriter: typeof openAgentWriter
    readonly runAgent: typeof runAgent
  }
  const journal = aJournal()
  const writers = [openAgentWriter({ journal }), second.openAgentWriter({ journal })]
  expect(writers[0]?.constructor).not.toBe(writers[1]?.constructor)
  for (const writer of writers) writer.close()
  const acknowledged: string[] = []
  const settings = { journal, calls: 100, options: { epochRecordsMax: 40 } }
  await Promise.all([
    runAgent(settings, (place) => void acknowledged.push(place)),
    second.runAgent(settings, (place) => void acknowledged.push(place)),
  ])
  const found = await inspect(journal)
  expect(acknowledged).toHaveLength(400)
  expect(lostOf(found, acknowledged)).toEqual([])
  expect(faultsOf(found)).toEqual([])
})

async function deliver(source: RecordSource, batches = 1_000_000): Promise<string[]> {
  const places: string[] = []
  for (let i = 0; i < batches; i++) {
    const batch = await source.read({ recordCountMax: 100, bytesMax: 900_000 })
    if (batch === undefined) return places
    places.push(...batch.records.map(({ epoch, seq }) => `${epoch}/${seq}`))
    await source.commit(batch)
  }
  return places
}

test('a source beside writers that die delivers what they acknowledged, and nothing torn', async () => {
  const journal = aJournal()
  const delivered: string[] = []
  const acknowledged: string[] = []
  for (let round = 0; round < (SLOW ? 30 : 4); round++) {
    const agent = startAgent({ journal, padding: 3_000 })
    await expect.poll(() => agent.acknowledged().length, PATIENCE).toBeGreaterThan(0)
    // A new source every time: the cursor in the journal is all that it knows.
    delivered.push(...(await deliver(journalSource(journal, { sinkName: 'test' }), 5)))
    agent.process.kill('SIGKILL')
    await agent.ended
    acknowledged.push(...agent.acknowledged())
    delivered.push(...(await deliver(journalSource(journal, { sinkName: 'test' }))))
  }
  expect(new Set(delivered).size).toBe(delivered.length)
  const set = new Set(delivered)
  expect(acknowledged.filter((place) => !set.has(place))).toEqual([])
  reopen(journal)
  const { records, verdict } = await inspect(journal)
  expect(verdict.ok).toBe(true)
  expect(delivered.filter((place) => !records.has(place))).toEqual([])
})

test('no process touches a byte of another one’s epoch', async () => {
  const journal = aJournal()
  const agent = startAgent({ journal, calls: 200 })
  await agent.ended
  const contents = (): string[] =>
    readdirSync(journal, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => `${path} ${readFileSync(path).toString('base64')}`)
  const before = contents()
  await startAgent({ journal, calls: 20, options: { epochRecordsMax: 10 } }).ended
  await startAgent({ journal, calls: 20, close: false }).ended
  expect(contents()).toEqual(expect.arrayContaining(before))
})
