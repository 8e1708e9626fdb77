// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  abandon,
  aFolder,
  checkedEpoch,
  codeOfRejection,
  filesIn,
  memoryKeys,
  openOf,
  toolStart,
} from '../journal.fixture.ts'
import { listEpochs, listSegments } from '../journal-layout.ts'
import { journalSource } from '../journal-source.ts'
import { readMarker } from './delivered-marker.ts'
import {
  aFilledJournal,
  age,
  aWriter,
  bytesOf,
  calls,
  copyOf,
  DAY_MILLIS,
  deliver,
  faultsOf,
  filesOf,
  findingsOf,
  linesOf,
  SINK,
  verdictOf,
} from './spool.fixture.ts'
import type { SpoolFs } from './spool-fs.ts'
import { nodeSpoolFs } from './spool-fs.ts'
import { tendSpool } from './tend-spool.ts'

const COMPRESSED = /^\d{12}\.jsonl\.zst$/
/** The faults of records that are not there. */
const LACKING = new Set(['missing', 'truncated'])
const PLAIN = /^\d{12}\.jsonl$/

test('segments that take no more records are compressed, and read as before', async () => {
  const { journal: original, keys, closed, crashed, live } = aFilledJournal()
  // Where no checkpoint comes in between.
  const journal = copyOf(original)
  const before = await linesOf(journal)
  const epochs = listEpochs(journal)
  const bytes = await Promise.all(epochs.map((epoch) => bytesOf(journal, epoch)))
  const verdict = await verdictOf(journal, keys)
  const report = await tendSpool(journal, { sinks: [] })
  expect(report.problems).toEqual([])
  expect(report.deleted.segments).toBe(0)
  expect(report.compressed.bytesAfter).toBeLessThan(report.compressed.bytesBefore / 3)
  for (const epoch of [closed, crashed]) {
    const names = filesIn(join(journal, epoch)).filter((name) => PLAIN.test(name))
    expect(names).toEqual(['000000000000.jsonl'])
  }
  const liveNames = filesIn(join(journal, live.epoch ?? ''))
  expect(liveNames.filter((name) => PLAIN.test(name))).toHaveLength(2)
  expect(liveNames.filter((name) => COMPRESSED.test(name)).length).toBeGreaterThan(1)
  expect(await linesOf(journal)).toEqual(before)
  expect(await Promise.all(epochs.map((epoch) => bytesOf(journal, epoch)))).toEqual(bytes)
  const after = await verdictOf(journal, keys)
  expect(findingsOf(after, journal)).toEqual(findingsOf(verdict, journal))
  expect({ ...after, findings: [] }).toEqual({ ...verdict, findings: [] })
  expect(faultsOf(after)).toEqual([])
})

test('a live epoch is compressed as it grows, and whole once it is closed', async () => {
  const { journal, keys, live } = aFilledJournal()
  const before = await linesOf(journal)
  await tendSpool(journal, { sinks: [] })
  calls(live, 3)
  live.close()
  expect((await tendSpool(journal, { sinks: [] })).compressed.segments).toBeGreaterThan(0)
  expect((await tendSpool(journal, { sinks: [] })).compressed.segments).toBe(0)
  expect(await linesOf(journal)).toHaveLength(before.length + 7)
  expect(faultsOf(await verdictOf(journal, keys, false))).toEqual([])
})

test('nothing is compressed where that is not wanted, and nothing removed without an age', async () => {
  const { journal } = aFilledJournal()
  await deliver(journal)
  const before = filesOf(journal)
  const report = await tendSpool(journal, { sinks: [SINK], compress: false })
  expect(filesOf(journal)).toEqual(before)
  expect(report.kept.segments).toBeGreaterThan(10)
  expect(report.kept.bytes).toBeGreaterThan(20_000)
})

test('delivered segments beyond the age are removed, and missing for a verification', async () => {
  const { journal, keys, closed, crashed, live } = aFilledJournal()
  await deliver(journal)
  const options = { sinks: [SINK], deleteAfterMillis: DAY_MILLIS }
  expect((await tendSpool(journal, options)).deleted.segments).toBe(0)
  age(journal, 2 * DAY_MILLIS)
  const report = await tendSpool(journal, options)
  expect(report.problems).toEqual([])
  expect(report.deleted.epochs).toBe(2)
  expect(filesIn(join(journal, closed))).toEqual([
    '000000000000.jsonl',
    'checkpoints',
    'delivered-000000000042.json',
    'writer.json',
  ])
  expect(readMarker(join(journal, closed))).toMatchObject({ size: 42, closed: true, sinks: [SINK] })
  expect(readMarker(join(journal, crashed))).toMatchObject({ size: 38, closed: false })
  expect(filesIn(join(journal, live.epoch ?? '')).filter((name) => PLAIN.test(name))).toHaveLength(
    2,
  )
  const verdict = await verdictOf(journal, keys)
  expect(verdict.ok).toBe(false)
  const missing = verdict.findings.filter(({ kind }) => kind === 'fault')
  expect(missing.length).toBeGreaterThan(2)
  expect(missing.filter(({ code }) => !LACKING.has(code))).toEqual([])
  calls(live, 5)
  expect((await deliver(journal)).flatMap(({ records }) => records)).toHaveLength(10)
  live.close()
  await deliver(journal)
  age(journal, 2 * DAY_MILLIS)
  expect((await tendSpool(journal, options)).deleted.epochs).toBe(1)
  expect((await tendSpool(journal, options)).deleted.segments).toBe(0)
  expect(await deliver(journal)).toEqual([])
})

test('the next opener sees removed epochs as they were', async () => {
  const { journal, keys, closed, crashed, live } = aFilledJournal()
  const copy = copyOf(journal)
  await deliver(journal)
  age(journal, DAY_MILLIS)
  await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0 })
  const observed = (folder: string): unknown => {
    const twin = { ...memoryKeys(), heads: { ...keys.heads, settled: () => new Set<string>() } }
    const writer = aWriter(folder, { ...twin, heads: { ...twin.heads, settle: () => {} } })
    const epoch = writer.epoch ?? ''
    writer.close()
    return openOf(checkedEpoch(join(folder, epoch), epoch)).observed.filter(({ epoch: id }) =>
      [closed, crashed, live.epoch].includes(id),
    )
  }
  const seen = observed(journal)
  expect(seen).toEqual(observed(copy))
  expect(JSON.stringify(seen)).not.toContain('lost')
})

test('a record stays until every named sink has it, and none is removed for no sink', async () => {
  const { journal } = aFilledJournal()
  await deliver(journal, 'a')
  age(journal, DAY_MILLIS)
  const removed = async (sinks: string[]): Promise<number> =>
    (await tendSpool(journal, { sinks, deleteAfterMillis: 0, compress: false })).deleted.segments
  expect(await removed([])).toBe(0)
  expect(await removed(['a', 'b'])).toBe(0)
  expect(await removed(['b'])).toBe(0)
  await deliver(journal, 'b')
  expect(await removed(['a', 'b'])).toBeGreaterThan(5)
})

test('a sink that comes later is told what it cannot have, and is never done with it', async () => {
  const { journal, closed, crashed, live } = aFilledJournal()
  await deliver(journal)
  age(journal, DAY_MILLIS)
  await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0 })
  await deliver(journal, 'late')
  const source = journalSource(journal, { sinkName: 'late' })
  expect(await source.read({ recordCountMax: 9, bytesMax: 900_000 })).toBeUndefined()
  expect(source.stuck()).toMatchObject([
    { epoch: closed, seq: 1, reason: 'records 1 to 41 were removed after delivery to kafka' },
    { epoch: crashed, seq: 1 },
    { epoch: live.epoch, seq: 1 },
  ])
  expect(filesIn(join(journal, 'cursors', 'late')).join(' ')).not.toContain('.done')
  expect(source.pendingRecords()).toBeGreaterThan(2)
  expect(source.heldBackRecords()).toBe(source.pendingRecords())
})

test('the newest segment of an epoch whose writer cannot be told is left alone', async () => {
  const nonsense = [undefined, '', '{"host":', 'x'.repeat(100_000), '{"host":1}', 'fifo']
  for (const state of nonsense) {
    const journal = aFolder()
    const keys = memoryKeys()
    const writer = aWriter(journal, keys)
    calls(writer, 15)
    await deliver(journal)
    const folder = join(journal, writer.epoch ?? '')
    const path = join(folder, 'writer.json')
    rmSync(path)
    if (state === 'fifo') execFileSync('mkfifo', [path])
    else if (state !== undefined) writeFileSync(path, state)
    const newest = listSegments(folder).at(-1)?.path ?? ''
    expect(statSync(newest).size).toBeGreaterThan(4_096)
    // As one looks at it who thinks that nobody can have written for a year.
    const now = (): number => Date.now() + 365 * DAY_MILLIS
    const report = await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0, now })
    expect(report.deleted.segments).toBeGreaterThan(0)
    await deliver(journal)
    await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0, now })
    expect(existsSync(newest)).toBe(true)
    const before = filesIn(folder)
    calls(writer, 1)
    expect(filesIn(folder)).toEqual(before)
    writer.close()
    const found = (await deliver(journal)).flatMap(({ records }) => records)
    expect(found.map(({ seq }) => seq)).toEqual([31, 32, 33])
  }
})

test('a gigabyte of zeros with a segment’s name is not compressed', async () => {
  const { journal, closed } = aFilledJournal()
  const path = join(journal, closed, '000000009998.jsonl')
  writeFileSync(path, '')
  truncateSync(path, 1_073_741_824)
  let written = 0
  const fs: SpoolFs = {
    ...nodeSpoolFs,
    openSync: (name, flags, mode) => {
      if (name.includes('000000009998')) written++
      return nodeSpoolFs.openSync(name, flags, mode)
    },
  }
  const { compressed } = await tendSpool(journal, { sinks: [], fs })
  expect(compressed.segments).toBeGreaterThan(3)
  expect(written).toBe(0)
  expect(statSync(path).size).toBe(1_073_741_824)
})

test('a cursor that does not fit what lies here costs no record', async () => {
  const { journal, closed } = aFilledJournal()
  await deliver(journal)
  age(journal, DAY_MILLIS)
  const path = join(journal, 'cursors', SINK, `${closed}.done`)
  const cursor = { seq: 42, segment: 1, offset: 5, checkpointBytes: 0, checkpointSize: 0 }
  const wrong: unknown[] = [
    { ...cursor, leaf: 'ab'.repeat(32), log: 'l', closed: true },
    { ...cursor, seq: 1e9, segment: 0, leaf: '0'.repeat(64), log: 'l', closed: true },
    { ...cursor, seq: 11, offset: 0, leaf: 'ab'.repeat(32), log: 'l', closed: false },
    'x',
    null,
  ]
  for (const each of wrong) {
    writeFileSync(path, JSON.stringify(each))
    const before = filesIn(join(journal, closed))
    await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0, compress: false })
    expect(filesIn(join(journal, closed))).toEqual(before)
  }
})

test('links in the place of folders and segments are left alone', async () => {
  const { journal, closed } = aFilledJournal()
  await deliver(journal)
  age(journal, DAY_MILLIS)
  const aside = aFolder()
  const folder = join(journal, closed)
  const name = filesIn(folder).filter((each) => PLAIN.test(each))[2] ?? ''
  renameSync(join(folder, name), join(aside, 'segment'))
  symlinkSync(join(aside, 'segment'), join(folder, name))
  const other = '01a1fd9a-df82-7c35-98ad-e45f5260b2cf'
  mkdirSync(join(aside, other))
  writeFileSync(join(aside, other, '000000000001.jsonl'), 'x'.repeat(9_000))
  symlinkSync(join(aside, other), join(journal, other))
  await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0 })
  expect(filesIn(aside)).toContain('segment')
  expect(filesIn(join(aside, other))).toEqual(['000000000001.jsonl'])
  expect(filesIn(folder)).toContain(name)
  expect(filesIn(folder)).not.toContain(`${name}.zst`)
})

test('two tend one journal at once while it is written to and read', async () => {
  const { journal, keys, live } = aFilledJournal()
  const source = await deliver(journal)
  const delivered = source.flatMap(({ records }) => records).length
  age(journal, DAY_MILLIS)
  const options = { sinks: [SINK], deleteAfterMillis: 0 }
  const more = (async (): Promise<number> => {
    let count = 0
    for (let i = 0; i < 20; i++) {
      calls(live, 2)
      count += (await deliver(journal)).flatMap(({ records }) => records).length
    }
    return count
  })()
  const reports = await Promise.all(Array.from({ length: 6 }, () => tendSpool(journal, options)))
  for (const { problems } of reports) expect(problems).toEqual([])
  expect(await more).toBe(80)
  expect(delivered).toBe(42 + 38 + 39)
  live.close()
  aWriter(journal, keys).close()
  const faults = faultsOf(await verdictOf(journal, keys, false))
  expect(faults.filter((code) => !LACKING.has(code))).toEqual([])
  expect(faults).toContain('missing')
})

test('a verification beside a compression finds nothing', async () => {
  const { journal, keys, live } = aFilledJournal()
  calls(live, 100)
  const [verdicts] = await Promise.all([
    Promise.all(Array.from({ length: 5 }, () => verdictOf(journal, keys))),
    tendSpool(journal, { sinks: [] }),
  ])
  for (const verdict of verdicts) expect(faultsOf(verdict)).toEqual([])
  live.close()
})

test('an epoch in which nothing happened, and one without a record, are left in peace', async () => {
  const journal = join(aFolder(), 'audit')
  const keys = memoryKeys()
  const idle = aWriter(journal, keys)
  const epoch = idle.epoch ?? ''
  abandon(journal, epoch)
  await deliver(journal)
  mkdirSync(join(journal, '01a1fd9a-df82-7c35-98ad-e45f5260b2cf'))
  const report = await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0 })
  expect(report.problems).toEqual([])
  expect(report.deleted.segments).toBe(0)
  expect(filesIn(join(journal, epoch))).toContain('000000000001.jsonl')
})

test('an epoch that cannot be tended is told, and the others are tended', async () => {
  const { journal, closed } = aFilledJournal()
  const folder = join(journal, closed)
  await deliver(journal)
  // A record that nobody acknowledged, in the place of the last.
  const [, segment = ''] = filesIn(folder).filter((name) => PLAIN.test(name))
  writeFileSync(join(folder, segment), '{"hello":1}\n')
  age(journal, DAY_MILLIS)
  const report = await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0 })
  expect(report.problems).toMatchObject([{ code: 'JOURNAL_UNUSABLE', details: { seq: 8 } }])
  expect(report.deleted.epochs).toBe(1)
  expect(report.deleted.segments).toBeGreaterThan(3)
  expect(filesIn(folder)).toContain(segment)
})

test('options that cannot be are refused, and a folder that is none', async () => {
  const journal = aFolder()
  for (const options of [
    { sinks: ['Upper'] },
    { sinks: ['..'] },
    { sinks: [], deleteAfterMillis: -1 },
    { sinks: [], deleteAfterMillis: Number.NaN },
  ]) {
    expect(await codeOfRejection(tendSpool(journal, options))).toBe('INVALID_OPTION')
  }
  expect(await codeOfRejection(tendSpool(join(journal, 'none'), { sinks: [] }))).toBe(
    'JOURNAL_UNUSABLE',
  )
})

test('tending ends between two segments when it is told to', async () => {
  const { journal } = aFilledJournal()
  const report = await tendSpool(journal, { sinks: [], signal: AbortSignal.abort() })
  expect(report.compressed.segments).toBe(0)
})

test('a long record is compressed with the others', async () => {
  const journal = join(aFolder(), 'audit')
  const writer = aWriter(journal, memoryKeys(), { segmentBytesMax: 3_000_000 })
  for (let i = 0; i < 60; i++) writer.append(() => toolStart(40_000 + i))
  writer.close()
  const before = await linesOf(journal)
  const report = await tendSpool(journal, { sinks: [] })
  expect(report.compressed.bytesBefore).toBeGreaterThan(2 * 1024 * 1024)
  expect(await linesOf(journal)).toEqual(before)
})
