// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HeadFile, Verdict } from '@spanseal/core'
import { formatHeadFile, parseHeadFile, parseVkey, verifyToHead } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { EpochBuilder } from '../packages/core/src/verify/a-journal.fixture.ts'
import { aJournal } from '../packages/core/src/verify/a-journal.fixture.ts'

/**
 * What verifying from a trusted head costs: so many new records on few old ones, and on many; beside it
 * a whole verification of the same journal. 10^5 old records; 10^7 with SLOW=1, which takes 20 GB.
 *
 *     node --conditions=spanseal-source bench/since.ts
 */

const NEW_RECORDS = 10_000
const EPOCH_RECORDS_MAX = 1_000_000
const CHECKPOINT_EVERY = 1000
const LINES_MAX = 1024
const KEYS = [parseVkey(aJournal().tenant.vkey)]

/** Writes calls to an epoch's folder, a thousand lines at a time. */
function write(folder: string, epoch: EpochBuilder, records: number): void {
  const drain = (): void => {
    const { lines } = epoch
    if (lines.length === 0) return
    const isOpening = lines[0]?.includes('"seq":0}') === true
    const text = lines.splice(0).map((line) => `${line}\n`)
    if (isOpening) appendFileSync(join(folder, '000000000000.jsonl'), text.shift() as string)
    appendFileSync(join(folder, '000000000001.jsonl'), text.join(''))
    appendFileSync(join(folder, 'checkpoints'), epoch.notesFile)
    epoch.notes = []
  }
  for (const end = epoch.size + records; epoch.size + 2 <= end; ) {
    epoch.call()
    if (epoch.size % CHECKPOINT_EVERY < 2) epoch.checkpoint()
    if (epoch.lines.length >= LINES_MAX) drain()
  }
  epoch.checkpoint()
  drain()
}

/** Writes closed epochs and an open one, and hands out the latter. */
function writeJournal(journal: string, records: number): { folder: string; epoch: EpochBuilder } {
  const builder = aJournal()
  let last: { folder: string; epoch: EpochBuilder } | undefined
  for (let left = records; left > 0; left -= EPOCH_RECORDS_MAX) {
    const before = last?.epoch
    if (last !== undefined) {
      last.epoch.close()
      write(last.folder, last.epoch, 0)
    }
    const observed = before === undefined ? [] : [before.observedAs('closed')]
    const epoch = builder.open({ observed })
    const folder = join(journal, epoch.id)
    mkdirSync(folder, { recursive: true })
    write(folder, epoch, Math.min(left, EPOCH_RECORDS_MAX) - 1)
    last = { folder, epoch }
  }
  return last as NonNullable<typeof last>
}

async function timed(
  journal: string,
  since?: HeadFile,
): Promise<{ millis: number; verdict: Verdict; head: HeadFile }> {
  const begin = performance.now()
  const options = { keys: KEYS, live: true, now: () => 1_800_000_000_000, ...(since && { since }) }
  const { head, verdict } = await verifyToHead(readJournal(journal), options)
  const millis = performance.now() - begin
  if (head === undefined) throw new Error(JSON.stringify(verdict.findings[0]))
  return { millis, verdict, head }
}

async function measure(oldRecords: number): Promise<void> {
  const journal = mkdtempSync(join(tmpdir(), 'spanseal-since-'))
  try {
    const { epoch, folder } = writeJournal(journal, oldRecords)
    const before = await timed(journal)
    const since = parseHeadFile(formatHeadFile(before.head))
    write(folder, epoch, NEW_RECORDS)
    const runs: number[] = []
    let last = before
    for (let i = 0; i < 5; i++) runs.push((last = await timed(journal, since)).millis)
    const { checked, heldByHead } = last.verdict
    const [best = 0] = runs.sort((a, b) => a - b)
    const whole = `${before.verdict.checked} records whole: ${before.millis.toFixed(0)} ms`
    const part = `${checked} new on ${heldByHead} held: ${best.toFixed(0)} ms (best of 5)`
    process.stdout.write(`${whole}; ${part}\n`)
  } finally {
    rmSync(journal, { recursive: true, force: true })
  }
}

const most = process.env['SLOW'] === '1' ? 10_000_000 : 100_000
for (const oldRecords of [1000, most]) await measure(oldRecords)
