// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Gap } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import { expect, test } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import type { MemoryKeys } from './journal.fixture.ts'
import {
  abandon,
  aClock,
  aFolder,
  checkedJournal,
  codeOf,
  errno,
  faultyFs,
  filesIn,
  memoryKeys,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { nodeFs } from './journal-fs.ts'
import { claimGap, isGapTaken } from './left-gaps.ts'
import { readWriterState } from './liveness.ts'
import { readJournal } from './read-journal.ts'

/** What a process could not write, where it ends before writing works again. */

/** A writer of a process that ended while its disk took no records; its last epoch. */
function leaveGap(journal: string, keys: MemoryKeys, close: boolean): string {
  let broken = false
  const fs = faultyFs({
    openSync: (path, flags, mode) => {
      if (broken && path.endsWith('.jsonl')) throw errno('ENOSPC')
      return nodeFs.openSync(path, flags, mode)
    },
    writeSync: (fd, bytes, offset, length) => {
      const isRecord = Buffer.from(bytes).toString('latin1', 0, 10) === '{"actor":{'
      if (broken && isRecord) throw errno('ENOSPC')
      return nodeFs.writeSync(fd, bytes, offset, length)
    },
  })
  const clock = aClock()
  const writer = openWriter(writerOptions(journal, { fs, keys, clock, beatMillis: 60_000 }))
  const { epoch } = writer.append(() => toolStart())
  broken = true
  for (let i = 0; i < 3; i++) {
    clock.move(500)
    expect(codeOf(() => writer.append(() => toolStart()))).toBe('JOURNAL_FAILED')
    writer.noteRefused()
  }
  const closed = close ? codeOf(() => writer.close()) : 'JOURNAL_FAILED'
  expect(closed).toBe('JOURNAL_FAILED')
  abandon(journal, epoch)
  return epoch
}

function gapsOf(journal: string): Gap[] {
  return checkedJournal(journal)
    .flatMap(({ records }) => records)
    .filter((record) => record.type === 'gap')
}

async function verdictOf(journal: string, keys: MemoryKeys) {
  const ignored: string[] = []
  const epochs = readJournal(journal, { onIgnored: (path) => void ignored.push(path) })
  const { findings, gaps } = await verify(epochs, { keys: [parseVkey(keys.issuerVkey)] })
  return { faults: findings.filter(({ kind }) => kind === 'fault'), gaps, ignored }
}

test('what a process left untold is the first thing that the next epoch says, once', async () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const epoch = leaveGap(journal, keys, true)
  expect(readWriterState(join(journal, epoch))?.gap).toMatchObject({ records: 3, refused: 3 })
  const next = openWriter(writerOptions(journal, { keys }))
  expect(next.health().gaps).toEqual({ count: 1, records: 3, refused: 3 })
  next.append(() => toolStart())
  next.close()
  const [, second] = checkedJournal(journal)
  expect(second?.records.map(({ type }) => type).slice(0, 3)).toEqual([
    'epoch.open',
    'gap',
    'tool.start',
  ])
  expect(gapsOf(journal)[0]?.detail).toEqual({
    first_at: '2026-11-21T00:00:00.500Z',
    last_at: '2026-11-21T00:00:01.500Z',
    reason: 'write_failed',
    records: 3,
    refused: 3,
    types: { 'tool.start': 3 },
  })
  expect(second?.checkpoints[1]).toBe(2)
  expect(isGapTaken(join(journal, epoch))).toBe(true)
  // Neither with the same keyring nor with one that knows nothing.
  openWriter(writerOptions(journal, { keys })).close()
  openWriter(writerOptions(journal)).close()
  expect(gapsOf(journal)).toHaveLength(1)
  const mine = (await verdictOf(journal, keys)).gaps
  expect(mine).toEqual({ count: 1, records: 3, refused: 3 })
})

test('a process that is killed leaves what its last beat said', async () => {
  const journal = aFolder()
  const keys = memoryKeys()
  leaveGap(journal, keys, false)
  openWriter(writerOptions(journal, { keys })).close()
  const { faults, gaps, ignored } = await verdictOf(journal, keys)
  expect({ faults, gaps, ignored }).toEqual({
    faults: [],
    gaps: { count: 1, records: 1, refused: 0 },
    ignored: [],
  })
})

test('while the process lives, it tells its gap itself', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  let broken = false
  const fs = faultyFs({
    mkdirSync: (path, mode) => {
      if (broken) throw errno('ENOSPC')
      nodeFs.mkdirSync(path, mode)
    },
    fdatasyncSync: (fd) => {
      if (broken) throw errno('EIO')
      nodeFs.fdatasyncSync(fd)
    },
  })
  const writer = openWriter(writerOptions(journal, { fs, keys, retryMillis: 1 }))
  writer.append(() => toolStart())
  broken = true
  expect(codeOf(() => writer.syncNow())).toBe('JOURNAL_FAILED')
  writer.noteRefused()
  openWriter(writerOptions(journal, { keys })).close()
  expect(gapsOf(journal)).toEqual([])
  broken = false
  writer.close()
  openWriter(writerOptions(journal, { keys })).close()
  expect(gapsOf(journal)).toHaveLength(1)
})

test('of two that open an epoch at once one takes a gap over, and after its end another', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const epoch = leaveGap(journal, keys, true)
  const live = leaveTaker(journal)
  const by = live.epoch ?? ''
  const claim = { fs: nodeFs, journal, nowMillis: Date.now() }
  // `leaveTaker` opened with another keyring, and took it; undone, as if it had not come so far.
  rmSync(join(journal, epoch, 'gap-taken-001'))
  expect(claimGap({ ...claim, by }, epoch)).toBe(true)
  expect(claimGap({ ...claim, by }, epoch)).toBe(false)
  abandon(journal, by)
  expect(claimGap({ ...claim, by }, epoch)).toBe(true)
  expect(filesIn(join(journal, epoch)).filter((name) => name.startsWith('gap-'))).toEqual([
    'gap-taken-001',
    'gap-taken-002',
  ])
  live.close()
})

function leaveTaker(journal: string): ReturnType<typeof openWriter> {
  return openWriter(writerOptions(journal))
}

test('a gap that does not add up is nobody’s to tell', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const epoch = leaveGap(journal, keys, true)
  const path = join(journal, epoch, 'writer.json')
  const state = JSON.parse(readFileSync(path, 'utf8')) as { readonly gap: object }
  const wrong = [
    { records: 4 },
    { types: { 'tool.start': 3, nonsense: 0 } },
    { types: { other: 3 } },
    { since: '2026-13-21T00:00:00.500Z' },
    { until: '2025-11-21T00:00:00.500Z' },
    { reason: 'boredom' },
    { refused: -1 },
    { records: 0, refused: 0, types: {} },
  ]
  for (const change of wrong) {
    writeFileSync(path, JSON.stringify({ ...state, gap: { ...state.gap, ...change } }))
    expect(readWriterState(join(journal, epoch))?.gap).toBeUndefined()
  }
  openWriter(writerOptions(journal, { keys })).close()
  expect(gapsOf(journal)).toEqual([])
})
