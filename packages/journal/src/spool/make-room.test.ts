// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aFolder, filesIn } from '../journal.fixture.ts'
import { journalStatus } from './journal-status.ts'
import { makeRoom } from './make-room.ts'
import { aFilledJournal, aWriter, deliver, faultsOf, SINK, verdictOf } from './spool.fixture.ts'

const bytesOf = (journal: string): number => journalStatus(journal).totals.bytes

test('room is made of what was delivered, oldest first and no more than is wanted', async () => {
  const { journal, closed, crashed, live } = aFilledJournal()
  expect(makeRoom(journal, { sinks: [SINK], bytesWanted: 1 })).toBe(0)
  await deliver(journal)
  expect(makeRoom(journal, { sinks: [], bytesWanted: 1 })).toBe(0)
  expect(makeRoom(journal, { sinks: [SINK], bytesWanted: 0 })).toBe(0)
  const before = bytesOf(journal)
  const freed = makeRoom(journal, { sinks: [SINK], bytesWanted: 1 })
  expect(freed).toBeGreaterThan(1)
  expect(freed).toBeLessThan(9_100)
  expect(bytesOf(journal)).toBe(before - freed)
  expect(filesIn(join(journal, closed))).toContain('delivered-000000000009.json')
  expect(filesIn(join(journal, crashed)).join(' ')).not.toContain('delivered')
  const more = makeRoom(journal, { sinks: [SINK], bytesWanted: Number.POSITIVE_INFINITY })
  expect(bytesOf(journal)).toBe(before - freed - more)
  expect(filesIn(join(journal, closed))).toContain('delivered-000000000042.json')
  // The segment that takes the next record stays.
  live.close()
  expect(makeRoom(journal, { sinks: [SINK], bytesWanted: 1 })).toBe(0)
})

test('a writer goes on, and openers see nothing lost, where room was made meanwhile', async () => {
  const { journal, keys, live } = aFilledJournal()
  for (let i = 0; i < 10; i++) {
    await deliver(journal)
    makeRoom(journal, { sinks: [SINK], bytesWanted: 5_000 })
    const other = aWriter(journal, keys)
    other.close()
  }
  live.close()
  const verdict = await verdictOf(journal, keys, false)
  const lacking = new Set(['missing', 'truncated'])
  expect(faultsOf(verdict).filter((code) => !lacking.has(code))).toEqual([])
  expect(verdict.findings.some(({ message }) => message.includes('delivered to kafka'))).toBe(true)
})

test('no folder, no room', () => {
  expect(makeRoom(join(aFolder(), 'none'), { sinks: [SINK], bytesWanted: 1 })).toBe(0)
})
