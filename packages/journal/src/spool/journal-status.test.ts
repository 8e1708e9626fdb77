// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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
  rewrite(journal, live.epoch ?? '', {
    ended: 'failed',
    gap: { records: 7, refused: 2, since },
    vitals,
  })
  const status = journalStatus(journal, { sinks: [SINK] })
  expect(status.epochs[2]).toMatchObject({ state: 'failed', vitals })
  expect(status.gapsPending).toEqual([
    { epoch: live.epoch, records: 7, refused: 2, since, left: false },
  ])
  expect(status.orphans).toEqual([crashed])
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
  expect(journalStatus(journal)).toMatchObject({ sinks: ['kafka'], orphans: [] })
  writer.close()
})
