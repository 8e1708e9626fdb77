// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aFolder, codeOf, filesIn, memoryKeys, toolStart } from '../journal.fixture.ts'
import { journalSource } from '../journal-source.ts'
import { ownProcess } from '../liveness.ts'
import type { EpochStatus } from './journal-status.ts'
import { journalStatus } from './journal-status.ts'
import { shipLock } from './ship-lock.ts'
import {
  aFilledJournal,
  age,
  aWriter,
  calls,
  copyOf,
  DAY_MILLIS,
  deliver,
  filesOf,
  SINK,
} from './spool.fixture.ts'
import { tendSpool } from './tend-spool.ts'

function epochOf(journal: string, id: string | undefined): EpochStatus {
  const found = journalStatus(journal).epochs.find(({ epoch }) => epoch === id)
  if (found === undefined) throw new Error('no such epoch')
  return found
}

/** Changes an epoch's `writer.json`. */
function rewrite(journal: string, epoch: string, more: object): void {
  const path = join(journal, epoch, 'writer.json')
  const state = JSON.parse(readFileSync(path, 'utf8')) as object
  writeFileSync(path, JSON.stringify({ ...state, ...more }))
}

test('a journal says how its epochs stand, and nothing is written for it', async () => {
  const { journal, closed, crashed, live } = aFilledJournal()
  const before = filesOf(journal)
  const names = filesIn(journal)
  const status = journalStatus(journal, { now: () => Date.now() })
  expect(filesOf(journal)).toEqual(before)
  expect(filesIn(journal)).toEqual(names)
  expect(status.sinks).toEqual([])
  expect(status.orphans).toEqual([])
  expect(status.epochs).toMatchObject([
    { epoch: closed, state: 'closed', produced: 42, durable: 42, acknowledged: {} },
    { epoch: crashed, state: 'crashed', produced: 38 },
    { epoch: live.epoch, state: 'live', produced: 39, pid: process.pid },
  ])
  expect(status.epochs[2]?.host).toBe(ownProcess().host.slice(0, 8))
  expect(status.totals).toMatchObject({ epochs: 3, produced: 42 + 38 + 39, compressedBytes: 0 })
  await deliver(journal)
  calls(live, 1)
  const delivered = journalStatus(journal, { sinks: ['backup'] })
  expect(delivered.sinks).toEqual(['backup', SINK])
  expect(delivered.totals.acknowledged).toEqual({ backup: 0, [SINK]: 119 })
  expect(delivered.totals.unacknowledged).toEqual({ backup: 121, [SINK]: 2 })
  expect(delivered.orphans).toEqual([crashed])
  expect(journalStatus(journal).orphans).toEqual([])
})

test('the oldest record that is not acknowledged has its time told', async () => {
  const { journal, live } = aFilledJournal()
  const source = journalSource(journal, { sinkName: SINK, rescanMillis: 1 })
  const batch = await source.read({ recordCountMax: 5, bytesMax: 900_000 })
  if (batch !== undefined) await source.commit(batch)
  const oldest = journalStatus(journal).totals.oldestUnacknowledgedAt ?? 0
  const [first] = batch?.records ?? []
  const opened = JSON.parse(Buffer.from(first?.line ?? '').toString()) as { time: { at: string } }
  expect(oldest).toBeGreaterThanOrEqual(Date.parse(opened.time.at))
  expect(oldest).toBeLessThanOrEqual(Date.now())
  await deliver(journal)
  expect(journalStatus(journal).totals.oldestUnacknowledgedAt).toBeUndefined()
  const before = Date.now()
  live.append(() => toolStart())
  expect(journalStatus(journal).totals.oldestUnacknowledgedAt).toBeGreaterThanOrEqual(before)
})

test('compressed and removed segments are counted, and what was removed is still produced', async () => {
  const { journal, closed, live } = aFilledJournal()
  await deliver(journal)
  await tendSpool(journal, { sinks: [] })
  const packed = journalStatus(journal)
  expect(packed.totals.compressedBytes).toBeGreaterThan(1_000)
  expect(packed.totals.bytes).toBeGreaterThan(packed.totals.compressedBytes)
  expect(epochOf(journal, closed)).toMatchObject({ produced: 42, acknowledged: { [SINK]: 42 } })
  age(journal, DAY_MILLIS)
  await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0 })
  expect(epochOf(journal, closed)).toMatchObject({
    state: 'closed',
    produced: 42,
    acknowledged: { [SINK]: 42 },
    deletedBefore: 42,
  })
  expect(journalStatus(journal).totals.produced).toBe(packed.totals.produced)
  expect(epochOf(journal, live.epoch)).toMatchObject({ state: 'live', produced: 39 })
})

test('what a process left of its state is passed on, and whose epoch ended is no orphan of a living one', () => {
  const { journal, crashed, live } = aFilledJournal()
  const since = '2026-11-21T10:00:00.000Z'
  const vitals = { sinks: [{ name: 'kafka' }] }
  const types = { 'tool.start': 7 }
  rewrite(journal, live.epoch ?? '', {
    ended: 'failed',
    gap: { records: 7, refused: 2, since, until: since, reason: 'write_failed', types },
    vitals,
  })
  const status = journalStatus(journal, { sinks: [SINK] })
  expect(status.epochs[2]).toMatchObject({ state: 'failed', vitals })
  expect(status.gapsPending).toEqual([
    { epoch: live.epoch, records: 7, refused: 2, since, left: false },
  ])
  expect(status.orphans).toEqual([crashed])
  writeFileSync(join(journal, live.epoch ?? '', 'gap-taken-001'), crashed)
  expect(journalStatus(journal).gapsPending).toEqual([])
  rewrite(journal, live.epoch ?? '', { host: 'ab'.repeat(16), ended: undefined, beat: 5 })
  expect(journalStatus(journal).epochs[2]).toMatchObject({ state: 'silent', lastBeat: 5 })
})

test('whatever lies in an epoch’s folder, a status is told', () => {
  const { journal, closed, crashed, live } = aFilledJournal()
  const damages: ((folder: string) => void)[] = [
    (folder) => {
      for (const name of filesIn(folder)) rmSync(join(folder, name))
    },
    (folder) => {
      for (const name of filesIn(folder)) writeFileSync(join(folder, name), 'x'.repeat(200_000))
    },
    (folder) => {
      for (const name of filesIn(folder)) writeFileSync(join(folder, name), '\n\n{}\nnull\n')
    },
    (folder) => {
      execFileSync('mkfifo', [join(folder, '999999999999.jsonl')])
    },
    (folder) => symlinkSync('/dev/zero', join(folder, '999999999999.jsonl.zst')),
    (folder) => {
      rmSync(folder, { recursive: true })
      symlinkSync('/', folder)
    },
    (folder) => {
      rmSync(folder, { recursive: true })
      writeFileSync(folder, '')
    },
  ]
  for (const damage of damages) {
    const copy = copyOf(journal)
    damage(join(copy, closed))
    const status = journalStatus(copy, { sinks: [SINK] })
    expect(status.epochs.map(({ epoch }) => epoch)).toEqual([closed, crashed, live.epoch])
    expect(status.epochs[1]).toMatchObject({ produced: 38 })
    expect(Number.isSafeInteger(status.totals.produced)).toBe(true)
  }
})

/** A journal with one live epoch of some segments, delivered. */
async function aDelivered(): Promise<{ journal: string; folder: string; epoch: string }> {
  const journal = aFolder()
  const writer = aWriter(journal, memoryKeys())
  calls(writer, 20)
  await deliver(journal)
  const epoch = writer.epoch ?? ''
  return { journal, folder: join(journal, epoch), epoch }
}

test('what is no file where a later segment would be hides no record', async () => {
  for (const make of [
    (path: string): unknown => execFileSync('mkfifo', [path]),
    (path: string): unknown => mkdirSync(path),
    (path: string): unknown => symlinkSync('/dev/null', `${path}.zst`),
  ]) {
    const { journal, folder, epoch } = await aDelivered()
    make(join(folder, '000000000999.jsonl'))
    const acknowledged = { [SINK]: 41 }
    const { orphans, epochs } = journalStatus(journal)
    expect(epochs).toMatchObject([{ epoch, state: 'unknown', produced: 41, acknowledged }])
    expect(epochs[0]?.bytes).toBeGreaterThan(10_000)
    expect(epochs[0]?.ahead).toBeUndefined()
    expect(orphans).toEqual([])
  }
})

test('the name of a segment is believed no further than its records', async () => {
  const { journal, folder } = await aDelivered()
  const lines = readFileSync(join(folder, '000000000001.jsonl'), 'utf8')
  const names = ['999999999999.jsonl', '000000000100.jsonl']
  for (const text of ['x\n', lines, lines.replaceAll('"seq":1', '"seq":9007199254740991')]) {
    for (const name of names) {
      writeFileSync(join(folder, name), text)
      expect(journalStatus(journal).totals).toMatchObject({ produced: 41 })
      rmSync(join(folder, name))
    }
  }
  writeFileSync(join(folder, '000000000100.jsonl'), '')
  truncateSync(join(folder, '000000000100.jsonl'), 1_073_741_824)
  expect(journalStatus(journal).epochs).toMatchObject([{ state: 'unknown', produced: 41 }])
})

test('a sink that has more than lies here is named', async () => {
  const journal = aFolder()
  const writer = aWriter(journal, memoryKeys())
  calls(writer, 5)
  await deliver(journal)
  const older = copyOf(journal)
  calls(writer, 5)
  await deliver(journal)
  cpSync(join(journal, 'cursors'), join(older, 'cursors'), { recursive: true })
  expect(journalStatus(journal).epochs[0]?.ahead).toBeUndefined()
  expect(journalStatus(older).epochs).toMatchObject([
    { produced: 11, acknowledged: { [SINK]: 11 }, ahead: { [SINK]: 21 } },
  ])
})

test('a sink is who has a cursor: a lock or anything else makes none, a first look does', async () => {
  const { journal, live } = aFilledJournal()
  for (const name of ['locked', 'empty', 'junk']) {
    mkdirSync(join(journal, 'cursors', name), { recursive: true })
  }
  shipLock(journal, 'locked').release()
  writeFileSync(join(journal, 'cursors', 'junk', `${live.epoch}.json`), '{}')
  writeFileSync(join(journal, 'cursors', 'junk', 'note.json'), '{}')
  expect(journalStatus(journal)).toMatchObject({ sinks: [], orphans: [] })
  // It has got nothing, and nothing may be removed before it has.
  expect(journalSource(journal, { sinkName: 'down' }).pendingRecords()).toBe(119)
  expect(journalStatus(journal)).toMatchObject({
    sinks: ['down'],
    totals: { unacknowledged: { down: 119 } },
  })
  await deliver(journal)
  expect(journalStatus(journal).sinks).toEqual(['down', SINK])
})

test('an epoch whose writer cannot be told is live while its folder changes, then silent', () => {
  const { journal, crashed } = aFilledJournal()
  rmSync(join(journal, crashed, 'writer.json'))
  expect(epochOf(journal, crashed)).toMatchObject({ state: 'live', produced: 38 })
  const now = (): number => Date.now() + 301_000
  const [, status] = journalStatus(journal, { now, sinks: [SINK] }).epochs
  expect(status).toMatchObject({ epoch: crashed, state: 'silent', produced: 38 })
})

test('a folder that is none is refused, and locks are no sinks', () => {
  const journal = aFolder()
  expect(codeOf(() => journalStatus(join(journal, 'none')))).toBe('NOT_FOUND')
  writeFileSync(join(journal, 'file'), '')
  expect(codeOf(() => journalStatus(join(journal, 'file')))).toBe('JOURNAL_UNUSABLE')
  writeFileSync(join(journal, 'cursors'), '')
  expect(journalStatus(journal).epochs).toEqual([])
  rmSync(join(journal, 'cursors'))
  shipLock(journal, 'kafka').release()
  const writer = aWriter(journal, memoryKeys())
  expect(journalStatus(journal)).toMatchObject({ sinks: [], orphans: [] })
  writer.close()
})
