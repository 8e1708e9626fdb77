// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditRecord, Gap } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import { expect, test } from 'vitest'
import type { RecordPlace } from './append.ts'
import type { EpochWriter } from './epoch-writer.ts'
import { openWriter } from './epoch-writer.ts'
import type { DiskFault } from './faulty-disk.fixture.ts'
import { ERRNOS, FaultyDisk } from './faulty-disk.fixture.ts'
import type { MemoryKeys } from './journal.fixture.ts'
import {
  abandon,
  checkedJournal,
  codeOf,
  codeOfRejection,
  memoryKeys,
  toolEnd,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { readJournal } from './read-journal.ts'
import { standingRecord } from './write-failure.ts'
import type { WriterOptions } from './writer-options.ts'

/**
 * Every single call to the file system fails once, or from then on for a while. Whatever that hits,
 * what was acknowledged is there, and what was not stands in a gap, to the last record.
 */

const SLOW = process.env['SLOW'] === '1'
const OWN = new Set<string>(['epoch.open', 'epoch.observed'])
const UNWRITTEN = new Set(['lost', 'refused'])
const LIMITS = {
  epochRecordsMax: 5,
  segmentBytesMax: 1_500,
  checkpointRecords: 2,
  beatMillis: 2_000_000_000,
}

/** What the one who appended knows. */
interface Outcome {
  readonly disk: FaultyDisk
  readonly keys: MemoryKeys
  readonly journal: string
  writer?: EpochWriter
  opened?: string | undefined
  closed?: string | undefined
  /** `<epoch>/<seq>` in order; `lost` where an append failed, `refused` where a call was not made. */
  readonly appended: string[]
  /** Those that were written, though `append` failed. */
  readonly standing: RecordPlace[]
}

type Script = (writer: EpochWriter, outcome: Outcome) => Promise<void> | void

async function run(
  script: Script,
  options: Partial<WriterOptions>,
  fault?: DiskFault,
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-gap-'))
  const disk = new FaultyDisk(fault)
  const keys = memoryKeys()
  const journal = join(folder, 'audit')
  const outcome: Outcome = { disk, keys, journal, appended: [], standing: [] }
  try {
    let millis = Date.UTC(2026, 10, 21)
    // Each look at the clock is two seconds later: whoever may try again does so at once.
    const clock = {
      wallMillis: () => (millis += 1),
      monoNanos: () => BigInt((millis += 2_000)) * 1_000_000n,
    }
    const more = { ...LIMITS, ...options, clock, keys, fs: disk.fs }
    outcome.opened = codeOf(() => {
      outcome.writer = openWriter(writerOptions(journal, more))
    })
    if (outcome.writer !== undefined) {
      await script(outcome.writer, outcome)
      outcome.closed = codeOf(() => outcome.writer?.close())
    }
    await check(outcome)
    return outcome
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Appends starts and ends; after two failures the disk is whole again. */
function appendAll(writer: EpochWriter, outcome: Outcome): void {
  let failures = 0
  for (let i = 0; i < 3; i++) {
    const start = append(writer, outcome, () => toolStart(i * 100))
    if (start === undefined) {
      writer.noteRefused()
      outcome.appended.push('refused')
      if (++failures === 2) outcome.disk.mend()
    } else {
      append(writer, outcome, () => toolEnd(start))
    }
  }
}

function append(
  writer: EpochWriter,
  outcome: Outcome,
  build: () => ReturnType<typeof toolStart>,
): { readonly epoch: string; readonly seq: number } | undefined {
  let place: { readonly epoch: string; readonly seq: number } | undefined
  const code = codeOf(() => {
    try {
      place = writer.append(build)
    } catch (error) {
      place = standingRecord(error)
      if (place !== undefined) outcome.standing.push(place)
      throw error
    }
  })
  expect(['JOURNAL_FAILED', undefined]).toContain(code)
  outcome.appended.push(place === undefined ? 'lost' : `${place.epoch}/${place.seq}`)
  return place
}

async function check(outcome: Outcome): Promise<void> {
  const { disk, appended, writer } = outcome
  expect(disk.misuses).toEqual([])
  expect([undefined, 'JOURNAL_UNUSABLE']).toContain(outcome.opened)
  if (writer === undefined) return
  // The process ends; the one who looks afterwards names what crashed.
  for (const epoch of writer.epochs) abandon(outcome.journal, epoch)
  openWriter(writerOptions(outcome.journal, { keys: outcome.keys })).close()
  const byId = new Map(checkedJournal(outcome.journal).map((epoch) => [epoch.epoch, epoch.records]))
  const records = [...writer.epochs].flatMap((epoch) => byId.get(epoch) ?? [])
  const places = records.map(({ chain }) => `${chain.epoch}/${chain.seq}`)
  const acknowledged = appended.filter((place) => !UNWRITTEN.has(place))
  expect(places.filter((place) => acknowledged.includes(place))).toEqual(acknowledged)

  const lost = appended.filter((place) => place === 'lost').length
  const refused = appended.filter((place) => place === 'refused').length
  const { pending, ...gaps } = sumOf(records, writer)
  expect({ ...gaps, records: gaps.records + pending.records }).toMatchObject({ records: lost })
  expect(gaps.refused + pending.refused).toBe(refused)
  if (outcome.closed === undefined) expect(pending).toMatchObject({ records: 0, refused: 0 })
  for (const gap of gaps.all) expectFirst(gap, byId.get(gap.chain.epoch) ?? [])
  expectOrder(records, appended)

  const pinned = [parseVkey(outcome.keys.issuerVkey)]
  const verdict = await verify(readJournal(outcome.journal), { keys: pinned })
  expect(verdict.findings.filter(({ kind }) => kind === 'fault')).toEqual([])
  const { all: _, ...counts } = gaps
  expect(verdict.gaps).toEqual(counts)
  const notices = verdict.findings.filter(({ code }) => code === 'gap')
  expect(notices.map(({ kind }) => kind)).toEqual(gaps.all.map(() => 'notice'))
}

function sumOf(records: readonly AuditRecord[], writer: EpochWriter) {
  const all = records.filter((record): record is Gap => record.type === 'gap')
  const { gap: pending = { records: 0, refused: 0 }, gaps } = writer.health()
  const sum = {
    count: all.length,
    records: all.reduce((total, { detail }) => total + detail.records, 0),
    refused: all.reduce((total, { detail }) => total + (detail.refused ?? 0), 0),
  }
  expect(gaps).toEqual(sum)
  return { ...sum, all, pending }
}

/** Nothing but the log's own records stands before a gap in its epoch. */
function expectFirst(gap: Gap, epoch: readonly AuditRecord[]): void {
  const before = epoch.slice(0, gap.chain.seq).filter(({ type }) => !OWN.has(type))
  expect(before).toEqual([])
  expect(gap.detail.first_at <= gap.detail.last_at).toBe(true)
  const types = Object.values(gap.detail.types).reduce((sum, count) => sum + count, 0)
  expect(types).toBe(gap.detail.records)
}

/** What was lost lies between the record before the gap and the record behind it. */
function expectOrder(records: readonly AuditRecord[], appended: readonly string[]): void {
  const known = new Set(appended)
  const onDisk = records
    .map(({ chain, type }) => (type === 'gap' ? 'gap' : `${chain.epoch}/${chain.seq}`))
    .filter((place) => place === 'gap' || known.has(place))
  const told = onDisk.filter((place, i) => place !== 'gap' || onDisk[i - 1] !== 'gap')
  const expected = appended
    .map((place) => (UNWRITTEN.has(place) ? 'gap' : place))
    .filter((place, i, all) => place !== 'gap' || all[i - 1] !== 'gap')
  // What no gap could be written for stands at the end of what was appended.
  if (told.at(-1) !== 'gap' && expected.at(-1) === 'gap') expected.pop()
  expect(told).toEqual(expected)
}

/** A fault at each call of a run that goes well; all errors with SLOW=1, else in turns. */
async function eachFault(
  script: Script,
  options: Partial<WriterOptions>,
  lasts: boolean,
): Promise<Outcome[]> {
  const whole = await run(script, options)
  expect(whole.appended.filter((place) => UNWRITTEN.has(place))).toEqual([])
  const outcomes: Outcome[] = []
  for (let from = 1; from <= whole.disk.calls.length; from += lasts && !SLOW ? 2 : 1) {
    const turn = ERRNOS[from % ERRNOS.length] ?? 'EIO'
    for (const code of SLOW ? ERRNOS : [turn]) {
      outcomes.push(await run(script, options, { code, from, lasts }))
    }
  }
  expect(outcomes.every(({ disk }) => disk.hasFailed)).toBe(true)
  return outcomes
}

const PATIENCE = { timeout: SLOW ? 900_000 : 300_000 }

test(
  'each call to the disk fails once: acknowledged is there, lost is counted',
  PATIENCE,
  async () => {
    const outcomes = await eachFault(appendAll, { durability: 'every' }, false)
    expect(outcomes.length).toBeGreaterThan(80)
    expect(outcomes.filter(({ appended }) => appended.includes('lost')).length).toBeGreaterThan(10)
    expect(outcomes.filter(({ standing }) => standing.length > 0).length).toBeGreaterThan(5)
  },
)

test(
  'from each call on nothing works for a while: the gap is told as soon as it does',
  PATIENCE,
  async () => {
    const outcomes = await eachFault(appendAll, { durability: 'every' }, true)
    const lossy = outcomes.filter(({ appended }) => appended.includes('lost'))
    expect(lossy.length).toBeGreaterThan(20)
    for (const { writer, closed } of lossy) {
      expect(writer?.health().gaps.count).toBe(closed === undefined ? 1 : 0)
    }
  },
)

/** Waits for each record's sync as a caller of a closed tool does, and refuses the call without it. */
async function awaitAll(writer: EpochWriter, outcome: Outcome): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const start = append(writer, outcome, () => toolStart(i * 100))
    if (start !== undefined && (await codeOfRejection(writer.synced(start))) === undefined) continue
    writer.noteRefused()
    outcome.appended.push('refused')
  }
}

test(
  'each call fails once beside shared syncs: refused calls are counted, too',
  PATIENCE,
  async () => {
    const options = { durability: 'group', syncIntervalMillis: 60_000 } as const
    const outcomes = await eachFault(awaitAll, options, false)
    expect(outcomes.some(({ appended }) => appended.includes('refused'))).toBe(true)
  },
)
