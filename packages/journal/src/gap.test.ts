// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditError, AuditRecord } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import { expect, test, vi } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import type { MemoryKeys } from './journal.fixture.ts'
import {
  aClock,
  aFolder,
  checkedJournal,
  codeOf,
  codeOfRejection,
  errno,
  faultyFs,
  memoryKeys,
  toolEnd,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import type { JournalFs } from './journal-fs.ts'
import { nodeFs } from './journal-fs.ts'
import { readWriterState } from './liveness.ts'
import { readJournal } from './read-journal.ts'

/** A disk on which nothing can be opened, written or synced while it is broken. */
class Disk {
  code: string | undefined
  readonly fs: JournalFs = faultyFs({
    openSync: (path, flags, mode) => (this.#check(), nodeFs.openSync(path, flags, mode)),
    writeSync: (fd, bytes, offset, length) => (
      this.#check(), nodeFs.writeSync(fd, bytes, offset, length)
    ),
    fdatasyncSync: (fd) => (this.#check(), nodeFs.fdatasyncSync(fd)),
    mkdirSync: (path, mode) => (this.#check(), nodeFs.mkdirSync(path, mode)),
    renameSync: (from, to) => (this.#check(), nodeFs.renameSync(from, to)),
  })

  #check(): void {
    if (this.code !== undefined) throw errno(this.code)
  }
}

const typesOf = (records: readonly AuditRecord[] | undefined): string[] =>
  (records ?? []).map(({ type }) => type)

async function faultsOf(journal: string, keys: MemoryKeys): Promise<string[]> {
  const verdict = await verify(readJournal(journal), { keys: [parseVkey(keys.issuerVkey)] })
  return verdict.findings.filter(({ kind }) => kind === 'fault').map(({ message }) => message)
}

const PATIENCE = { timeout: 30_000, interval: 5 }

test('what could not be written is the first thing that the log says when it can write again', async () => {
  const journal = aFolder()
  const [disk, clock, keys] = [new Disk(), aClock(), memoryKeys()]
  const writer = openWriter(
    writerOptions(journal, { fs: disk.fs, clock, keys, retryMillis: 1_000 }),
  )
  const start = writer.append(() => toolStart())
  disk.code = 'EIO'
  clock.move(250)
  expect(codeOf(() => writer.append(() => toolEnd(start)))).toBe('JOURNAL_FAILED')
  clock.move(1_500)
  for (let i = 0; i < 2; i++) {
    expect(codeOf(() => writer.append(() => toolStart()))).toBe('JOURNAL_FAILED')
    writer.noteRefused()
  }
  expect(writer.health()).toMatchObject({
    gap: { records: 3, refused: 2, since: '2026-11-21T00:00:00.250Z' },
    gaps: { count: 0, records: 0, refused: 0 },
  })
  disk.code = undefined
  clock.move(1_000)
  writer.append(() => toolStart())
  expect(writer.health().gap).toBeUndefined()
  expect(writer.health().gaps).toEqual({ count: 1, records: 3, refused: 2 })
  writer.close()
  const [before, after] = checkedJournal(journal)
  expect(typesOf(before?.records)).toEqual(['epoch.open', 'tool.start'])
  expect(typesOf(after?.records)).toEqual(['epoch.open', 'gap', 'tool.start', 'epoch.close'])
  expect(after?.records[1]).toMatchObject({
    severity: 'error',
    detail: {
      first_at: '2026-11-21T00:00:00.250Z',
      last_at: '2026-11-21T00:00:01.750Z',
      reason: 'write_failed',
      records: 3,
      refused: 2,
      types: { 'tool.end': 1, 'tool.start': 2 },
    },
  })
  expect(await faultsOf(journal, keys)).toEqual([])
})

test('a record of a type that is told need not be built to be counted', () => {
  const journal = aFolder()
  const disk = new Disk()
  const writer = openWriter(writerOptions(journal, { fs: disk.fs, retryMillis: 60_000 }))
  disk.code = 'ENOSPC'
  const places: number[] = []
  const build = ({ seq }: { readonly seq: number }) => {
    places.push(seq)
    return toolStart()
  }
  // The first is built for the epoch that fails, the second for none.
  for (let i = 0; i < 3; i++) codeOf(() => writer.append(build, { type: 'tool.start' }))
  expect(places).toEqual([1])
  // Without being told it must be built, for a place in no epoch.
  codeOf(() => writer.append(build))
  expect(places).toEqual([1, 0])
  const failing = (): never => {
    throw new TypeError('from the caller')
  }
  expect(() => writer.append(failing)).toThrow(TypeError)
  expect(writer.health().gap).toMatchObject({ records: 4 })
})

test('a record that could not be made is counted where its maker says so', () => {
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal))
  const failing = (): never => {
    throw new TypeError('from the caller')
  }
  expect(() => writer.append(failing, { type: 'authz.denied' })).toThrow(TypeError)
  writer.noteLost('authz.denied')
  writer.append(() => toolStart())
  writer.close()
  const [epoch] = checkedJournal(journal)
  expect(typesOf(epoch?.records)).toEqual(['epoch.open', 'gap', 'tool.start', 'epoch.close'])
  expect(epoch?.records[1]).toMatchObject({
    detail: { reason: 'write_failed', records: 1, types: { 'authz.denied': 1 } },
  })
})

test('calls that were refused for a sync stand in a gap of the next epoch', async () => {
  const journal = aFolder()
  let broken = false
  const fs = faultyFs({
    fdatasync: (fd, done) => {
      if (broken) setImmediate(done, errno('EIO'))
      else nodeFs.fdatasync(fd, done)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, durability: 'group' }))
  broken = true
  const waiting = writer.synced(writer.append(() => toolStart()))
  expect(await codeOfRejection(waiting)).toBe('JOURNAL_FAILED')
  writer.noteRefused()
  broken = false
  writer.append(() => toolStart())
  writer.close()
  const [, next] = checkedJournal(journal)
  expect(next?.records[1]).toMatchObject({
    type: 'gap',
    detail: { reason: 'sync_failed', records: 0, refused: 1, types: {} },
  })
})

test('calls that were refused while writing works are told before the next record', () => {
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal))
  writer.append(() => toolStart())
  writer.noteRefused()
  writer.append(() => toolStart())
  writer.noteRefused()
  writer.close()
  const [epoch, ...more] = checkedJournal(journal)
  expect(more).toEqual([])
  expect(typesOf(epoch?.records)).toEqual([
    ...['epoch.open', 'tool.start', 'gap', 'tool.start', 'gap', 'epoch.close'],
  ])
})

test('the gap of a process that has nothing more to record is written by its beat', async () => {
  const journal = aFolder()
  const disk = new Disk()
  const options = { fs: disk.fs, beatMillis: 5, retryMillis: 1 }
  const writer = openWriter(writerOptions(journal, options))
  disk.code = 'EROFS'
  codeOf(() => writer.append(() => toolStart()))
  disk.code = undefined
  await vi.waitFor(() => expect(writer.health().gaps.records).toBe(1), PATIENCE)
  expect(writer.health().failure).toBeUndefined()
  writer.close()
})

test('a process that ends tells its gap, and fails where it cannot', () => {
  const journal = aFolder()
  const disk = new Disk()
  const open = (): ReturnType<typeof openWriter> =>
    openWriter(writerOptions(journal, { fs: disk.fs, retryMillis: 60_000 }))
  const told = open()
  disk.code = 'ENOSPC'
  codeOf(() => told.append(() => toolStart()))
  disk.code = undefined
  told.close()
  expect(typesOf(checkedJournal(journal).at(-1)?.records)).toEqual([
    ...['epoch.open', 'gap', 'epoch.close'],
  ])
  const untold = open()
  const { epoch = '' } = untold
  disk.code = 'ENOSPC'
  codeOf(() => untold.append(() => toolStart()))
  untold.noteRefused()
  expect(() => untold.close()).toThrow(
    expect.objectContaining({
      code: 'JOURNAL_FAILED',
      message: expect.stringContaining('1 records and 1 refused calls stand in no gap') as string,
    }),
  )
  expect(untold.health().gap).toMatchObject({ records: 1, refused: 1 })
  expect(readWriterState(`${journal}/${epoch}`)?.gap).toBeUndefined() // nothing could be written
})

test('what is lost stands in writer.json until a gap says it', () => {
  const journal = aFolder()
  let broken = false
  // Nothing can be written but the state beside the records: a quota, a bad sector.
  const fs = faultyFs({
    writeSync: (fd, bytes, offset, length) => {
      if (broken && length > 700) throw errno('EIO')
      return nodeFs.writeSync(fd, bytes, offset, length)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, retryMillis: 1 }))
  const { epoch = '' } = writer
  const state = () => readWriterState(`${journal}/${epoch}`)
  broken = true
  codeOf(() => writer.append(() => toolStart(1_000)))
  expect(state()).toMatchObject({ ended: 'failed', gap: { records: 1, refused: 0 } })
  broken = false
  writer.close()
  expect(state()).toMatchObject({ ended: 'failed', records: 1 })
  expect(state()?.gap).toBeUndefined()
})

test.each(['EMFILE', 'ENFILE', 'EROFS', 'EDQUOT'])(
  'while neither a segment nor an epoch can be opened (%s) records are lost by number, and no others',
  async (code) => {
    const journal = aFolder()
    const keys = memoryKeys()
    let broken = false
    const fs = faultyFs({
      openSync: (path, flags, mode) => {
        if (broken) throw errno(code)
        return nodeFs.openSync(path, flags, mode)
      },
    })
    const problems: AuditError[] = []
    const onProblem = (error: AuditError): void => void problems.push(error)
    const clock = aClock()
    const options = { fs, keys, clock, onProblem, segmentBytesMax: 3_000 }
    const writer = openWriter(writerOptions(journal, options))
    const codes: (string | undefined)[] = []
    for (let i = 0; i < 30; i++) {
      broken = i >= 10 && i < 20
      codes.push(codeOf(() => writer.append(() => toolStart(500))))
      clock.move(1_000) // time for another attempt
    }
    writer.close()
    const lost = codes.filter((failed) => failed !== undefined)
    expect(lost.length).toBeGreaterThan(5)
    expect(new Set(lost)).toEqual(new Set(['JOURNAL_FAILED']))
    expect(writer.health().gaps).toEqual({ count: 1, records: lost.length, refused: 0 })
    const records = checkedJournal(journal).flatMap((epoch) => epoch.records)
    expect(typesOf(records).filter((type) => type === 'tool.start')).toHaveLength(30 - lost.length)
    expect(problems.map((problem) => problem.code)).toEqual(['JOURNAL_FAILED'])
    const verdict = await verify(readJournal(journal), { keys: [parseVkey(keys.issuerVkey)] })
    expect(verdict.gaps).toEqual({ count: 1, records: lost.length, refused: 0 })
  },
)

test('a clock that is set back breaks neither the order of records, nor a gap, nor the roll', async () => {
  const journal = aFolder()
  const [disk, keys] = [new Disk(), memoryKeys()]
  let [wall, mono] = [Date.UTC(2026, 10, 21, 12), 0]
  const clock = { wallMillis: () => wall, monoNanos: () => BigInt(mono) * 1_000_000n }
  const options = { fs: disk.fs, keys, clock, epochMillisMax: 60_000, retryMillis: 1 }
  const writer = openWriter(writerOptions(journal, options))
  const tick = (): void => {
    wall -= 3_600_000
    mono += 10_000
  }
  for (let i = 0; i < 20; i++) {
    tick()
    disk.code = i === 9 || i === 10 ? 'EIO' : undefined
    const code = codeOf(() => writer.append(() => toolStart()))
    expect(code).toBe(disk.code === undefined ? undefined : 'JOURNAL_FAILED')
  }
  disk.code = undefined
  writer.close()
  const byId = new Map(checkedJournal(journal).map(({ epoch, records }) => [epoch, records]))
  const epochs = [...writer.epochs].map((epoch) => byId.get(epoch) ?? [])
  expect(epochs.length).toBeGreaterThan(3)
  for (const records of epochs) {
    const ages = records.map(({ time }) => Number(time.mono_ns))
    expect(ages).toEqual(ages.toSorted((a, b) => a - b))
  }
  const gap = epochs.flat().find((record) => record.type === 'gap')
  expect(gap?.detail).toMatchObject({ records: 2 })
  expect((gap?.detail.first_at ?? '') < (gap?.detail.last_at ?? '')).toBe(true)
  expect(await faultsOf(journal, keys)).toEqual([])
})

test('what is written behind a gap has no earlier time', async () => {
  const journal = aFolder()
  const disk = new Disk()
  const writer = openWriter(writerOptions(journal, { fs: disk.fs, retryMillis: 1 }))
  disk.code = 'EIO'
  expect(codeOf(() => writer.append(() => toolStart()))).toBe('JOURNAL_FAILED')
  disk.code = undefined
  await vi.waitFor(() => writer.append(() => toolStart()), PATIENCE)
  writer.close()
  const [, after] = checkedJournal(journal)
  const times = (after?.records ?? []).map(({ time }) => Number(time.mono_ns))
  expect(typesOf(after?.records)).toEqual(['epoch.open', 'gap', 'tool.start', 'epoch.close'])
  expect(times).toEqual(times.toSorted((a, b) => a - b))
})
