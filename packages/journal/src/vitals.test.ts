// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditError } from '@spanseal/core'
import { expect, test, vi } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import {
  aFolder,
  checkedJournal,
  errno,
  faultyFs,
  filesIn,
  memoryKeys,
  openOf,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { nodeFs } from './journal-fs.ts'
import { livenessOf, ownProcess, readWriterState } from './liveness.ts'

const HOUR_MILLIS = 3_600_000

const PATIENCE = { timeout: 30_000, interval: 5 }

test('writer.json says how far an epoch is, and how it ended though its process lives', async () => {
  const journal = aFolder()
  const options = { epochRecordsMax: 5, syncIntervalMillis: 60_000, beatMillis: 5 }
  const writer = openWriter(writerOptions(journal, options))
  const stateOf = (epoch = '') => readWriterState(join(journal, epoch))
  const { epoch: first } = writer
  expect(stateOf(first)).toMatchObject({ ...ownProcess(), records: 1, synced: 1 })
  writer.append(() => toolStart())
  writer.append(() => toolStart())
  await vi.waitFor(() => expect(stateOf(first)).toMatchObject({ records: 3, synced: 1 }), PATIENCE)
  expect(livenessOf(stateOf(first), Date.now())).toBe('live')
  for (let i = 0; i < 3; i++) writer.append(() => toolStart())
  expect(writer.epoch).not.toBe(first)
  expect(stateOf(first)).toMatchObject({ ended: 'closed', records: 5, synced: 5 })
  expect(livenessOf(stateOf(first), Date.now())).toBe('gone')
  expect(stateOf(writer.epoch)?.ended).toBeUndefined()
  writer.close()
  for (const epoch of writer.epochs) expect(stateOf(epoch)?.ended).toBe('closed')
})

test('an epoch that was given up is over for others, though its process lives', () => {
  const journal = aFolder()
  let isBroken = false
  const fs = faultyFs({
    writeSync: (fd, bytes, offset, length) => {
      if (!isBroken) return nodeFs.writeSync(fd, bytes, offset, length)
      isBroken = false
      throw errno('EIO')
    },
  })
  const writer = openWriter(writerOptions(journal, { fs }))
  const { epoch } = writer.append(() => toolStart())
  isBroken = true
  writer.append(() => toolStart())
  expect(readWriterState(join(journal, epoch))).toMatchObject({ ended: 'failed', records: 2 })
  const other = openWriter(writerOptions(journal, { keys: memoryKeys() }))
  const { observed } = openOf(checkedJournal(journal).at(-1))
  expect(observed).toMatchObject([{ epoch: writer.epoch, state: 'live' }])
  expect(openOf(checkedJournal(journal)[1]).observed).toMatchObject([
    { epoch, size: 2, state: 'crashed' },
  ])
  other.close()
  writer.close()
})

test('what could not be said of an epoch that ended is said at a later beat', async () => {
  const journal = aFolder()
  let broken = false
  const fs = faultyFs({
    writeSync: (fd, bytes, offset, length) => {
      if (broken) throw errno('ENOSPC')
      return nodeFs.writeSync(fd, bytes, offset, length)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, beatMillis: 5, retryMillis: 1 }))
  const { epoch = '' } = writer
  broken = true
  expect(() => writer.append(() => toolStart())).toThrow('ENOSPC')
  broken = false
  await vi.waitFor(
    () => expect(readWriterState(join(journal, epoch))?.ended).toBe('failed'),
    PATIENCE,
  )
  expect(filesIn(join(journal, epoch))).not.toContain('writer.json.tmp')
  writer.close()
})

test('vitals stand in writer.json at each beat and at the end', async () => {
  const journal = aFolder()
  let beats = 0
  const vitals = () => ({ beats: ++beats, sinks: { kafka: { pending: 7 } } })
  const writer = openWriter(writerOptions(journal, { vitals, beatMillis: 5 }))
  const state = () => readWriterState(join(journal, writer.epoch ?? ''))
  await vi.waitFor(() => expect(state()?.vitals?.['beats']).toBeGreaterThan(1), PATIENCE)
  expect(state()?.vitals).toMatchObject({ sinks: { kafka: { pending: 7 } } })
  const { epoch = '' } = writer
  writer.close()
  const last = beats
  expect(readWriterState(join(journal, epoch))).toMatchObject({
    ended: 'closed',
    vitals: { beats: last },
  })
})

test('vitals that throw, are too large or are no JSON are left out, and writing goes on', async () => {
  const journal = aFolder()
  const problems: string[] = []
  const onProblem = (error: AuditError): void => {
    problems.push(error.message)
    throw new Error('a listener must not end the process')
  }
  let vitals: () => Readonly<Record<string, unknown>> = () => ({ text: 'x'.repeat(17_000) })
  const options = { beatMillis: 5, onProblem, vitals: () => vitals() }
  const writer = openWriter(writerOptions(journal, options))
  const path = join(journal, writer.epoch ?? '')
  await vi.waitFor(() => expect(readWriterState(path)?.vitals_too_large).toBe(true), PATIENCE)
  expect(statSync(join(path, 'writer.json')).size).toBeLessThan(1_000)
  expect(problems).toEqual([])
  vitals = () => ({ n: 1n })
  await vi.waitFor(() => expect(problems.length).toBeGreaterThan(0), PATIENCE)
  vitals = () => {
    throw new Error('from the agent')
  }
  await vi.waitFor(() => expect(problems.at(-1)).toContain('from the agent'), PATIENCE)
  expect(readWriterState(path)).toMatchObject({ pid: process.pid })
  expect(readWriterState(path)?.vitals).toBeUndefined()
  expect(writer.append(() => toolStart()).seq).toBe(1)
  writer.close()
})

test('of a hostile writer.json only what fits is believed', () => {
  const folder = aFolder()
  const state = { ...ownProcess(), beat: 1, records: 7, synced: 5 }
  const read = (value: unknown) => {
    writeFileSync(join(folder, 'writer.json'), JSON.stringify(value))
    return readWriterState(folder)
  }
  expect(read(state)).toEqual(state)
  const odd = { ...state, records: -1, synced: '5', ended: 'maybe', vitals: [], more: 1 }
  expect(read(odd)).toEqual({ ...ownProcess(), beat: 1, records: 0, synced: 0 })
  expect(read({ ...state, gap: { records: 2, refused: 1.5, since: 'today' } })).toEqual(state)
  const since = '2026-11-21T00:00:00.000Z'
  const gap = { records: 2, refused: 1, since, until: since, reason: 'sync_failed' }
  const whole = { ...gap, types: { gap: 2 } }
  expect(read({ ...state, gap: { ...whole, more: 1 } })?.gap).toEqual(whole)
  expect(read({ ...state, gap: { ...whole, refused: 1.5 } })).toEqual(state)
  for (const none of [null, [], 7, { ...state, pid: '1' }, { ...state, host: null }]) {
    expect(read(none)).toBeUndefined()
  }
  expect(read({ ...state, padding: 'x'.repeat(70_000) })).toBeUndefined()
  writeFileSync(join(folder, 'writer.json'), '{"host":')
  expect(readWriterState(folder)).toBeUndefined()
})

test('another host is silent after five minutes, whatever it says of itself', () => {
  const now = Date.now()
  const state = { ...ownProcess(), host: '0'.repeat(32), beat: now, records: 1, synced: 1 }
  expect(livenessOf(state, now)).toBe('live')
  expect(livenessOf({ ...state, beat: now - HOUR_MILLIS }, now)).toBe('silent')
  expect(livenessOf({ ...state, ended: 'failed' }, now)).toBe('gone')
})
