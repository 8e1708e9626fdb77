// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { VerifyThreads } from '../packages/cli/src/verify-threads.ts'
import { aJournal } from '../packages/core/src/verify/a-journal.fixture.ts'

/**
 * How verification grows with threads: a journal of equal epochs on disk, with one thread, two, and
 * as many as there are cores, against no thread at all in the same run.
 *
 *     node --conditions=spanseal-source bench/threads.ts
 */

const EPOCHS = 8
const CALLS = Number(process.env['CALLS'] ?? 8_000)
const ROUNDS = 5

function writeJournal(folder: string): number {
  const journal = aJournal()
  let bytes = 0
  for (let i = 0; i < EPOCHS; i++) {
    const epoch = journal.open()
    for (let call = 0; call < CALLS; call++) {
      epoch.call()
      if (call % 500 === 0) epoch.checkpoint()
    }
    epoch.close()
    mkdirSync(join(folder, epoch.id))
    for (const { firstSeq, bytes: segment } of epoch.segmentFiles) {
      const name = `${String(firstSeq).padStart(12, '0')}.jsonl`
      writeFileSync(join(folder, epoch.id, name), segment)
      bytes += segment.length
    }
    writeFileSync(join(folder, epoch.id, 'checkpoints'), epoch.notesFile)
    epoch.lines = []
  }
  return bytes
}

async function secondsWith(folder: string, runner: VerifyThreads | undefined): Promise<number> {
  const from = performance.now()
  const verdict = await verify(readJournal(folder), runner === undefined ? {} : { runner })
  const seconds = (performance.now() - from) / 1_000
  if (!verdict.ok) throw new Error(JSON.stringify(verdict.findings[0]))
  return seconds
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

/** Prints the table. */
export async function benchThreads(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-bench-'))
  const counts = [...new Set([0, 1, 2, availableParallelism()])]
  const runners = counts.map((count) => (count === 0 ? undefined : new VerifyThreads(count)))
  const seconds = counts.map((): number[] => [])
  try {
    const mega = writeJournal(folder) / 1e6
    // In turns, so that all see the same load of the machine; the first round warms up.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [i, runner] of runners.entries()) {
        const took = await secondsWith(folder, runner)
        if (round > 0) seconds[i]?.push(took)
      }
    }
    const alone = median(seconds[0] ?? [])
    console.log(
      `\nverify, ${EPOCHS} epochs, ${mega.toFixed(0)} MB in all, ${availableParallelism()} cores; medians of ${ROUNDS}`,
    )
    console.table(
      counts.map((count, i) => ({
        threads: count === 0 ? 'none' : String(count),
        'MB/s': (mega / median(seconds[i] ?? [])).toFixed(0),
        'times none': (alone / median(seconds[i] ?? [])).toFixed(2),
      })),
    )
  } finally {
    for (const runner of runners) await runner?.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) await benchThreads()
