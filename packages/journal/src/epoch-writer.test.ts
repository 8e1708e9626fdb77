// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import type { AuditError, EpochClose, EpochOpen } from '@spanseal/core'
import { checkCertificateChain, epochBelongsTo, parseVkey } from '@spanseal/core'
import { expect, test } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import {
  aClock,
  aFolder,
  checkedJournal,
  codeOf,
  errno,
  filesIn,
  LOG,
  memoryKeys,
  onlyEpoch,
  openOf,
  readNotes,
  toolEnd,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'

test('an epoch opens with a certified key of its own, and a checkpoint over that', () => {
  const journal = join(aFolder(), 'deep', 'audit')
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { keys, durability: 'group' }))
  const { epoch, records, checkpoints } = onlyEpoch(journal)
  expect(writer.epoch).toBe(epoch)
  expect(checkpoints).toEqual([1])
  const [open] = records as [EpochOpen]
  expect(open).toMatchObject({
    chain: { log: LOG, epoch, seq: 0, prev: '0'.repeat(64) },
    detail: {
      audit: { durability: 'group', fail_closed: ['write'], redaction: '1', sdk: '0.1.0' },
      deployment: { environment: 'test' },
      observed: [],
      service: { name: 'agent', version: '1.0.0' },
    },
    time: { mono_ns: '0' },
    type: 'epoch.open',
  })
  const { certs, vkey } = open.detail.key
  const claim = { log: LOG, epoch, vkey, certs, at: open.time.at }
  expect(checkCertificateChain(claim, [parseVkey(keys.issuerVkey)])).toMatchObject({
    pinned: true,
    valid: true,
  })
  expect(epochBelongsTo(epoch, parseVkey(vkey).publicKey)).toBe(true)
  expect(filesIn(join(journal, epoch))).toEqual([
    '000000000000.jsonl',
    '000000000001.jsonl',
    'checkpoints',
    'writer.json',
  ])
  writer.close()
})

test('append returns what links the next record, and the record is in the file by then', () => {
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal))
  const places: object[] = []
  const first = writer.append((at) => {
    places.push(at)
    return toolStart()
  })
  const second = writer.append(() => toolEnd(first), { eventAt: '2026-01-01T00:00:00.000Z' })
  expect(places).toEqual([{ epoch: first.epoch, seq: 1 }])
  expect(second).toMatchObject({ epoch: first.epoch, seq: 2, prev: first.leaf })
  const { records } = onlyEpoch(journal)
  expect(records.map(({ type }) => type)).toEqual(['epoch.open', 'tool.start', 'tool.end'])
  expect(records[2]?.time.event_at).toBe('2026-01-01T00:00:00.000Z')
  expect(BigInt(records[2]?.time.mono_ns ?? '')).toBeGreaterThan(
    BigInt(records[1]?.time.mono_ns ?? ''),
  )
  writer.close()
})

test('close counts, lists the calls without an end, and covers everything by a checkpoint', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { keys }))
  const starts = Array.from({ length: 40 }, () => writer.append(() => toolStart()))
  for (const start of starts.slice(0, 5)) writer.append(() => toolEnd(start))
  writer.close()
  writer.close()
  const { records, checkpoints, epoch } = onlyEpoch(journal)
  const close = records.at(-1) as EpochClose
  expect(close.detail).toEqual({
    open: starts.slice(5, 37).map(({ seq }) => `${epoch}/${seq}`),
    open_more: 3,
    reason: 'shutdown',
    records: 47,
  })
  expect(checkpoints).toEqual([1, 47])
  expect(keys.notes.get(epoch)).toBe(readNotes(join(journal, epoch, 'checkpoints')).at(-1))
  expect(codeOf(() => writer.append(() => toolStart()))).toBe('JOURNAL_CLOSED')
})

test('segments are rotated by size and named after their first record', () => {
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal, { segmentBytesMax: 4_000 }))
  for (let i = 0; i < 40; i++) writer.append(() => toolStart())
  writer.close()
  const { epoch, records, checkpoints } = onlyEpoch(journal)
  expect(records).toHaveLength(42)
  expect(checkpoints).toEqual([1, 42])
  const segments = filesIn(join(journal, epoch)).filter((name) => name.endsWith('.jsonl'))
  expect(segments.length).toBeGreaterThan(5)
})

const limitsOfEpochs: [string, { epochRecordsMax?: number; epochBytesMax?: number }][] = [
  ['records', { epochRecordsMax: 11 }],
  ['bytes', { epochBytesMax: 8_000 }],
]

test.each(limitsOfEpochs)(
  'an epoch is rolled by %s: another key, and calls end in the next one',
  (_, limits) => {
    const journal = aFolder()
    const writer = openWriter(writerOptions(journal, limits))
    const calls = Array.from({ length: 30 }, () => {
      const start = writer.append(() => toolStart())
      return { start, end: writer.append(() => toolEnd(start)) }
    })
    writer.close()
    const epochs = checkedJournal(journal)
    expect(epochs.length).toBeGreaterThan(4)
    expect(new Set(epochs.map(({ epoch }) => epoch))).toEqual(writer.epochs)
    expect(calls.some(({ start, end }) => start.epoch !== end.epoch)).toBe(true)
    for (const [i, { epoch, records, checkpoints }] of epochs.entries()) {
      expect(records.length).toBeLessThanOrEqual(limits.epochRecordsMax ?? 100)
      const close = records.at(-1) as EpochClose
      expect(close.detail.reason).toBe(i === epochs.length - 1 ? 'shutdown' : 'rolled')
      expect(checkpoints.at(-1)).toBe(records.length)
      const carried = calls.filter(({ start, end }) => start.epoch === epoch && end.epoch !== epoch)
      expect(close.detail.open).toEqual(carried.map(({ start }) => `${epoch}/${start.seq}`))
    }
    const named = epochs.slice(1).flatMap((epoch) => openOf(epoch).observed)
    expect(named.map(({ epoch, size, state }) => [epoch, size, state])).toEqual(
      epochs.slice(0, -1).map(({ epoch, records }) => [epoch, records.length, 'closed']),
    )
  },
)

test('an epoch is rolled by age', () => {
  const journal = aFolder()
  const clock = aClock()
  const writer = openWriter(writerOptions(journal, { clock, epochMillisMax: 86_400_000 }))
  const first = writer.append(() => toolStart())
  clock.move(86_399_999)
  expect(writer.append(() => toolStart()).epoch).toBe(first.epoch)
  clock.move(1)
  expect(writer.append(() => toolStart()).epoch).not.toBe(first.epoch)
  writer.close()
  expect(checkedJournal(journal)).toHaveLength(2)
})

test('a record that is too large, or cannot be built, leaves no trace', () => {
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal))
  expect(codeOf(() => writer.append(() => toolStart(70_000)))).toBe('RECORD_TOO_LARGE')
  const draft = { ...toolStart(), detail: { bad: undefined } }
  expect(codeOf(() => writer.append(() => draft))).toBe('NOT_REPRESENTABLE')
  const failing = (): never => {
    throw new TypeError('from the caller')
  }
  expect(() => writer.append(failing)).toThrow(TypeError)
  expect(writer.append(() => toolStart()).seq).toBe(1)
  writer.close()
  expect(onlyEpoch(journal).records).toHaveLength(3)
})

test('a build that appends itself is run again at its new place', () => {
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal))
  const seen: number[] = []
  const outer = writer.append(({ seq }) => {
    seen.push(seq)
    if (seen.length === 1) writer.append(() => toolStart())
    return toolStart()
  })
  expect(seen).toEqual([1, 2])
  expect(outer.seq).toBe(2)
  const endless = (): ReturnType<typeof toolStart> => {
    writer.append(() => toolStart())
    return toolStart()
  }
  expect(codeOf(() => writer.append(endless))).toBe('JOURNAL_FAILED')
  writer.close()
  expect(onlyEpoch(journal).records.length).toBeGreaterThan(3)
})

test.each([
  ['durability', 'sometimes'],
  ['syncIntervalMillis', 0],
  ['segmentBytesMax', 1.5],
  ['epochRecordsMax', Number.NaN],
  ['log', 'Not A Log'],
])('option %s = %s is refused by name', (option, value) => {
  expect(() => openWriter(writerOptions(aFolder(), { [option]: value }))).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', details: { option } }),
  )
})

test('a keyring that cannot keep a head is a problem, not a failure', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const problems: AuditError[] = []
  const writer = openWriter(
    writerOptions(journal, {
      keys: {
        ...keys,
        heads: {
          ...keys.heads,
          save: () => {
            throw errno('EACCES')
          },
        },
      },
      onProblem: (error) => void problems.push(error),
    }),
  )
  writer.append(() => toolStart())
  writer.close()
  expect(problems.length).toBe(2)
  expect(onlyEpoch(journal).records).toHaveLength(3)
})
