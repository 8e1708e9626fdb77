// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { plural } from '@spanseal/core'
import type { StatusReport } from './status-report.ts'

/** Something that somebody has to look after; `code` is for programs. */
export interface StatusProblem {
  readonly code:
    | 'NO_EPOCHS'
    | 'NO_SPACE'
    | 'BEAT_OVERDUE'
    | 'GAP_PENDING'
    | 'GAP_UNTOLD'
    | 'RECORDS_LOST'
    | 'LAGGING'
    | 'ORPHANS'
    | 'UNREADABLE'
    | 'CURSOR_AHEAD'
    | 'BREAK_GLASS'
  readonly message: string
}

/** What the report alone does not say. */
export interface ProblemHints {
  /** Records that wait longer are a problem. */
  readonly lagMaxMillis: number
  /** Epochs of which a sink has more than lies here. */
  readonly ahead: number
  /** Epochs of living processes that have not been heard of for long. */
  readonly overdue: number
  readonly breakGlassUntil: string | undefined
}

/** With less nothing can be relied on: a last record, a beat and a checkpoint need some. */
const FREE_BYTES_MIN = 16 * 1024 * 1024

/** What is wrong with a journal, the worst first. */
export function statusProblems(
  report: Omit<StatusReport, 'ok' | 'problems' | 'epochs'>,
  hints: ProblemHints,
): StatusProblem[] {
  return [...evidenceProblems(report, hints), ...deliveryProblems(report, hints)]
}

type Told = Omit<StatusReport, 'ok' | 'problems' | 'epochs'>

function evidenceProblems({ gaps, spool, states }: Told, hints: ProblemHints): StatusProblem[] {
  const { freeBytes = Number.POSITIVE_INFINITY } = spool
  return told([
    [
      Object.keys(states).length === 0,
      'NO_EPOCHS',
      'no agent ever wrote here: is it the right folder, and the volume mounted?',
    ],
    [
      freeBytes < FREE_BYTES_MIN,
      'NO_SPACE',
      `${freeBytes} bytes are free: records, and what agents say of themselves, may not be written`,
    ],
    [
      hints.overdue > 0,
      'BEAT_OVERDUE',
      `${plural(hints.overdue, 'live epoch')} not heard of for a minute: the disk may be full, or the process hang; what it says of itself is old`,
    ],
    [
      gaps.pending > 0,
      'GAP_PENDING',
      `writing fails now: ${plural(gaps.pending, 'record')} could not be written; make room, or mend the disk`,
    ],
    [
      gaps.untold > 0,
      'GAP_UNTOLD',
      `${plural(gaps.untold, 'record')} could not be written by a process that is gone; the next start of an agent on this folder puts that on record`,
    ],
    [
      gaps.records > 0,
      'RECORDS_LOST',
      `${plural(gaps.records, 'record')} could not be written; the log has a gap record that says when: spanseal verify`,
    ],
    [
      hints.breakGlassUntil !== undefined,
      'BREAK_GLASS',
      `break-glass is open until ${hints.breakGlassUntil}: tools run though their intent may not be durable`,
    ],
  ])
}

function deliveryProblems(
  { lagAgeMillis = 0, orphans, states }: Told,
  { ahead, lagMaxMillis }: ProblemHints,
): StatusProblem[] {
  const { unknown = 0 } = states
  const isLate = lagAgeMillis > lagMaxMillis
  return told([
    [
      isLate,
      'LAGGING',
      `the oldest undelivered record waits for ${Math.round(lagAgeMillis / 1_000)} s; see that spanseal ship runs and reaches its brokers`,
    ],
    [
      isLate && orphans.length > 0,
      'ORPHANS',
      `${plural(orphans.length, 'epoch')} of ended processes undelivered; spanseal ship delivers what they left`,
    ],
    [
      unknown > 0,
      'UNREADABLE',
      `${plural(unknown, 'epoch')} cannot be read, or not to the end; see spanseal verify`,
    ],
    [
      ahead > 0,
      'CURSOR_AHEAD',
      `of ${plural(ahead, 'epoch')} more was delivered than lies here, and nothing more is: is it an older copy of the folder? see spanseal verify, and spanseal restore`,
    ],
  ])
}

function told(
  rows: readonly (readonly [when: boolean, code: StatusProblem['code'], message: string])[],
): StatusProblem[] {
  return rows.filter(([when]) => when).map(([, code, message]) => ({ code, message }))
}
