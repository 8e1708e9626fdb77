// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochJob, RunContext } from './epoch-job.ts'
import type { EpochResult } from './epoch-outcome.ts'
import { EpochRun } from './epoch-run.ts'
import type { EpochBytes } from './input.ts'
import { LineSplitter } from './lines.ts'
import { RecordReader } from './read-record.ts'
import { SeqRanges } from './seq-ranges.ts'
import { SeqSet } from './seq-set.ts'
import type { SignedSize } from './signed-sizes.ts'
import { SignedSizes } from './signed-sizes.ts'

/** Told of the bytes that were read since the last time. */
export type EpochProgress = (bytes: number) => void

/** The run over one epoch without its bytes: what `structuredClone` can copy. */
export interface EpochTask {
  readonly job: Omit<EpochJob, 'source' | 'twin' | 'named'>
  readonly named:
    | (Omit<NonNullable<EpochJob['named']>, 'sizes'> & { readonly sizes: SignedSize[] })
    | undefined
  readonly context: RunContext
}

/**
 * Runs epochs elsewhere, for instance on worker threads. What it answers is what {@link runEpoch} gave
 * there, copied.
 */
export interface EpochRunner {
  /** How many epochs it is handed at most before the first is done; at least 1. */
  readonly concurrency: number
  run(source: EpochBytes, task: EpochTask, progress: EpochProgress): Promise<EpochResult>
}

/** The task of a job; that of a second copy of an epoch cannot be copied. */
export function epochTask(job: EpochJob, context: RunContext): EpochTask {
  const { source: _source, twin: _twin, named, ...rest } = job
  return { job: rest, named: named && { ...named, sizes: sizesOf(named.sizes) }, context }
}

/**
 * All checks over one epoch, where the bytes are.
 *
 * @throws whatever the source throws when it cannot be read
 */
export function runEpoch(
  source: EpochBytes,
  task: EpochTask,
  progress: EpochProgress,
): Promise<EpochResult> {
  const named = task.named && { ...task.named, sizes: signedSizes(task.named.sizes) }
  const job = { ...task.job, source, twin: undefined, named }
  const tools = { splitter: new LineSplitter(), reader: new RecordReader(), progress }
  return new EpochRun(job, task.context, tools).run()
}

/** A result as it was before it was copied: sets have their methods again. */
export function revived(result: EpochResult): EpochResult {
  const { calls, doubts, lostEnds } = result
  return {
    ...result,
    calls: { ...calls, ended: new SeqSet(calls.ended.pages) },
    doubts: new SeqRanges(doubts.ranges),
    lostEnds: new SeqRanges(lostEnds.ranges),
  }
}

function sizesOf(sizes: SignedSizes): SignedSize[] {
  return Array.from({ length: sizes.count }, (_, rank) => sizes.at(rank) as SignedSize)
}

function signedSizes(list: readonly SignedSize[]): SignedSizes {
  const sizes = new SignedSizes(Math.max(1, list.length))
  for (const one of list) sizes.add(one)
  return sizes
}
