// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesIn } from '../journal.fixture.ts'
import { listEpochs } from '../journal-layout.ts'
import { makeRoom } from './make-room.ts'
import type { FilledJournal } from './spool.fixture.ts'
import {
  aFilledJournal,
  aWriter,
  bytesOf,
  copyOf,
  DAY_MILLIS,
  deliver,
  faultsOf,
  killingFs,
  linesOf,
  SINK,
  verdictOf,
} from './spool.fixture.ts'
import type { SpoolFs } from './spool-fs.ts'
import { tendSpool } from './tend-spool.ts'

/** The faults of records that are not there. */
const LACKING = new Set(['missing', 'truncated'])

/** Two dead epochs of some segments each, delivered, and one more. */
async function aDelivered(): Promise<FilledJournal> {
  const filled = aFilledJournal({ durability: 'none' }, 5)
  filled.live.close()
  await deliver(filled.journal)
  return filled
}

function draftsIn(journal: string): string[] {
  return listEpochs(journal).flatMap((epoch) =>
    filesIn(join(journal, epoch)).filter((name) => name.startsWith('.')),
  )
}

/**
 * Runs `work` and kills it before each of its changes in turn, on a copy of the journal each time;
 * then the next writer opens, and `work` runs to its end.
 */
async function killEverywhere(
  { journal, keys }: FilledJournal,
  work: (journal: string, fs: SpoolFs) => Promise<void> | void,
  check: (copy: string) => Promise<void>,
): Promise<number> {
  const counting = killingFs(Number.POSITIVE_INFINITY)
  await work(copyOf(journal), counting.fs)
  for (let at = 0; at < counting.changes(); at++) {
    const copy = copyOf(journal)
    await work(copy, killingFs(at).fs)
    await check(copy)
    const next = keys.copy()
    aWriter(copy, next, { durability: 'none' }).close()
    const faults = faultsOf(await verdictOf(copy, next, false))
    expect(faults.filter((code) => !LACKING.has(code))).toEqual([])
    const rest = killingFs(Number.POSITIVE_INFINITY)
    await work(copy, rest.fs)
    const later = Date.now() + 2 * DAY_MILLIS
    await tendSpool(copy, { sinks: [], now: () => later })
    expect(draftsIn(copy)).toEqual([])
    // Nothing is delivered again, and nothing of the new epoch is lost.
    expect((await deliver(copy)).flatMap(({ records }) => records)).toHaveLength(2)
  }
  return counting.changes()
}

test('killed at every change while compressing, every record is there', {
  timeout: 300_000,
}, async () => {
  const original = await aDelivered()
  const lines = await linesOf(original.journal)
  const changes = await killEverywhere(
    original,
    async (journal, fs) => void (await tendSpool(journal, { sinks: [], fs })),
    async (copy) => {
      expect(await linesOf(copy)).toEqual(lines)
      expect(faultsOf(await verdictOf(copy, original.keys, true))).toEqual([])
    },
  )
  expect(changes).toBeGreaterThan(20)
})

test('killed at every change while removing, every undelivered record is there', {
  timeout: 300_000,
}, async () => {
  const original = await aDelivered()
  // One epoch is too young to be removed, and compressed in part.
  await tendSpool(original.journal, { sinks: [] })
  const [youngest = ''] = listEpochs(original.journal)
  for (const epoch of listEpochs(original.journal)) {
    const folder = join(original.journal, epoch)
    for (const name of filesIn(folder)) if (epoch !== youngest) utimesSync(join(folder, name), 0, 0)
  }
  const kept = await bytesOf(original.journal, youngest)
  const all = (await linesOf(original.journal)).length
  const options = { sinks: [SINK], deleteAfterMillis: DAY_MILLIS }
  const changes = await killEverywhere(
    original,
    async (journal, fs) => void (await tendSpool(journal, { ...options, fs })),
    async (copy) => {
      const young = await bytesOf(copy, youngest)
      expect(young).toBe(kept)
      // A reader from the beginning gets everything, or is told what became of it.
      const told = await linesOf(copy).then(
        (lines) => `${lines.length} lines`,
        (error: Error) => error.message,
      )
      expect(told).toMatch(new RegExp(`^${all} lines$|removed after delivery to kafka`))
    },
  )
  expect(changes).toBeGreaterThan(10)
})

test('killed at every change while making room, every undelivered record is there', {
  timeout: 300_000,
}, async () => {
  const original = await aDelivered()
  const changes = await killEverywhere(
    original,
    (journal, fs) => void makeRoom(journal, { sinks: [SINK], bytesWanted: 9_000, fs }),
    async () => {},
  )
  expect(changes).toBeGreaterThan(6)
})
