// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Batch, BatchLimits, RecordSink } from '@spanseal/core'
import { DEFAULT_BATCH_LIMITS, leafHash, pump } from '@spanseal/core'
import { expect, test } from 'vitest'
import type { EpochWriter } from './epoch-writer.ts'
import { openWriter } from './epoch-writer.ts'
import {
  abandon,
  aFolder,
  checkedJournal,
  codeOf,
  filesIn,
  memoryKeys,
  toolEnd,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import type { JournalSourceOptions } from './journal-source.ts'
import { journalSource } from './journal-source.ts'

const OPTIONS: JournalSourceOptions = { sinkName: 'test', rescanMillis: 1 }
const SMALL: BatchLimits = { recordCountMax: 4, bytesMax: 900_000 }

function aWriter(journal: string, more: object = {}): EpochWriter {
  return openWriter(writerOptions(journal, { segmentBytesMax: 4_000, ...more }))
}

function calls(writer: EpochWriter, count: number): void {
  for (let i = 0; i < count; i++) {
    const start = writer.append(() => toolStart())
    writer.append(() => toolEnd(start))
  }
}

/** Reads, and commits, until there is nothing more. */
async function drain(source: ReturnType<typeof journalSource>, limits = SMALL): Promise<Batch[]> {
  const batches: Batch[] = []
  for (
    let batch = await source.read(limits);
    batch !== undefined;
    batch = await source.read(limits)
  ) {
    batches.push(batch)
    await source.commit(batch)
  }
  return batches
}

const placesOf = (batches: readonly Batch[]): string[] =>
  batches.flatMap(({ records }) => records.map(({ epoch, seq }) => `${epoch}/${seq}`))

/** Within their epochs in the order in which they came, the epochs by age. */
const byEpoch = (places: readonly string[]): string[] =>
  places.toSorted((a, b) => a.slice(0, 36).localeCompare(b.slice(0, 36)))

const allPlaces = (journal: string): string[] =>
  checkedJournal(journal).flatMap(({ epoch, records }) =>
    records.map((_, seq) => `${epoch}/${seq}`),
  )

test('every record comes once, in order, as the bytes that were hashed', async () => {
  const journal = aFolder()
  const keys = memoryKeys()
  for (let i = 0; i < 3; i++) {
    const writer = aWriter(journal, { keys })
    calls(writer, 10)
    writer.close()
  }
  const source = journalSource(journal, OPTIONS)
  expect(source.pendingRecords()).toBe(66)
  const batches = await drain(source)
  expect(byEpoch(placesOf(batches))).toEqual(allPlaces(journal))
  for (const { records } of batches) {
    expect(records.length).toBeLessThanOrEqual(4)
    for (const record of records) {
      expect(leafHash(record.line)).toBe(record.leaf)
      const { chain, type } = JSON.parse(Buffer.from(record.line).toString()) as {
        readonly chain: object
        readonly type: string
      }
      const { log, epoch, seq } = record
      expect(chain).toMatchObject({ log, epoch, seq })
      expect(record.type).toBe(type)
    }
  }
  expect(source.pendingRecords()).toBe(0)
  expect(await source.read(SMALL)).toBeUndefined()
})

test('a long epoch holds up no other: every batch begins with another one', async () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const long = aWriter(journal, { keys })
  calls(long, 30)
  const others = [1, 2, 3].map(() => aWriter(journal, { keys }))
  for (const writer of others) calls(writer, 1)
  const source = journalSource(journal, OPTIONS)
  const seen = new Set<string>()
  for (let reads = 0; reads < 4; reads++) {
    const batch = (await source.read(SMALL)) as Batch
    await source.commit(batch)
    for (const { epoch } of batch.records) seen.add(epoch)
  }
  expect(seen).toEqual(new Set([long, ...others].map(({ epoch }) => epoch)))
  await drain(source)
  expect(source.pendingRecords()).toBe(0)
  for (const writer of [long, ...others]) writer.close()
})

test('what is pending is counted on as the journal grows and is delivered', async () => {
  const journal = aFolder()
  const writer = aWriter(journal)
  const source = journalSource(journal, OPTIONS)
  for (let i = 0; i < 6; i++) {
    calls(writer, 4)
    const written = writer.health().records
    const batch = await source.read(SMALL)
    expect(source.pendingRecords()).toBe(written - 4 * i)
    await source.commit(batch as Batch)
    expect(source.pendingRecords()).toBe(written - 4 * (i + 1))
    expect(journalSource(journal, OPTIONS).pendingRecords()).toBe(source.pendingRecords())
  }
  writer.close()
  await drain(source)
  expect(source.pendingRecords()).toBe(0)
})

test('records carry the traceparent of their span, the log’s own have none', async () => {
  const journal = aFolder()
  const writer = aWriter(journal)
  calls(writer, 1)
  writer.close()
  const [batch] = await drain(journalSource(journal, OPTIONS), DEFAULT_BATCH_LIMITS)
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  expect(batch?.records.map((record) => record.traceparent)).toEqual([
    undefined,
    traceparent,
    traceparent,
    undefined,
  ])
})

test('a checkpoint comes after the records that it covers', async () => {
  const journal = aFolder()
  const writer = aWriter(journal, { checkpointRecords: 3, durability: 'every' })
  calls(writer, 10)
  writer.close()
  const batches = await drain(journalSource(journal, OPTIONS), {
    recordCountMax: 2,
    bytesMax: 9_000,
  })
  let seen = 0
  const sizes: number[] = []
  for (const { records, checkpoints } of batches) {
    seen += records.length
    for (const { size } of checkpoints) {
      expect(size).toBeLessThanOrEqual(seen)
      sizes.push(size)
    }
  }
  expect(sizes).toEqual(checkedJournal(journal)[0]?.checkpoints)
})

test('a batch holds no more bytes than asked for, but one record always fits', async () => {
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal))
  for (const size of [100, 30_000, 200, 300, 30_000, 100]) writer.append(() => toolStart(size))
  writer.close()
  const batches = await drain(journalSource(journal, OPTIONS), {
    recordCountMax: 500,
    bytesMax: 10_000,
  })
  expect(placesOf(batches)).toEqual(allPlaces(journal))
  const heavy = batches.filter(
    ({ records }) => records.reduce((n, { line }) => n + line.length, 0) > 10_000,
  )
  expect(heavy.map(({ records }) => records.length)).toEqual([1, 1])
})

test('a batch is as full where records become longer or shorter on the way', async () => {
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal, { segmentBytesMax: 100e6 }))
  // Ten short ones, thirty that are a hundred times as long, ten short ones again.
  for (let n = 0; n < 49; n++) writer.append(() => toolStart(n < 9 || n >= 39 ? 0 : 60_000))
  const limits = { recordCountMax: 10, bytesMax: 10e6 }
  const batches = await drain(journalSource(journal, OPTIONS), limits)
  expect(placesOf(batches)).toEqual(allPlaces(journal))
  expect(batches.map(({ records }) => records.length)).toEqual([10, 10, 10, 10, 10])
  expect(batches[1]?.records.reduce((n, { line }) => n + line.length, 0)).toBeGreaterThan(600_000)
})

test('reading goes on behind what was committed, in this process and the next', async () => {
  const journal = aFolder()
  const writer = aWriter(journal)
  calls(writer, 5)
  const first = journalSource(journal, OPTIONS)
  const batch = await first.read(SMALL)
  await first.commit(batch as Batch)
  await first.commit(batch as Batch)
  const ahead = await first.read(SMALL)
  await first.rewind()
  const again = await first.read(SMALL)
  expect(placesOf([again as Batch])).toEqual(placesOf([ahead as Batch]))
  await first.close()
  const second = journalSource(journal, OPTIONS)
  expect(second.pendingRecords()).toBe(7)
  expect(placesOf([batch as Batch, ...(await drain(second))])).toEqual(allPlaces(journal))
  calls(writer, 1)
  expect(placesOf(await drain(second))).toHaveLength(2)
  writer.close()
  expect(placesOf(await drain(second))).toHaveLength(1)
})

test('sinks have cursors of their own, and a cursor in memory leaves no file', async () => {
  const journal = aFolder()
  const writer = aWriter(journal)
  writer.close()
  expect(
    await drain(journalSource(journal, { sinkName: 'memory', cursor: 'memory' })),
  ).toHaveLength(1)
  expect(filesIn(journal)).not.toContain('cursors')
  expect(await drain(journalSource(journal, { sinkName: 'a' }))).toHaveLength(1)
  expect(await drain(journalSource(journal, { sinkName: 'a' }))).toHaveLength(0)
  expect(await drain(journalSource(journal, { sinkName: 'b' }))).toHaveLength(1)
  expect(filesIn(join(journal, 'cursors'))).toEqual(['a', 'b'])
  expect(filesIn(join(journal, 'cursors', 'a'))).toEqual([`${[...writer.epochs][0]}.done`])
})

test('a cursor that cannot be understood begins again', async () => {
  const journal = aFolder()
  const writer = aWriter(journal)
  calls(writer, 3)
  await drain(journalSource(journal, OPTIONS))
  const path = join(journal, 'cursors', 'test', `${writer.epoch}.json`)
  for (const text of ['', '{}', '{"seq":-1}', 'null']) {
    writeFileSync(path, text)
    expect(placesOf(await drain(journalSource(journal, OPTIONS)))).toEqual(allPlaces(journal))
  }
  writer.close()
})

test('a torn end is never passed on, and what is written behind it neither', async () => {
  const journal = aFolder()
  const writer = aWriter(journal)
  calls(writer, 2)
  const places = allPlaces(journal)
  const epoch = writer.epoch ?? ''
  const segments = filesIn(join(journal, epoch)).filter((name) => name.endsWith('.jsonl'))
  const last = join(journal, epoch, segments.at(-1) ?? '')
  appendFileSync(last, '{"chain":{"epoch":"torn')
  const source = journalSource(journal, OPTIONS)
  expect(placesOf(await drain(source))).toEqual(places)
  expect(source.stuck()).toEqual([])
  appendFileSync(last, '"}}\n{"another":"line"}\n')
  expect(await source.read(SMALL)).toBeUndefined()
  expect(source.stuck()).toMatchObject([{ epoch, seq: 5, file: last }])
})

test.each([
  ['an edited record', (text: string) => text.replace('"t-1"', '"t-2"')],
  ['a removed record', (text: string) => text.slice(text.indexOf('\n') + 1)],
  ['a line over the limit', (text: string) => `${'x'.repeat(70_000)}\n${text}`],
  ['a line over the limit without an end', () => 'x'.repeat(200_000)],
  ['a line of another program', (text: string) => `hello\n${text}`],
])('%s stops its epoch and no other', async (_, damage) => {
  const journal = aFolder()
  const keys = memoryKeys()
  const epochs = [1, 2].map(() => {
    const writer = aWriter(journal, { keys, segmentBytesMax: 1_000_000 })
    calls(writer, 3)
    writer.close()
    return [...writer.epochs][0] ?? ''
  })
  const path = join(journal, epochs[0] ?? '', '000000000001.jsonl')
  writeFileSync(path, damage(readFileSync(path, 'utf8')))
  const source = journalSource(journal, OPTIONS)
  expect(source.pendingRecords()).toBeGreaterThan(8)
  const whole = 16
  const places = placesOf(await drain(source))
  // What lies behind the damage is not delivered, and nobody may think so.
  const undelivered = source.pendingRecords()
  expect(undelivered).toBeGreaterThan(0)
  expect(Math.abs(whole - places.length - undelivered)).toBeLessThan(8)
  expect(source.heldBackRecords()).toBe(undelivered)
  expect(source.pendingRecords()).toBe(undelivered)
  expect(places.filter((place) => place.startsWith(epochs[1] ?? '-'))).toHaveLength(8)
  expect(places.filter((place) => place.startsWith(epochs[0] ?? '-')).length).toBeLessThan(3)
  expect(source.stuck()).toMatchObject([{ epoch: epochs[0], file: path }])
})

test('a file that became shorter than what was delivered is told', async () => {
  const journal = aFolder()
  const writer = aWriter(journal, { segmentBytesMax: 1_000_000 })
  calls(writer, 3)
  const source = journalSource(journal, OPTIONS)
  await drain(source)
  const path = join(journal, writer.epoch ?? '', '000000000001.jsonl')
  truncateSync(path, 100)
  expect(await source.read(SMALL)).toBeUndefined()
  expect(source.stuck()).toMatchObject([
    { file: path, reason: 'shorter than what was read before' },
  ])
  rmSync(path)
  expect(await source.read(SMALL)).toBeUndefined()
  expect(source.stuck()).toHaveLength(1)
  expect(source.pendingRecords()).toBe(1)
})

test('what lies behind damage is counted to the last record, past what is no file', async () => {
  const journal = aFolder()
  const writer = aWriter(journal)
  calls(writer, 20)
  const folder = join(journal, writer.epoch ?? '')
  const segments = filesIn(folder).filter((name) => name.endsWith('.jsonl'))
  expect(segments.length).toBeGreaterThan(6)
  const damaged = join(folder, segments[2] ?? '')
  const text = readFileSync(damaged, 'utf8')
  writeFileSync(damaged, text.replace('"prev":"', '"prev":"0'))
  const source = journalSource(journal, OPTIONS)
  const first = Number.parseInt(segments[2] ?? '', 10)
  expect(placesOf(await drain(source))).toHaveLength(first)
  expect(source.pendingRecords()).toBe(41 - first)
  calls(writer, 1)
  expect(source.pendingRecords()).toBe(43 - first)
  writeFileSync(damaged, text)
  await drain(source)
  expect(source.stuck()).toEqual([])
  expect(source.pendingRecords()).toBe(0)
  // Names promise nothing, and what is no file holds nothing.
  mkdirSync(join(folder, '000000000999.jsonl'))
  writeFileSync(join(folder, '999999999999.jsonl'), 'x\n')
  await drain(source)
  expect(source.stuck()).toHaveLength(1)
  expect(source.pendingRecords()).toBe(1)
})

test('an epoch whose writer cannot be told is never over', async () => {
  const journal = aFolder()
  const writer = aWriter(journal)
  calls(writer, 1)
  rmSync(join(journal, writer.epoch ?? '', 'writer.json'))
  const source = journalSource(journal, { ...OPTIONS, now: () => Date.now() + 86_400_000 })
  await drain(source)
  expect(filesIn(join(journal, 'cursors', 'test'))).toEqual([`${writer.epoch}.json`])
  calls(writer, 1)
  expect(placesOf(await drain(source))).toHaveLength(2)
})

test('beside a writer only its epochs are delivered, and those of writers that are gone', async () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const [own, other, gone] = [
    aWriter(journal, { keys }),
    aWriter(journal, { keys }),
    aWriter(journal, { keys }),
  ]
  for (const writer of [own, other, gone]) calls(writer, 1)
  abandon(journal, gone.epoch)
  const source = journalSource(journal, { ...OPTIONS, own })
  const delivered = new Set(placesOf(await drain(source)).map((place) => place.slice(0, 36)))
  expect(delivered).toEqual(new Set([own.epoch, gone.epoch]))
  expect(filesIn(join(journal, 'cursors', 'test'))).toContain(`${gone.epoch}.done`)
  abandon(journal, other.epoch)
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(placesOf(await drain(source)).every((place) => place.startsWith(other.epoch ?? '-'))).toBe(
    true,
  )
  own.close()
})

test('the epochs that a writer rolls to are delivered at once', async () => {
  const journal = aFolder()
  const writer = aWriter(journal, { epochRecordsMax: 6 })
  const source = journalSource(journal, { ...OPTIONS, own: writer, rescanMillis: 1_000_000 })
  for (let i = 0; i < 10; i++) {
    calls(writer, 2)
    expect((await drain(source)).length).toBeGreaterThan(0)
  }
  writer.close()
  await drain(source)
  expect(writer.epochs.size).toBeGreaterThan(5)
  expect(source.pendingRecords()).toBe(0)
})

test('a wait ends by a nudge, in time, or by its signal', async () => {
  const journal = aFolder()
  const source = journalSource(journal, OPTIONS)
  const { signal } = new AbortController()
  const waiting = source.wait(1_000_000, signal)
  source.notify()
  await waiting
  source.notify()
  await source.wait(1_000_000, signal) // the nudge came before
  await source.wait(1, signal)
  const abort = new AbortController()
  const aborted = source.wait(1_000_000, abort.signal)
  abort.abort()
  await aborted
  await source.wait(1_000_000, abort.signal)
  await expect(source.close()).resolves.toBeUndefined()
})

test('the pump delivers everything, in spite of a sink that fails now and then', async () => {
  const journal = aFolder()
  const keys = memoryKeys()
  for (let i = 0; i < 2; i++) {
    const writer = aWriter(journal, { keys })
    calls(writer, 20)
    writer.close()
  }
  const got: string[] = []
  let attempt = 0
  const sink: RecordSink = {
    name: 'flaky',
    deliver: (batch) => {
      if (attempt++ % 3 === 1) return Promise.reject(new Error('not now'))
      got.push(...placesOf([batch]))
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
  const result = await pump(journalSource(journal, { sinkName: sink.name }), sink, {
    signal: new AbortController().signal,
    untilDrained: true,
    limits: SMALL,
    retryPauseMillis: 1,
  })
  expect(byEpoch(got)).toEqual(allPlaces(journal))
  expect(result).toEqual({ records: 84, checkpoints: 4 })
})

test('a sink name that cannot name a folder, and a journal that is none, are refused', () => {
  const journal = aFolder()
  writeFileSync(join(journal, 'file'), '')
  for (const sinkName of ['', '../up', 'Upper', 'x'.repeat(65)]) {
    expect(codeOf(() => journalSource(journal, { sinkName }))).toBe('INVALID_OPTION')
  }
  expect(codeOf(() => journalSource(join(journal, 'file'), OPTIONS))).toBe('JOURNAL_UNUSABLE')
  expect(codeOf(() => journalSource(join(journal, 'none'), OPTIONS))).toBe('JOURNAL_UNUSABLE')
})
