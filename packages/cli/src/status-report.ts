// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { statfsSync } from 'node:fs'
import type { EpochState, EpochStatus, JournalStatus, JournalTotals } from '@spanseal/journal'
import { FolderSize } from '@spanseal/journal'
import type { StatusProblem } from './status-problems.ts'
import { statusProblems } from './status-problems.ts'
import type { ViewState } from './vitals-read.ts'
import { readVitals } from './vitals-read.ts'

/** Twelve beats of a writer. */
const BEAT_OVERDUE_MILLIS = 60_000

/** How a journal stands, as `spanseal status --json` prints it. */
export interface StatusReport {
  readonly folder: string
  /** ISO 8601. */
  readonly at: string
  /** No problem is known. */
  readonly ok: boolean
  readonly problems: readonly StatusProblem[]
  readonly watermarks: Pick<JournalTotals, 'produced' | 'durable' | 'acknowledged'>
  /** By sink: records not acknowledged. */
  readonly lag: Readonly<Record<string, number>>
  /** Age of the oldest record that some sink has not acknowledged; absent where there is none. */
  readonly lagAgeMillis?: number
  readonly spool: {
    /** In all files of all epochs: what a budget counts. */
    readonly bytes: number
    /** Of those: in compressed segments. */
    readonly compressedBytes: number
    /** Of the file system, for this user; absent where it does not tell. */
    readonly freeBytes?: number
  }
  /** How many epochs are in each state. */
  readonly states: Readonly<Partial<Record<EpochState, number>>>
  readonly orphans: readonly string[]
  /** What could not be written, as the processes that still have an epoch here say. */
  readonly gaps: {
    readonly records: number
    readonly refused: number
    /** Records of which no gap record tells yet, because writing still fails. */
    readonly pending: number
    /** Records of which none tells, because the process ended before writing worked again. */
    readonly untold: number
  }
  readonly view: ViewState
  readonly epochs: JournalStatus['epochs']
}

export interface ReportOptions {
  readonly folder: string
  /** Records that wait longer are a problem. */
  readonly lagMaxMillis: number
}

/** What a journal's state comes to. Never throws. */
export function statusReport(status: JournalStatus, options: ReportOptions): StatusReport {
  const { epochs, orphans, totals } = status
  const { acknowledged, durable, oldestUnacknowledgedAt, produced, unacknowledged } = totals
  const vitals = readVitals(epochs)
  const recordsOf = (gaps: JournalStatus['gapsPending']): number =>
    gaps.reduce((sum, { records }) => sum + records, 0)
  const pending = recordsOf(status.gapsPending.filter(({ left }) => !left))
  const untold = recordsOf(status.gapsPending) - pending
  const report = {
    folder: options.folder,
    at: new Date(status.at).toISOString(),
    watermarks: { produced, durable, acknowledged },
    lag: unacknowledged,
    ...(oldestUnacknowledgedAt !== undefined && {
      lagAgeMillis: Math.max(0, status.at - oldestUnacknowledgedAt),
    }),
    spool: {
      bytes: new FolderSize(options.folder).bytes(),
      compressedBytes: totals.compressedBytes,
      ...freeBytes(options.folder),
    },
    states: Object.fromEntries(countStates(status)),
    orphans,
    gaps: { records: vitals.lost.records, refused: vitals.lost.refused, pending, untold },
    view: vitals.view,
  }
  const problems = statusProblems(report, {
    ...options,
    ahead: epochs.filter(({ ahead }) => ahead !== undefined).length,
    overdue: epochs.filter((epoch) => isOverdue(epoch, status.at)).length,
    breakGlassUntil: vitals.breakGlassUntil,
  })
  return { ...report, ok: problems.length === 0, problems, epochs }
}

/** Its process is there, and has not said so for long: the disk may be full, or the process hang. */
function isOverdue({ lastBeat, state }: EpochStatus, at: number): boolean {
  return state === 'live' && lastBeat !== undefined && at - lastBeat > BEAT_OVERDUE_MILLIS
}

function countStates({ epochs }: JournalStatus): Map<EpochState, number> {
  const counts = new Map<EpochState, number>()
  for (const { state } of epochs) counts.set(state, (counts.get(state) ?? 0) + 1)
  return counts
}

function freeBytes(folder: string): { freeBytes?: number } {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return { freeBytes: bavail * bsize }
  } catch {
    return {}
  }
}
