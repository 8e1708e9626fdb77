// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditError } from '@spanseal/core'
import { expect, test, vi } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import {
  aClock,
  aFolder,
  checkedEpoch,
  checkedJournal,
  codeOf,
  codeOfRejection,
  errno,
  faultyFs,
  filesIn,
  memoryKeys,
  openOf,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { nodeFs } from './journal-fs.ts'

/** What happens to a writer when the disk, or somebody else, does not play along. */

const PATIENCE = { timeout: 30_000, interval: 5 }

test('after a torn write the record stands in a new epoch, which names the torn bytes', () => {
  const journal = aFolder()
  let failAt = Number.POSITIVE_INFINITY
  let writes = 0
  const fs = faultyFs({
    writeSync: (fd, bytes, offset, length) => {
      if (++writes === failAt) return nodeFs.writeSync(fd, bytes, offset, Math.floor(length / 2))
      if (writes === failAt + 1) throw errno('ENOSPC')
      return nodeFs.writeSync(fd, bytes, offset, length)
    },
  })
  const problems: AuditError[] = []
  const options = { fs, onProblem: (error: AuditError) => void problems.push(error) }
  const writer = openWriter(writerOptions(journal, options))
  const before = writer.append(() => toolStart())
  failAt = writes + 1
  const after = writer.append(() => toolStart())
  expect(after.epoch).not.toBe(before.epoch)
  expect(problems.map(({ code }) => code)).toEqual(['JOURNAL_FAILED'])
  expect(writer.health()).toMatchObject({ epoch: after.epoch, failedEpochs: 1 })
  expect(writer.health().failure).toBeUndefined()
  writer.close()
  const [torn, next] = checkedJournal(journal)
  expect(torn?.records).toHaveLength(2)
  expect(torn?.rest.length).toBeGreaterThan(100)
  expect(openOf(next).observed).toMatchObject([
    {
      epoch: before.epoch,
      leaf: before.leaf,
      size: 2,
      state: 'crashed',
      torn: { bytes: torn?.rest.length },
    },
  ])
})

test('a short write that goes on is no failure', () => {
  const journal = aFolder()
  const fs = faultyFs({
    writeSync: (fd, bytes, offset, length) =>
      nodeFs.writeSync(fd, bytes, offset, Math.min(length, 100)),
  })
  const writer = openWriter(writerOptions(journal, { fs }))
  for (let i = 0; i < 5; i++) writer.append(() => toolStart())
  writer.close()
  const [epoch, ...more] = checkedJournal(journal)
  expect(epoch?.records).toHaveLength(7)
  expect(more).toEqual([])
})

test('while nothing can be written each append fails at once, and writing goes on when it can', () => {
  const journal = aFolder()
  const clock = aClock()
  let full = false
  let attempts = 0
  const fs = faultyFs({
    writeSync: (fd, bytes, offset, length) => {
      if (full) throw errno('ENOSPC')
      return nodeFs.writeSync(fd, bytes, offset, length)
    },
    mkdirSync: (path, mode) => {
      attempts++
      nodeFs.mkdirSync(path, mode)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, clock, retryMillis: 1_000 }))
  const before = writer.append(() => toolStart())
  full = true
  attempts = 0
  const append = (): string | undefined => codeOf(() => writer.append(() => toolStart()))
  for (let i = 0; i < 10; i++) expect(append()).toBe('JOURNAL_FAILED')
  expect(attempts).toBe(1)
  expect(writer.epoch).toBeUndefined()
  expect(writer.health().failure?.code).toBe('JOURNAL_FAILED')
  clock.move(1_000)
  expect(append()).toBe('JOURNAL_FAILED')
  expect(attempts).toBe(2)
  full = false
  clock.move(1_000)
  expect(writer.append(() => toolStart()).epoch).not.toBe(before.epoch)
  writer.close()
  // What failed to open left nothing behind.
  expect(filesIn(journal)).toEqual([...writer.epochs].sort())
  expect(checkedJournal(journal)).toHaveLength(2)
})

test('a folder that cannot be written to is refused at the opening', () => {
  const fs = faultyFs({
    mkdirSync: () => {
      throw errno('EROFS')
    },
  })
  expect(codeOf(() => openWriter(writerOptions(aFolder(), { fs })))).toBe('JOURNAL_UNUSABLE')
})

test('a segment that cannot be rotated ends the epoch without a torn record', () => {
  const journal = aFolder()
  let broken = false
  const fs = faultyFs({
    openSync: (path, flags, mode) => {
      if (broken && !path.includes('.new-') && flags === 'ax') throw errno('EMFILE')
      return nodeFs.openSync(path, flags, mode)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, segmentBytesMax: 3_000 }))
  broken = true
  const records = Array.from({ length: 12 }, () => writer.append(() => toolStart()))
  broken = false
  writer.close()
  const epochs = checkedJournal(journal)
  expect(epochs.length).toBeGreaterThan(3)
  for (const { rest } of epochs) expect(rest).toHaveLength(0)
  const starts = epochs
    .flatMap((epoch) => epoch.records)
    .filter(({ type }) => type === 'tool.start')
  expect(starts).toHaveLength(records.length)
})

test('a failed sync ends the epoch: whoever waits is told, now and later, and others go on', async () => {
  const journal = aFolder()
  let broken = false
  const fs = faultyFs({
    fdatasync: (fd, done) => {
      if (broken) setImmediate(done, errno('EIO'))
      else nodeFs.fdatasync(fd, done)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, durability: 'group' }))
  const safe = writer.append(() => toolStart())
  await writer.synced(safe)
  broken = true
  const lost = [writer.append(() => toolStart()), writer.append(() => toolStart())]
  const waiting = lost.map((record) => codeOfRejection(writer.synced(record)))
  expect(await Promise.all(waiting)).toEqual(['JOURNAL_FAILED', 'JOURNAL_FAILED'])
  broken = false
  const next = writer.append(() => toolStart())
  expect(next.epoch).not.toBe(safe.epoch)
  await writer.synced(next)
  await writer.synced(safe)
  expect(await codeOfRejection(writer.synced(lost[0]))).toBe('JOURNAL_FAILED')
  expect(codeOf(() => writer.syncNow(lost[1]))).toBe('JOURNAL_FAILED')
  expect(codeOf(() => writer.syncNow(safe))).toBeUndefined()
  writer.close()
  const [first, second] = checkedJournal(journal)
  expect(first?.records.at(-1)?.type).toBe('tool.start')
  expect(openOf(second).observed).toMatchObject([{ state: 'crashed', size: 4 }])
})

test('a close that cannot be written says so, and leaves a crashed epoch', () => {
  const journal = aFolder()
  let broken = false
  const fs = faultyFs({
    fdatasyncSync: (fd) => {
      if (broken) throw errno('EIO')
      nodeFs.fdatasyncSync(fd)
    },
  })
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { fs, keys }))
  const { epoch } = writer.append(() => toolStart())
  broken = true
  expect(codeOf(() => writer.close())).toBe('JOURNAL_FAILED')
  expect(codeOf(() => writer.close())).toBeUndefined()
  const next = openWriter(writerOptions(journal, { keys }))
  next.close()
  // Its last record could be read: the epoch is closed as far as anyone can tell.
  expect(openOf(checkedJournal(journal)[1]).observed).toMatchObject([{ epoch, size: 3 }])
})

test('an epoch whose folder is taken away is given up, and the next one reports it lost', async () => {
  const parent = aFolder()
  const journal = join(parent, 'audit')
  const keys = memoryKeys()
  const problems: string[] = []
  const onProblem = ({ code }: AuditError): void => void problems.push(code)
  const writer = openWriter(writerOptions(journal, { keys, beatMillis: 5, onProblem }))
  const before = writer.append(() => toolStart())
  await writer.synced()
  renameSync(journal, join(parent, 'away'))
  await vi.waitFor(() => expect(problems).toContain('JOURNAL_FAILED'), PATIENCE)
  mkdirSync(journal)
  const after = writer.append(() => toolStart())
  expect(after.epoch).not.toBe(before.epoch)
  writer.close()
  const next = checkedEpoch(join(journal, after.epoch), after.epoch)
  expect(openOf(next).observed).toEqual([
    { epoch: before.epoch, expected_size: 2, leaf: '0'.repeat(64), size: 0, state: 'lost' },
  ])
})

test('a journal folder that is gone is made again', async () => {
  const journal = join(aFolder(), 'audit')
  const writer = openWriter(writerOptions(journal, { beatMillis: 5, retryMillis: 1 }))
  const before = writer.append(() => toolStart())
  renameSync(journal, `${journal}-away`)
  await vi.waitFor(() => expect(writer.health().failedEpochs).toBe(1), PATIENCE)
  const after = writer.append(() => toolStart())
  expect(after.epoch).not.toBe(before.epoch)
  writer.close()
  expect(checkedJournal(journal)).toHaveLength(1)
})

test('paths that cannot hold a journal are refused with the reason', () => {
  const folder = aFolder()
  writeFileSync(join(folder, 'file'), '')
  symlinkSync(join(folder, 'loop'), join(folder, 'loop'))
  const open = (journal: string) => codeOf(() => openWriter(writerOptions(journal)))
  expect(open(join(folder, 'file'))).toBe('JOURNAL_UNUSABLE')
  expect(open(join(folder, 'file', 'below'))).toBe('JOURNAL_UNUSABLE')
  expect(open(join(folder, 'loop'))).toBe('JOURNAL_UNUSABLE')
  expect(open(join(folder, 'loop', 'below'))).toBe('JOURNAL_UNUSABLE')
  expect(open('')).toBe('INVALID_OPTION')
  expect(open('a\0b')).toBe('INVALID_OPTION')
  expect(open(undefined as unknown as string)).toBe('INVALID_OPTION')
})

test.skipIf(process.platform !== 'linux')(
  'a journal where no folder can be made is refused',
  () => {
    // Node's own recursive mkdir never comes back from there.
    expect(codeOf(() => openWriter(writerOptions('/proc/audit/deep')))).toBe('JOURNAL_UNUSABLE')
  },
)

test('a journal in, around or behind a link into a folder of the tools is refused', () => {
  const folder = aFolder()
  const tools = join(folder, 'work', 'tools')
  mkdirSync(tools, { recursive: true })
  symlinkSync(tools, join(folder, 'link'))
  const open = (journal: string) =>
    codeOf(() => openWriter(writerOptions(join(folder, journal), { refuseInside: [tools] })))
  const refused = ['work/tools', 'work/tools/audit', 'link/audit', 'work', 'link']
  expect(refused.map((journal) => open(journal))).toEqual(refused.map(() => 'INVALID_OPTION'))
  expect(filesIn(tools)).toEqual([])
  expect(['work/audit', 'work/tools-audit'].map((journal) => open(journal))).toEqual([
    undefined,
    undefined,
  ])
})
