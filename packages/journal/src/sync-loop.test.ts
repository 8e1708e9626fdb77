// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { parseCheckpoint, parseNote } from '@spanseal/core'
import { expect, test, vi } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import {
  aClock,
  aFolder,
  checkedJournal,
  codeOf,
  errno,
  faultyFs,
  memoryKeys,
  onlyEpoch,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { nodeFs } from './journal-fs.ts'

const PATIENCE = { timeout: 30_000, interval: 5 }

test('callers that await a sync share it', async () => {
  const journal = aFolder()
  let syncs = 0
  const fs = faultyFs({
    fdatasync: (fd, done) => {
      syncs++
      nodeFs.fdatasync(fd, done)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, durability: 'group' }))
  const records = Array.from({ length: 50 }, () => writer.append(() => toolStart()))
  await Promise.all(records.map((record) => writer.synced(record)))
  expect(syncs).toBe(1)
  await Promise.all(records.map(() => writer.synced(writer.append(() => toolStart()))))
  expect(syncs).toBeLessThanOrEqual(3)
  expect(writer.health().unsynced).toBe(0)
  await writer.synced()
  expect(syncs).toBeLessThanOrEqual(3)
  writer.close()
})

test('whoever waits at the end is answered by close', async () => {
  const writer = openWriter(writerOptions(aFolder(), { durability: 'group' }))
  const waiting = writer.synced(writer.append(() => toolStart()))
  writer.close()
  await expect(waiting).resolves.toBeUndefined()
})

test('under durability every a record is on disk before append returns, or append fails', () => {
  const journal = aFolder()
  let broken = false
  let synced = 0
  const fs = faultyFs({
    fdatasyncSync: (fd) => {
      if (broken) throw errno('EIO')
      synced++
      nodeFs.fdatasyncSync(fd)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, durability: 'every' }))
  const before = synced
  writer.append(() => toolStart())
  expect(synced).toBe(before + 1)
  expect(writer.health().unsynced).toBe(0)
  broken = true
  expect(codeOf(() => writer.append(() => toolStart()))).toBe('JOURNAL_FAILED')
  broken = false
  writer.append(() => toolStart())
  writer.close()
  expect(checkedJournal(journal)).toHaveLength(2)
})

test('syncNow gives a synchronous caller its own sync', () => {
  const journal = aFolder()
  let synced = 0
  const fs = faultyFs({
    fdatasyncSync: (fd) => {
      synced++
      nodeFs.fdatasyncSync(fd)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, durability: 'group' }))
  const record = writer.append(() => toolStart())
  synced = 0
  writer.syncNow(record)
  writer.syncNow(record)
  writer.syncNow()
  expect(synced).toBe(1)
  writer.close()
})

test('under interval a timer syncs, and an append does where timers do not come to run', async () => {
  const clock = aClock()
  const writer = openWriter(writerOptions(aFolder(), { clock, syncIntervalMillis: 5 }))
  writer.append(() => toolStart())
  await vi.waitFor(() => expect(writer.health().unsynced).toBe(0), PATIENCE)
  writer.append(() => toolStart())
  clock.move(21)
  writer.append(() => toolStart())
  expect(writer.health().unsynced).toBe(0)
  writer.close()
})

test('no checkpoint is written over a record that is not synced', async () => {
  const journal = aFolder()
  const events: { readonly kind: 'sync' | 'checkpoint'; readonly size: number }[] = []
  const size = (): number => writer.health().records
  let started = false
  // Of syncs only the order counts here: on a slow disk there would be too few between the appends.
  const fs = faultyFs({
    fdatasync: (_fd, done) => {
      const covered = size()
      setImmediate(() => {
        events.push({ kind: 'sync', size: covered })
        done(null)
      })
    },
    fdatasyncSync: () => {
      if (started) events.push({ kind: 'sync', size: size() })
    },
    writeSync: (fd, bytes, offset, length) => {
      const note = /^\d+\n[^\n]+\n(\d+)\n/.exec(Buffer.from(bytes).toString('latin1', 0, 300))
      if (note !== null) events.push({ kind: 'checkpoint', size: Number(note[1]) })
      return nodeFs.writeSync(fd, bytes, offset, length)
    },
  })
  const options = { fs, checkpointRecords: 7, syncIntervalMillis: 2, segmentBytesMax: 9_000 }
  const writer = openWriter(writerOptions(journal, options))
  started = true
  for (let i = 0; i < 60; i++) {
    writer.append(() => toolStart(), { checkpoint: i % 11 === 0 })
    if (i % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 3))
  }
  writer.close()
  const syncedBefore = (i: number): number =>
    Math.max(1, ...events.slice(0, i).map(({ kind, size: n }) => (kind === 'sync' ? n : 0)))
  const leading = events.filter(
    ({ kind, size: n }, i) => kind === 'checkpoint' && n > syncedBefore(i),
  )
  expect(leading).toEqual([])
  expect(events.filter(({ kind }) => kind === 'checkpoint').length).toBeGreaterThan(5)
  expect(onlyEpoch(journal).checkpoints.at(-1)).toBe(62)
})

test('under durability none checkpoints come without a sync', () => {
  const journal = aFolder()
  const never = (): never => {
    throw errno('EIO')
  }
  const fs = faultyFs({ fdatasync: never, fdatasyncSync: never, fsyncSync: never })
  const options = { fs, durability: 'none', checkpointRecords: 10 } as const
  const writer = openWriter(writerOptions(journal, options))
  for (let i = 0; i < 25; i++) writer.append(() => toolStart())
  writer.append(() => toolStart(), { checkpoint: true })
  writer.close()
  expect(onlyEpoch(journal).checkpoints).toEqual([1, 11, 21, 27, 28])
})

test('new records are under a checkpoint after checkpointMillis', async () => {
  const journal = aFolder()
  const clock = aClock()
  const options = { clock, syncIntervalMillis: 2, checkpointMillis: 10_000 }
  const writer = openWriter(writerOptions(journal, options))
  writer.append(() => toolStart())
  await vi.waitFor(() => expect(writer.health().unsynced).toBe(0), PATIENCE)
  expect(onlyEpoch(journal).checkpoints).toEqual([1])
  clock.move(10_000)
  await vi.waitFor(() => expect(onlyEpoch(journal).checkpoints).toEqual([1, 2]), PATIENCE)
  writer.close()
})

test('heads never lead what is on disk', async () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const options = { keys, checkpointRecords: 5, syncIntervalMillis: 1 }
  const writer = openWriter(writerOptions(journal, options))
  for (let i = 0; i < 30; i++) {
    writer.append(() => toolStart())
    const note = keys.notes.get(writer.epoch ?? '') ?? ''
    const { size } = parseCheckpoint(parseNote(note).text)
    expect(size).toBeLessThanOrEqual(writer.health().records - writer.health().unsynced)
    if (i % 10 === 0) await writer.synced()
  }
  writer.close()
})
