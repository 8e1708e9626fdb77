// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseVkey, verify } from '@spanseal/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AppendedRecord } from './append.ts'
import { findEpochEnd } from './epoch-end.ts'
import { openWriter } from './epoch-writer.ts'
import {
  abandon,
  checkedJournal,
  codeOf,
  errno,
  faultyFs,
  memoryKeys,
  toolEnd,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import type { JournalFs } from './journal-fs.ts'
import { nodeFs } from './journal-fs.ts'
import { listEpochs, listSegments } from './journal-layout.ts'
import { journalSource } from './journal-source.ts'
import { readJournal } from './read-journal.ts'

/** Runs `body` with a folder that is gone afterwards, also where thousands of runs follow. */
async function withJournal<T>(body: (journal: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-property-'))
  try {
    return await body(join(folder, 'audit'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Step {
  readonly kind: 'start' | 'end' | 'checkpoint' | 'wait'
  readonly padding: number
}

interface Fault {
  /** In the n-th call of that kind. */
  readonly at: number
  readonly call: 'writeSync' | 'openSync' | 'renameSync' | 'fdatasyncSync'
  /** Of a write: how much of it is done before. */
  readonly share: number
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind'][]>('start', 'start', 'end', 'end', 'checkpoint', 'wait'),
    padding: fc.integer({ min: 0, max: 3_000 }),
  }),
  { maxLength: 40 },
)

const faults: fc.Arbitrary<Fault[]> = fc.array(
  fc.record({
    at: fc.integer({ min: 1, max: 60 }),
    call: fc.constantFrom<Fault['call'][]>('writeSync', 'openSync', 'renameSync', 'fdatasyncSync'),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { minLength: 1, maxLength: 4 },
)

function fsWith(schedule: readonly Fault[]): JournalFs {
  const counts = new Map<string, number>()
  const next = (call: Fault['call']): Fault | undefined => {
    const at = (counts.get(call) ?? 0) + 1
    counts.set(call, at)
    return schedule.find((fault) => fault.call === call && fault.at === at)
  }
  const failing = (call: Fault['call']): void => {
    if (next(call) !== undefined) throw errno('EIO')
  }
  return faultyFs({
    writeSync: (fd, bytes, offset, length) => {
      const fault = next('writeSync')
      if (fault === undefined) return nodeFs.writeSync(fd, bytes, offset, length)
      const part = Math.floor(length * fault.share)
      if (part > 0) nodeFs.writeSync(fd, bytes, offset, part)
      throw errno('ENOSPC')
    },
    openSync: (path, flags, mode) => {
      failing('openSync')
      return nodeFs.openSync(path, flags, mode)
    },
    renameSync: (from, to) => {
      failing('renameSync')
      nodeFs.renameSync(from, to)
    },
    fdatasyncSync: (fd) => {
      failing('fdatasyncSync')
      nodeFs.fdatasyncSync(fd)
    },
  })
}

const limits = fc.record({
  segmentBytesMax: fc.integer({ min: 1, max: 20_000 }),
  epochRecordsMax: fc.integer({ min: 3, max: 60 }),
  checkpointRecords: fc.integer({ min: 1, max: 10 }),
  durability: fc.constantFrom('none' as const, 'interval' as const, 'every' as const),
})

test('whatever fails and whenever, what was acknowledged is there once and the journal verifies', async () => {
  await fc.assert(
    fc.asyncProperty(steps, faults, limits, async (plan, schedule, settings) =>
      withJournal(async (journal) => {
        const keys = memoryKeys()
        let nanos = 0n
        const clock = { wallMillis: Date.now, monoNanos: () => (nanos += 1_000n) }
        const options = writerOptions(journal, { ...settings, keys, clock, retryMillis: 1 })
        let writer: ReturnType<typeof openWriter> | undefined
        const opening = codeOf(() => {
          writer = openWriter({ ...options, fs: fsWith(schedule) })
        })
        expect([undefined, 'JOURNAL_UNUSABLE']).toContain(opening)
        const acknowledged: AppendedRecord[] = []
        const open: AppendedRecord[] = []
        for (const { kind, padding } of writer === undefined ? [] : plan) {
          if (kind === 'wait') nanos += 2_000_000n
          const start = kind === 'end' ? open.pop() : undefined
          const draft = start === undefined ? toolStart(padding) : toolEnd(start)
          const code = codeOf(() => {
            const record = writer?.append(() => draft, { checkpoint: kind === 'checkpoint' })
            if (record === undefined) return
            acknowledged.push(record)
            if (start === undefined) open.push(record)
          })
          expect([undefined, 'JOURNAL_FAILED']).toContain(code)
        }
        codeOf(() => writer?.close())
        // The process ends; only then is an epoch over that could not be said to be.
        if (existsSync(journal)) for (const epoch of listEpochs(journal)) abandon(journal, epoch)
        openWriter(options).close()

        const records = checkedJournal(journal).flatMap((epoch) => epoch.records)
        const places = records.map(({ chain }) => `${chain.epoch}/${chain.seq}`)
        expect(places).toEqual(
          expect.arrayContaining(acknowledged.map(({ epoch, seq }) => `${epoch}/${seq}`)),
        )
        const pinned = [parseVkey(keys.issuerVkey)]
        const verdict = await verify(readJournal(journal), { keys: pinned })
        expect(verdict.findings.filter(({ kind }) => kind === 'fault')).toEqual([])
      }),
    ),
  )
})

test('an epoch that is cut anywhere ends with its last whole line, for openers and for delivery', async () => {
  await withJournal(async (journal) => {
    const keys = memoryKeys()
    const options = {
      keys,
      segmentBytesMax: 9_000,
      checkpointRecords: 7,
      durability: 'none',
    } as const
    const writer = openWriter(writerOptions(journal, options))
    for (let i = 0; i < 30; i++) writer.append(() => toolStart(i * 10))
    const epoch = writer.epoch ?? ''
    abandon(journal, epoch)
    const folder = join(journal, epoch)
    const last = listSegments(folder).at(-1)
    const path = last?.path ?? ''
    const whole = readFileSync(path)
    const firstSeq = last?.firstSeq ?? 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: whole.length }),
        fc.integer({ min: 1, max: 9 }),
        async (cut, count) => {
          writeFileSync(path, whole)
          truncateSync(path, cut)
          const text = whole.subarray(0, cut)
          const lines = text.toString('latin1').split('\n').length - 1
          const torn = cut - (text.lastIndexOf(10) + 1)
          const end = findEpochEnd(folder, epoch)
          expect(end.size).toBe(firstSeq + lines)
          expect(end.torn?.bytes ?? 0).toBe(torn)
          const source = journalSource(journal, { sinkName: 'p', cursor: 'memory' })
          const seqs: number[] = []
          for (;;) {
            const batch = await source.read({ recordCountMax: count, bytesMax: 5_000 })
            if (batch === undefined) break
            seqs.push(...batch.records.map(({ seq }) => seq))
            await source.commit(batch)
          }
          expect(seqs).toEqual(Array.from({ length: firstSeq + lines }, (_, seq) => seq))
          expect(source.stuck()).toEqual([])
          expect(statSync(path).size).toBe(cut)
        },
      ),
    )
  })
})
