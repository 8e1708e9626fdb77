// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aFolder, memoryKeys } from '../journal.fixture.ts'
import { journalSource } from '../journal-source.ts'
import { journalStatus } from './journal-status.ts'
import { aWriter, calls, deliver, SINK } from './spool.fixture.ts'
import { tendSpool } from './tend-spool.ts'

const WRITERS = 100

function openDescriptors(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
}

test('a hundred open epochs are delivered in turn, with the descriptors of one', {
  timeout: 300_000,
}, async () => {
  const journal = join(aFolder(), 'audit')
  const keys = memoryKeys()
  const writers = Array.from({ length: WRITERS }, () => {
    const writer = aWriter(journal, keys, { durability: 'none', refuseInside: [] })
    calls(writer, 5)
    return writer
  })
  const source = journalSource(journal, { sinkName: SINK, rescanMillis: 1 })
  const before = openDescriptors()
  const seen = new Set<string>()
  let most = 0
  for (let reads = 0; reads < 2 * WRITERS; reads++) {
    const batch = await source.read({ recordCountMax: 4, bytesMax: 900_000 })
    most = Math.max(most, batch?.records.length ?? 0)
    for (const { epoch } of batch?.records ?? []) seen.add(epoch)
    if (batch !== undefined) await source.commit(batch)
    // Some may be this process's own; a reader that kept one an epoch would have a hundred.
    expect(openDescriptors()).toBeLessThan(before + WRITERS)
  }
  // Nobody was read to the end before everybody had a turn.
  expect(seen.size).toBe(WRITERS)
  expect(most).toBe(4)
  const status = journalStatus(journal)
  expect(status.totals).toMatchObject({ epochs: WRITERS, produced: 11 * WRITERS })
  for (const writer of writers) writer.close()
  await deliver(journal)
  const later = Date.now() + 1_000
  const report = await tendSpool(journal, { sinks: [SINK], deleteAfterMillis: 0, now: () => later })
  expect(report).toMatchObject({ problems: [], deleted: { epochs: WRITERS } })
  expect(journalStatus(journal)).toMatchObject({
    orphans: [],
    totals: { produced: 12 * WRITERS, unacknowledged: { [SINK]: 0 } },
  })
})
