// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditError } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import { expect, test, vi } from 'vitest'
import type { BudgetOptions } from './budget.ts'
import type { EpochWriter } from './epoch-writer.ts'
import { openWriter } from './epoch-writer.ts'
import {
  aClock,
  aFolder,
  checkedJournal,
  codeOf,
  errno,
  faultyFs,
  memoryKeys,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import type { FreeSpace } from './journal-fs.ts'
import { nodeFs } from './journal-fs.ts'
import { readJournal } from './read-journal.ts'
import type { WriterOptions } from './writer-options.ts'

const MEBIBYTE = 1024 * 1024
/** The longest extension that the schema takes is not much longer. */
const LONG = 3_000
const PATIENCE = { timeout: 30_000, interval: 5 }

function bytesOf(journal: string): number {
  return readdirSync(journal, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

/** Appends until it fails, and returns how it does; `undefined` where it never did. */
function fill(writer: EpochWriter, attempts = 500): string | undefined {
  for (let i = 0; i < attempts; i++) {
    const code = codeOf(() => writer.append(() => toolStart(LONG)))
    if (code !== undefined) return code
  }
  return undefined
}

/** A file system that tells what the test says. */
function fileSystem(free: { bytes: number; total: number }) {
  let looks = 0
  const freeSpace = (): FreeSpace => {
    looks++
    return { freeBytes: free.bytes, totalBytes: free.total }
  }
  return { fs: faultyFs({ freeSpace }), looks: () => looks }
}

function openWith(journal: string, more: Partial<WriterOptions>): EpochWriter {
  return openWriter(writerOptions(journal, { durability: 'none', ...more }))
}

test('a journal never takes more than its budget, and its end is written from the reserve', async () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const budget = { bytesMax: MEBIBYTE, freeBytesMin: 0 }
  const writer = openWith(journal, { keys, budget })
  expect(fill(writer)).toBe('JOURNAL_FULL')
  expect(writer.health()).toMatchObject({ epoch: writer.epoch, full: true, gap: { records: 1 } })
  // Full means full: a short record would still fit, and would come and go with the long ones.
  expect(codeOf(() => writer.append(() => toolStart()))).toBe('JOURNAL_FULL')
  expect(bytesOf(journal)).toBeLessThanOrEqual((15 / 16) * MEBIBYTE)
  expect(bytesOf(journal)).toBeGreaterThan((15 / 16) * MEBIBYTE - 2 * LONG)
  writer.close()
  expect(bytesOf(journal)).toBeLessThanOrEqual(MEBIBYTE)
  const [epoch] = checkedJournal(journal)
  expect(epoch?.records.slice(-2)).toMatchObject([
    { type: 'gap', detail: { reason: 'journal_full', records: 2, types: { 'tool.start': 2 } } },
    { type: 'epoch.close' },
  ])
  const verdict = await verify(readJournal(journal), { keys: [parseVkey(keys.issuerVkey)] })
  expect(verdict.gaps).toEqual({ count: 1, records: 2, refused: 0 })
  expect(verdict.findings.filter(({ kind }) => kind === 'fault')).toEqual([])
})

test('when there is room again the gap is the next record, in the same epoch', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const clock = aClock()
  const ballast = openWith(journal, { keys })
  for (let i = 0; i < 150; i++) ballast.append(() => toolStart(LONG))
  ballast.close()
  const budget = { bytesMax: MEBIBYTE, freeBytesMin: 0 }
  const writer = openWith(journal, { keys, clock, budget, retryMillis: 1_000 })
  const { epoch } = writer
  expect(fill(writer)).toBe('JOURNAL_FULL')
  for (const name of ballast.epochs) rmSync(join(journal, name), { recursive: true })
  const append = () => codeOf(() => writer.append(() => toolStart()))
  // It is looked for again after a while.
  expect(append()).toBe('JOURNAL_FULL')
  clock.move(1_000)
  expect(append()).toBeUndefined()
  expect(writer.health()).toMatchObject({ full: false, gaps: { count: 1, records: 2 } })
  expect(fill(writer)).toBe('JOURNAL_FULL')
  clock.move(1_000)
  expect(append()).toBe('JOURNAL_FULL')
  writer.close()
  expect(writer.epochs).toEqual(new Set([epoch]))
  const types = checkedJournal(journal)[0]?.records.map(({ type }) => type) ?? []
  expect(types.filter((type) => type !== 'tool.start')).toEqual([
    ...['epoch.open', 'gap', 'gap', 'epoch.close'],
  ])
})

test('free bytes are left to others, by default a twentieth of a small file system', () => {
  const free = { bytes: 2 * MEBIBYTE, total: 20 * MEBIBYTE }
  const { fs } = fileSystem(free)
  const clock = aClock()
  const writer = openWith(aFolder(), { fs, clock, retryMillis: 1_000 })
  expect(codeOf(() => writer.append(() => toolStart()))).toBeUndefined()
  free.bytes = MEBIBYTE
  expect(fill(writer)).toBe('JOURNAL_FULL')
  expect(() => writer.append(() => toolStart())).toThrow(`${MEBIBYTE} bytes are free`)
  free.bytes = MEBIBYTE + 100_000 // less than two of the longest records more
  clock.move(1_000)
  expect(codeOf(() => writer.append(() => toolStart()))).toBe('JOURNAL_FULL')
  free.bytes = 2 * MEBIBYTE
  clock.move(1_000)
  expect(codeOf(() => writer.append(() => toolStart()))).toBeUndefined()
  writer.close()
})

test('a large file system keeps 64 MiB, and one that tells nothing keeps none', () => {
  const free = { bytes: 65 * MEBIBYTE, total: 1_000_000 * MEBIBYTE }
  const large = openWith(aFolder(), { fs: fileSystem(free).fs })
  expect(codeOf(() => large.append(() => toolStart()))).toBeUndefined()
  const short = fileSystem({ bytes: 63 * MEBIBYTE, total: 1_000_000 * MEBIBYTE })
  const full = openWith(aFolder(), { fs: short.fs })
  expect(codeOf(() => full.append(() => toolStart()))).toBe('JOURNAL_FULL')
  const silent = openWith(aFolder(), { fs: fileSystem({ bytes: 0, total: 0 }).fs })
  expect(codeOf(() => silent.append(() => toolStart()))).toBeUndefined()
  const failing = faultyFs({
    freeSpace: () => {
      throw errno('ENOSYS')
    },
  })
  const unknown = openWith(aFolder(), { fs: failing })
  expect(codeOf(() => unknown.append(() => toolStart()))).toBeUndefined()
  for (const writer of [large, full, silent, unknown]) writer.close()
})

test('the disk is looked at now and then, not for each record', () => {
  const { fs, looks } = fileSystem({ bytes: 300 * MEBIBYTE, total: 1_000_000 * MEBIBYTE })
  const writer = openWith(aFolder(), { fs, beatMillis: 2_000_000_000 })
  for (let i = 0; i < 3_000; i++) writer.append(() => toolStart())
  expect(looks()).toBe(1)
  writer.close()
})

test('what others take is seen at the beat', async () => {
  const free = { bytes: 500 * MEBIBYTE, total: 1_000_000 * MEBIBYTE }
  const { fs, looks } = fileSystem(free)
  const writer = openWith(aFolder(), { fs, beatMillis: 5, retryMillis: 1 })
  writer.append(() => toolStart())
  free.bytes = 0
  const seen = looks()
  await vi.waitFor(() => expect(looks()).toBeGreaterThan(seen + 1), PATIENCE)
  expect(codeOf(() => writer.append(() => toolStart()))).toBe('JOURNAL_FULL')
  // And a gap is told when there is room, without another record.
  free.bytes = 500 * MEBIBYTE
  await vi.waitFor(() => expect(writer.health().gaps.count).toBe(1), PATIENCE)
  writer.close()
})

test('under make-room nothing is refused while something can be removed', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const wanted: number[] = []
  const removable: string[] = []
  for (let i = 0; i < 4; i++) {
    const past = openWith(journal, { keys })
    for (let n = 0; n < 40; n++) past.append(() => toolStart(LONG))
    past.close()
    removable.push(...past.epochs)
  }
  const makeRoom = (bytesWanted: number): number => {
    wanted.push(bytesWanted)
    const epoch = removable.shift()
    if (epoch === undefined) return 0
    const freed = bytesOf(join(journal, epoch))
    rmSync(join(journal, epoch), { recursive: true })
    return freed
  }
  const budget: BudgetOptions = { bytesMax: MEBIBYTE, freeBytesMin: 0, policy: 'make-room' }
  const writer = openWith(journal, { keys, budget, makeRoom })
  expect(fill(writer)).toBe('JOURNAL_FULL')
  expect(removable).toEqual([])
  expect(writer.health().bytes).toBeGreaterThan((15 / 16) * MEBIBYTE - 3 * LONG)
  expect(wanted).toEqual(wanted.map(() => MEBIBYTE / 8))
  expect(writer.health()).toMatchObject({ full: true, gap: { records: 1 } })
  writer.close()
})

test('where making room fails records are refused, and it is told', () => {
  const problems: AuditError[] = []
  const budget: BudgetOptions = { bytesMax: MEBIBYTE, policy: 'make-room' }
  const makeRoom = (): never => {
    throw new Error('no cursors')
  }
  const onProblem = (error: AuditError): void => void problems.push(error)
  const writer = openWith(aFolder(), { budget, makeRoom, onProblem })
  expect(fill(writer)).toBe('JOURNAL_FULL')
  expect(problems[0]?.message).toContain('no room could be made (no cursors)')
  writer.close()
})

test('when the system has no space left room is made before another epoch is opened', () => {
  const clock = aClock()
  let isFull = false
  const fs = faultyFs({
    writeSync: (fd, bytes, offset, length) => {
      if (isFull) throw errno('ENOSPC')
      return nodeFs.writeSync(fd, bytes, offset, length)
    },
  })
  const makeRoom = (): number => {
    isFull = false
    return 1
  }
  const budget: BudgetOptions = { freeBytesMin: 0, policy: 'make-room' }
  const writer = openWith(aFolder(), { fs, clock, budget, makeRoom })
  const { epoch } = writer.append(() => toolStart())
  isFull = true
  const after = writer.append(() => toolStart())
  expect(after.epoch).not.toBe(epoch)
  expect(writer.health()).toMatchObject({ failedEpochs: 1, gaps: { count: 0 } })
  writer.close()
})

test('a journal whose reserve is used up takes no more epochs', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const budget = { bytesMax: MEBIBYTE, freeBytesMin: 0 }
  const first = openWith(journal, { keys, budget })
  fill(first)
  first.close()
  // Restarted again and again, as a service is that fails: each opens, and says so.
  const second = openWith(journal, { keys, budget })
  expect(fill(second)).toBe('JOURNAL_FULL')
  second.close()
  const [epoch = ''] = first.epochs
  writeFileSync(join(journal, epoch, 'leaves'), Buffer.alloc(MEBIBYTE / 16))
  expect(codeOf(() => openWith(journal, { keys, budget }))).toBe('JOURNAL_FULL')
  rmSync(join(journal, epoch, 'leaves'))
  openWith(journal, { keys, budget }).close()
})

test.each<[string, BudgetOptions]>([
  ['budget.bytesMax', { bytesMax: 1_000 }],
  ['budget.bytesMax', { bytesMax: Number.NaN }],
  ['budget.freeBytesMin', { freeBytesMin: -1 }],
  ['budget.policy', { policy: 'drop' as 'refuse' }],
  ['budget.policy', { policy: 'make-room' }],
])('%s is refused by name where it cannot be: %j', (option, budget) => {
  expect(() => openWith(aFolder(), { budget })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', details: { option } }),
  )
})
