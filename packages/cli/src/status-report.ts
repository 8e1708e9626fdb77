// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { statfsSync } from 'node:fs'
import type { EpochState, JournalStatus, JournalTotals } from '@spanseal/journal'
import { FolderSize } from '@spanseal/journal'
import type { ViewState } from './vitals-read.ts'
import { readVitals } from './vitals-read.ts'

/** Something that somebody has to look after; `code` is for programs. */
export interface StatusProblem {
  readonly code:
    | 'NO_EPOCHS'
    | 'LAGGING'
    | 'ORPHANS'
    | 'GAP_PENDING'
    | 'GAP_UNTOLD'
    | 'RECORDS_LOST'
    | 'UNREADABLE'
    | 'CURSOR_AHEAD'
    | 'BREAK_GLASS'
  readonly message: string
}

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
  const problems = problemsOf(report, {
    ...options,
    ahead: epochs.filter(({ ahead }) => ahead !== undefined).length,
    breakGlassUntil: vitals.breakGlassUntil,
  })
  return { ...report, ok: problems.length === 0, problems, epochs }
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

function problemsOf(
  report: Omit<StatusReport, 'ok' | 'problems' | 'epochs'>,
  {
    ahead,
    breakGlassUntil,
    lagMaxMillis,
  }: ReportOptions & { readonly ahead: number; readonly breakGlassUntil: string | undefined },
): StatusProblem[] {
  const { gaps, lagAgeMillis = 0, orphans, states } = report
  const problems: StatusProblem[] = []
  const add = (when: boolean, code: StatusProblem['code'], message: string): void => {
    if (when) problems.push({ code, message })
  }
  add(
    gaps.pending > 0,
    'GAP_PENDING',
    `writing fails now: ${gaps.pending} records could not be written; make room, or mend the disk`,
  )
  add(
    gaps.records > 0,
    'RECORDS_LOST',
    `${gaps.records} records could not be written; the log has a gap record that says when: spanseal verify`,
  )
  add(
    gaps.untold > 0,
    'GAP_UNTOLD',
    `${gaps.untold} records could not be written by a process that is gone; the next start of an agent on this folder puts that on record`,
  )
  add(
    Object.keys(states).length === 0,
    'NO_EPOCHS',
    'no agent ever wrote here: is it the right folder, and the volume mounted?',
  )
  add(
    lagAgeMillis > lagMaxMillis,
    'LAGGING',
    `the oldest undelivered record waits for ${Math.round(lagAgeMillis / 1_000)} s; see that spanseal ship runs and reaches its brokers`,
  )
  add(
    orphans.length > 0 && lagAgeMillis > lagMaxMillis,
    'ORPHANS',
    `${orphans.length} epochs of ended processes are undelivered; spanseal ship delivers them`,
  )
  add(
    (states.unknown ?? 0) > 0,
    'UNREADABLE',
    `${states.unknown} epochs cannot be read, or not to their ends; see spanseal verify`,
  )
  add(
    ahead > 0,
    'CURSOR_AHEAD',
    `of ${ahead} epochs more was delivered than lies here, and nothing more of them is: is it an older copy of the folder? see spanseal verify, and spanseal restore`,
  )
  add(
    breakGlassUntil !== undefined,
    'BREAK_GLASS',
    `break-glass is open until ${breakGlassUntil}: tools run though their intent may not be durable`,
  )
  return problems
}
