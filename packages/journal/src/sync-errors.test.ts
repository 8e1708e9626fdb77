// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, parseVkey, verify } from '@spanseal/core'
import { expect, test, vi } from 'vitest'
import type { EpochWriter } from './epoch-writer.ts'
import { openWriter } from './epoch-writer.ts'
import {
  aFolder,
  checkedJournal,
  codeOf,
  codeOfRejection,
  errno,
  faultyFs,
  memoryKeys,
  onlyEpoch,
  openOf,
  toolEnd,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { nodeFs } from './journal-fs.ts'
import { PageCache } from './page-cache.fixture.ts'
import { readJournal } from './read-journal.ts'
import { standingRecord } from './write-failure.ts'

/** Synchronous and asynchronous callers at once, and what becomes of the errors between them. */

const PATIENCE = { timeout: 30_000, interval: 1 }
const GROUP = { durability: 'group', syncIntervalMillis: 60_000 } as const

function openOn(cache: PageCache): EpochWriter {
  return openWriter(writerOptions(aFolder(), { ...GROUP, fs: cache.fs }))
}

test('a synchronous sync hears of pages that an asynchronous one lost and has not told of yet', async () => {
  const cache = new PageCache()
  const writer = openOn(cache)
  const first = writer.append(() => toolStart())
  cache.losesNext = true
  const waiting = codeOfRejection(writer.synced(first))
  await vi.waitFor(() => expect(cache.held).toBe(1), PATIENCE)
  const second = writer.append(() => toolStart())
  expect(codeOf(() => writer.syncNow(second))).toBe('JOURNAL_FAILED')
  cache.tell()
  expect(await waiting).toBe('JOURNAL_FAILED')
  for (const record of [first, second]) {
    expect(await codeOfRejection(writer.synced(record))).toBe('JOURNAL_FAILED')
  }
  writer.close()
})

test('an asynchronous sync hears of pages that a synchronous one lost', async () => {
  const cache = new PageCache()
  const writer = openOn(cache)
  const before = writer.append(() => toolStart())
  const waiting = codeOfRejection(writer.synced(before))
  await vi.waitFor(() => expect(cache.held).toBe(1), PATIENCE)
  cache.losesNext = true
  const record = writer.append(() => toolStart())
  expect(codeOf(() => writer.syncNow(record))).toBe('JOURNAL_FAILED')
  // Its own sync went well before, but the epoch is given up, and nobody waits for it any more.
  cache.tell()
  expect(await waiting).toBe('JOURNAL_FAILED')
  const next = writer.append(() => toolStart())
  expect(next.epoch).not.toBe(before.epoch)
  writer.close()
})

test('who waits for an asynchronous sync is answered by that one, whatever others were told', async () => {
  let fail: (() => void) | undefined
  const fs = faultyFs({
    fdatasync: (_fd, done) => {
      fail = () => done(errno('EIO'))
    },
  })
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal, { ...GROUP, fs }))
  const record = writer.append(() => toolStart())
  let answer: string | undefined
  const waiting = codeOfRejection(writer.synced(record)).then((code) => (answer = code ?? 'synced'))
  await vi.waitFor(() => expect(fail).toBeDefined(), PATIENCE)
  writer.syncNow(writer.append(() => toolStart()))
  await new Promise((resolve) => setImmediate(resolve))
  expect(answer).toBeUndefined()
  expect(writer.health().unsynced).toBe(2)
  fail?.()
  await waiting
  expect(answer).toBe('JOURNAL_FAILED')
  expect(await codeOfRejection(writer.synced(record))).toBe('JOURNAL_FAILED')
  writer.append(() => toolStart())
  writer.close()
  expect(openOf(checkedJournal(journal)[1]).observed).toMatchObject([{ state: 'crashed', size: 3 }])
})

test('what a synchronous sync reached counts once the asynchronous one beside it went well', async () => {
  const held: (() => void)[] = []
  const fs = faultyFs({
    fdatasync: (fd, done) => {
      nodeFs.fdatasync(fd, (error) => held.push(() => done(error)))
    },
  })
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal, { ...GROUP, fs, segmentBytesMax: 3_000 }))
  const waiting = writer.synced(writer.append(() => toolStart()))
  await vi.waitFor(() => expect(held).toHaveLength(1), PATIENCE)
  for (let i = 0; i < 6; i++) writer.append(() => toolStart(), { checkpoint: i === 3 })
  writer.syncNow()
  expect(writer.health().unsynced).toBe(7)
  for (const tell of held.splice(0)) tell()
  await waiting
  expect(writer.health().unsynced).toBe(0)
  // The checkpoint that was due comes with a sync of its own.
  await vi.waitFor(() => {
    for (const tell of held.splice(0)) tell()
    expect(onlyEpoch(journal).checkpoints).toEqual([1, 8])
  }, PATIENCE)
  writer.close()
  const [epoch, ...more] = checkedJournal(journal)
  expect(more).toEqual([])
  expect(epoch?.checkpoints).toEqual([1, 8, 9])
})

test('under durability every a record whose sync failed stands, is in no gap, and can be ended', async () => {
  let broken = false
  const fs = faultyFs({
    fdatasyncSync: (fd) => {
      if (broken) throw errno('EIO')
      nodeFs.fdatasyncSync(fd)
    },
  })
  const journal = aFolder()
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { durability: 'every', fs, keys }))
  broken = true
  const error = thrownBy(() => writer.append(() => toolStart()))
  broken = false
  const start = standingRecord(error)
  expect(start?.seq).toBe(1)
  expect(start?.leaf).toMatch(/^[0-9a-f]{64}$/)
  expect(error).toMatchObject({
    code: 'JOURNAL_FAILED',
    details: { epoch: start?.epoch, seq: start?.seq },
  })
  expect(writer.health()).toMatchObject({ failedEpochs: 1, gaps: { count: 0 } })
  expect(writer.health().gap).toBeUndefined()
  const end = writer.append(() => toolEnd(start ?? { epoch: '', seq: 0 }))
  expect(end.epoch).not.toBe(start?.epoch)
  expect(standingRecord(new Error('another'))).toBeUndefined()
  writer.close()
  const verdict = await verify(readJournal(journal), { keys: [parseVkey(keys.issuerVkey)] })
  expect(verdict.findings.map(({ code }) => code)).toEqual(['unclosed'])
  expect(verdict).toMatchObject({ ok: true, gaps: { count: 0, records: 0 } })
})

test('a record that was not written names no place in its error, whatever failed', () => {
  let broken = false
  const fs = faultyFs({
    writeSync: (fd, bytes, offset, length) => {
      if (broken) throw errno('EIO')
      return nodeFs.writeSync(fd, bytes, offset, length)
    },
  })
  const writer = openWriter(writerOptions(aFolder(), { durability: 'every', fs }))
  broken = true
  for (let i = 0; i < 3; i++) {
    const error = thrownBy(() => writer.append(() => toolStart()))
    expect(error.details.seq).toBeUndefined()
    expect(standingRecord(error)).toBeUndefined()
  }
  expect(writer.health().gap).toMatchObject({ records: 3 })
  broken = false
  writer.close()
})

function thrownBy(run: () => unknown): AuditError {
  try {
    run()
  } catch (error) {
    if (error instanceof AuditError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
