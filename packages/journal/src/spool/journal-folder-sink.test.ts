// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { appendFileSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditError, Batch, SealedCheckpoint, SealedRecord } from '@spanseal/core'
import { DEFAULT_BATCH_LIMITS, pump, sha256Hex } from '@spanseal/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aFolder, codeOf, codeOfRejection, filesIn } from '../journal.fixture.ts'
import { listEpochs } from '../journal-layout.ts'
import { journalSource } from '../journal-source.ts'
import { journalFolderSink } from './journal-folder-sink.ts'
import type { FilledJournal } from './spool.fixture.ts'
import {
  aFilledJournal,
  age,
  aWriter,
  bytesOf,
  copyOf,
  DAY_MILLIS,
  deliver,
  faultsOf,
  filesOf,
  killingFs,
  SINK,
  verdictOf,
} from './spool.fixture.ts'
import type { SpoolFs } from './spool-fs.ts'
import { nodeSpoolFs } from './spool-fs.ts'
import { tendSpool } from './tend-spool.ts'

const SEGMENT_BYTES_MAX = 9_000

/** Everything is over, and a last epoch has observed it. */
function aFinished(count = 10): FilledJournal {
  const filled = aFilledJournal({ durability: 'none' }, count)
  filled.live.close()
  aWriter(filled.journal, filled.keys).close()
  return filled
}

/** Everything of a journal as one batch a record or checkpoint. */
async function pieces(journal: string): Promise<Batch[]> {
  const batches = await deliver(journal, 'pieces', DEFAULT_BATCH_LIMITS)
  return batches.flatMap(({ records, checkpoints }) => [
    ...records.map((record) => ({ records: [record], checkpoints: [] })),
    ...checkpoints.map((checkpoint) => ({ records: [], checkpoints: [checkpoint] })),
  ])
}

function together(batches: readonly Batch[]): Batch {
  return {
    records: batches.flatMap(({ records }) => records),
    checkpoints: batches.flatMap(({ checkpoints }) => checkpoints),
  }
}

/** The files that make up the evidence. */
function evidenceOf(journal: string): Record<string, string> {
  const files = Object.entries(filesOf(journal))
  return Object.fromEntries(
    files
      .filter(([name]) => /\.jsonl$|checkpoints$/.test(name))
      .map(([name, bytes]) => [name, `${bytes.length} ${sha256Hex(bytes)}`]),
  )
}

test('a journal that is pumped into a folder is there again, file by file', async () => {
  const { journal, keys } = aFinished()
  const folder = join(aFolder(), 'restored')
  const sink = journalFolderSink(folder, { segmentBytesMax: SEGMENT_BYTES_MAX })
  const source = journalSource(journal, { sinkName: 'restore' })
  const { records } = await pump(source, sink, {
    signal: new AbortController().signal,
    untilDrained: true,
    limits: { recordCountMax: 7, bytesMax: 900_000 },
  })
  await sink.close(0)
  expect(sink.counts).toMatchObject({ records, duplicates: 0, refused: 0 })
  expect(evidenceOf(folder)).toEqual(evidenceOf(journal))
  const verdict = await verdictOf(folder, keys, false)
  expect(verdict.ok).toBe(true)
  const original = await verdictOf(journal, keys, false)
  expect({ ...verdict, findings: [] }).toEqual({ ...original, findings: [] })
  expect(verdict.findings.map(({ code }) => code)).toEqual(
    original.findings.map(({ code }) => code),
  )
})

test('out of order, twice and interleaved, the same bytes are there in the end', async () => {
  const { journal, keys } = aFinished()
  const all = await pieces(journal)
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
      fc.array(fc.nat({ max: all.length - 1 }), { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 3, maxLength: 12 }),
      async (shuffled, again, cuts) => {
        const order = [...shuffled, ...again.map((i) => all[i] as Batch)]
        const folder = join(aFolder(), 'restored')
        let sink = journalFolderSink(folder)
        for (let at = 0, i = 0; at < order.length; i++) {
          const size = cuts[i % cuts.length] ?? 1
          await sink.deliver(together(order.slice(at, at + size)))
          at += size
          if (i % 5 !== 4) continue
          await sink.close(0)
          sink = journalFolderSink(folder)
        }
        await sink.close(0)
        for (const epoch of listEpochs(journal)) {
          expect(await bytesOf(folder, epoch)).toBe(await bytesOf(journal, epoch))
          const notes = (at: string): string => readFileSync(join(at, epoch, 'checkpoints'), 'utf8')
          expect(notes(folder)).toBe(notes(journal))
        }
        expect((await verdictOf(folder, keys, false)).ok).toBe(true)
      },
    ),
    { numRuns: process.env['SLOW'] === '1' ? 100 : 6 },
  )
})

test('what was removed from a spool after delivery is whole where it was delivered to', async () => {
  const { journal, keys } = aFinished()
  const folder = join(aFolder(), 'restored')
  const sink = journalFolderSink(folder)
  for (const batch of await deliver(journal)) await sink.deliver(batch)
  await sink.close(0)
  age(journal, DAY_MILLIS)
  await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0 })
  expect(faultsOf(await verdictOf(journal, keys, false))).toContain('truncated')
  expect(faultsOf(await verdictOf(folder, keys, false))).toEqual([])
})

test('a hole stays a hole, and is found', async () => {
  const { journal, keys } = aFinished()
  const folder = join(aFolder(), 'restored')
  const sink = journalFolderSink(folder)
  const all = await pieces(journal)
  const lost = all.find(({ records: [record] }) => record?.seq === 8)
  await sink.deliver(together(all.filter((each) => each !== lost)))
  const epoch = lost?.records[0]?.epoch ?? ''
  expect(filesIn(join(folder, epoch))).toContain('000000000009.jsonl')
  const verdict = await verdictOf(folder, keys, false)
  expect(verdict.ok).toBe(false)
  expect(faultsOf(verdict)).toContain('missing')
  await sink.deliver(lost as Batch)
  expect(faultsOf(await verdictOf(folder, keys, false))).toEqual([])
  await sink.close(0)
})

function changed(record: SealedRecord, change: (line: string) => string): SealedRecord {
  return { ...record, line: Buffer.from(change(Buffer.from(record.line).toString())) }
}

test('another record in the place of one, and what is no record, is refused', async () => {
  const { journal } = aFinished()
  const folder = join(aFolder(), 'restored')
  const all = together(await pieces(journal))
  const record = all.records[5] as SealedRecord
  const note = all.checkpoints[1] as SealedCheckpoint
  const sink = journalFolderSink(folder)
  await sink.deliver(all)
  const before = evidenceOf(folder)
  const wrong: Partial<Batch>[] = [
    { records: [changed(record, (line) => line.replace('"t-1"', '"t-2"'))] },
    { records: [changed(record, () => 'no JSON')] },
    { records: [changed(record, (line) => `${line}\n${line}`)] },
    { records: [{ ...record, seq: record.seq + 1_000 }] },
    { records: [{ ...record, epoch: '../../etc' }] },
    { records: [{ ...record, log: 'example.com/other' }] },
    { records: [changed(record, () => 'x'.repeat(10 * 1024 * 1024))] },
    { checkpoints: [{ ...note, note: all.checkpoints[0]?.note ?? '' }] },
    { checkpoints: [{ ...note, note: 'no note' }] },
    { checkpoints: [{ ...note, epoch: '../../etc' }] },
    { checkpoints: [{ ...note, note: note.note.replace(/\n.{44}\n/, `\n${'A'.repeat(43)}=\n`) }] },
  ]
  for (const batch of wrong) {
    const given = { records: [], checkpoints: [], ...batch }
    expect(await codeOfRejection(sink.deliver(given))).toBe('DELIVERY_REFUSED')
    expect(evidenceOf(folder)).toEqual(before)
  }
  expect(sink.counts.refused).toBe(wrong.length)
  await sink.close(0)
  expect(await codeOfRejection(sink.deliver(all))).toBe('SINK_CLOSED')
})

test('who asks to be told of what is refused gets the rest filed', async () => {
  const { journal, keys } = aFinished()
  const folder = join(aFolder(), 'restored')
  const all = together(await pieces(journal))
  const refused: AuditError[] = []
  const sink = journalFolderSink(folder, { onRefused: (error) => void refused.push(error) })
  const fork = changed(all.records[5] as SealedRecord, (line) => line.replace('"t-1"', '"t-2"'))
  await sink.deliver({ ...all, records: [...all.records, fork] })
  await sink.close(0)
  expect(refused).toMatchObject([
    { code: 'DELIVERY_REFUSED', details: { epoch: fork.epoch, seq: fork.seq } },
  ])
  expect(faultsOf(await verdictOf(folder, keys, false))).toEqual([])
})

test('killed at every change, the next restore goes on and ends with the same bytes', {
  timeout: 300_000,
}, async () => {
  const { journal } = aFinished(5)
  const batches = await deliver(journal, 'pieces', { recordCountMax: 20, bytesMax: 900_000 })
  const options = { segmentBytesMax: SEGMENT_BYTES_MAX }
  const restore = async (folder: string, fs: SpoolFs): Promise<unknown> => {
    const sink = journalFolderSink(folder, { ...options, fs })
    try {
      for (const batch of batches) await sink.deliver(batch)
      return undefined
    } catch (error) {
      return error
    } finally {
      await sink.close(0)
    }
  }
  const counting = killingFs(Number.POSITIVE_INFINITY)
  await restore(join(aFolder(), 'restored'), counting.fs)
  expect(counting.changes()).toBeGreaterThan(20)
  for (let at = 0; at < counting.changes(); at++) {
    const folder = join(aFolder(), 'restored')
    const killed = await restore(folder, killingFs(at).fs)
    expect(killed).toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
    // A write that was cut off leaves a part of a line, or of a note.
    for (const epoch of listEpochs(folder)) {
      const [segment] = filesIn(join(folder, epoch)).filter((name) => name.endsWith('.jsonl'))
      if (segment !== undefined && at % 2 === 0) {
        appendFileSync(join(folder, epoch, segment), '{"chain":{"ep')
        appendFileSync(join(folder, epoch, 'checkpoints'), '300\nexample.com')
      }
    }
    expect(await restore(folder, nodeSpoolFs)).toBeUndefined()
    expect(evidenceOf(folder)).toEqual(evidenceOf(journal))
  }
})

test('a failed write is doubtful, and the same batch is taken again', async () => {
  const { journal } = aFinished()
  const all = together(await pieces(journal))
  const folder = join(aFolder(), 'restored')
  const killing = killingFs(12)
  let fails = true
  const fs = new Proxy(killing.fs, {
    get: (target, name) => Reflect.get(fails ? target : nodeSpoolFs, name) as unknown,
  })
  const sink = journalFolderSink(folder, { fs, segmentBytesMax: SEGMENT_BYTES_MAX })
  expect(await codeOfRejection(sink.deliver(all))).toBe('DELIVERY_DOUBTFUL')
  fails = false
  await sink.deliver(all)
  await sink.close(0)
  expect(evidenceOf(folder)).toEqual(evidenceOf(journal))
})

test('the folder of a writer is refused, and one that another process restores into', async () => {
  const { journal } = aFinished()
  expect(codeOf(() => journalFolderSink(journal))).toBe('JOURNAL_UNUSABLE')
  const folder = join(aFolder(), 'restored')
  const sink = journalFolderSink(folder)
  expect(codeOf(() => journalFolderSink(folder))).toBe('ALREADY_RUNNING')
  expect(await codeOfRejection(tendSpool(folder, { sinks: [] }))).toBe('ALREADY_RUNNING')
  await sink.close(0)
  await sink.close(0)
  await journalFolderSink(folder).close(0)
  expect(codeOf(() => journalFolderSink(folder, { name: 'A' }))).toBe('INVALID_OPTION')
  expect(codeOf(() => journalFolderSink(folder, { segmentBytesMax: 0 }))).toBe('INVALID_OPTION')
})

test('a restored folder can be compressed, restored into again, and goes on', async () => {
  const { journal, keys } = aFinished()
  const folder = join(aFolder(), 'restored')
  const all = together(await pieces(journal))
  const first = journalFolderSink(folder, { segmentBytesMax: 9_000 })
  await first.deliver({ ...all, records: all.records.filter(({ seq }) => seq < 25) })
  await first.close(0)
  // All but the last of each epoch, with which the next restore goes on.
  expect((await tendSpool(folder, { sinks: [] })).compressed.segments).toBeGreaterThan(2)
  const second = journalFolderSink(folder)
  await second.deliver(all)
  await second.close(0)
  expect(second.counts).toMatchObject({ refused: 0 })
  for (const epoch of listEpochs(journal)) {
    expect(await bytesOf(folder, epoch)).toBe(await bytesOf(journal, epoch))
  }
  expect(faultsOf(await verdictOf(folder, keys, false))).toEqual([])
})

test('segments that no restore wrote are refused', async () => {
  const { journal } = aFinished()
  const all = together(await pieces(journal))
  const folder = join(aFolder(), 'restored')
  const sink = journalFolderSink(folder)
  await sink.deliver(all)
  await sink.close(0)
  const [epoch = ''] = listEpochs(folder)
  const damages = [
    (path: string): void => truncateSync(path, 10),
    (path: string): void => appendFileSync(path, '{"hello":1}\n'),
  ]
  const codes = []
  for (const damage of damages) {
    const copy = copyOf(folder)
    damage(join(copy, epoch, '000000000001.jsonl'))
    const again = journalFolderSink(copy)
    codes.push(await codeOfRejection(again.deliver(all)))
    await again.close(0)
  }
  // What was cut off is filed again; what was put there is nobody's to remove.
  expect(codes).toEqual([undefined, 'JOURNAL_UNUSABLE'])
})
