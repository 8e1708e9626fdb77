// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatHeadLine } from '../head-line.ts'
import { printable } from '../timeline/printable.ts'
import { formatBytes, formatMillis } from '../timeline/quantities.ts'
import type { Verdict } from '../verify/verdict.ts'
import type { GivenCounts, StatementHints } from './advice.ts'
import { journalAdvice } from './advice.ts'
import { JOURNAL_CODES } from './code-texts.ts'
import { findingGroups } from './finding-groups.ts'
import { journalLevel } from './journal-level.ts'
import type { LevelText, Statement } from './statement.ts'
import { plural, titleOf } from './statement.ts'

const IGNORED_SHOWN = 3
const HEADS_SHOWN = 3

/** What the verdict on a journal is about, and how it was come by. */
export interface JournalFrame extends GivenCounts {
  /** What lay there and is no part of a journal. */
  readonly ignored: readonly { readonly path: string; readonly reason: string }[]
  /** What was read, and how long that took; left out where nobody measured. */
  readonly effort?: { readonly bytes: number; readonly millis: number }
  /** Default: none. */
  readonly hints?: StatementHints
}

type Row = readonly [label: string, text: string]

/**
 * The verdict on a journal in words: what holds, what that means, what it does not prove, what was
 * found and where, and what to do next. "Complete" is not said below level 3.
 */
export function journalStatement(verdict: Verdict, frame: JournalFrame): Statement {
  const { counts, findings, heads, level, ok, tenantHead } = verdict
  const words = journalLevel(verdict)
  const shown = ok ? heads.slice(tenantHead === undefined ? -HEADS_SHOWN : -1) : []
  return {
    holds: ok,
    title: titleOf(ok, level, words),
    rows: [
      ['Means', words.means],
      ['Not proved', notProvedText(verdict, words)],
      ['Checked', checkedText(verdict, frame)],
      ...admissionRows(verdict),
      ['Ends', endsText(verdict)],
      ['Tail', tailText(verdict)],
      ...outsideRows(verdict),
      ...restRows(verdict),
      ...ignoredRows(frame),
    ],
    // A code says enough; which check found it is in the JSON.
    groups: findingGroups(findings, { means: JOURNAL_CODES, counts }),
    heads: shown.map((head) => printable(formatHeadLine(head))),
    moreHeads: ok ? heads.length - shown.length : 0,
    next: journalAdvice(verdict, frame, frame.hints ?? {}),
  }
}

/** What a head stands for was not looked at. */
function notProvedText({ heldByHead }: Verdict, { notProved }: LevelText): string {
  if (heldByHead === 0) return notProved
  return `That the ${plural(heldByHead, 'record')} which your head file stands for are still what they were. ${notProved}`
}

function checkedText(verdict: Verdict, { effort }: JournalFrame): string {
  const { checked, epochs, expected, expired, heldByHead } = verdict
  const wanted =
    expected === checked + heldByHead + expired
      ? ''
      : `, where ${plural(expected, 'record')} ${expected === 1 ? 'is' : 'are'} accounted for`
  const text = `${plural(checked, 'record')} in ${plural(epochs, 'epoch')}${wanted}`
  if (effort === undefined) return text
  const { bytes, millis } = effort
  const rate = millis < 100 ? '' : `, ${formatBytes((bytes / millis) * 1_000)}/s`
  return `${text}; ${formatBytes(bytes)} in ${formatMillis(millis)}${rate}`
}

/** What the log says against itself: never left out, and no fault. */
function admissionRows({ breakglass, gaps }: Verdict): Row[] {
  const { calls, closed, opened } = breakglass
  const lost = [
    ...(gaps.records > 0 ? [`${plural(gaps.records, 'record')} could not be written`] : []),
    ...(gaps.refused > 0
      ? [`${plural(gaps.refused, 'call')} ${gaps.refused === 1 ? 'was' : 'were'} not made`]
      : []),
  ]
  const said = `${lost.join(', ') || 'nothing was lost'}: the log says so itself, in ${plural(gaps.count, 'gap record')}`
  const forced =
    `tools were let run although their intent could not be made durable: opened ${times(opened)}, ` +
    `closed ${times(closed)}, ${plural(calls, 'tool')} ran so`
  return [
    ...(gaps.count > 0 ? [['Gaps', said] as const] : []),
    ...(opened + closed > 0 ? [['Breakglass', forced] as const] : []),
  ]
}

function times(count: number): string {
  return plural(count, 'time')
}

function endsText({ ends, epochs }: Verdict): string {
  if (epochs === 0) return 'no epoch'
  const { closed, headed, crashed, open } = ends
  const parts = [
    [closed, 'closed by the writer'],
    [headed, 'fixed by a given head'],
    [crashed, 'crashed, end named by a later epoch'],
    [open, 'open: nothing names the end'],
  ] as const
  const shown = parts.filter(([count]) => count > 0)
  return shown.map(([count, text]) => `${count.toLocaleString('en-US')} ${text}`).join('; ')
}

function tailText({ attestedTail: tail, checked, heldByHead }: Verdict): string {
  if (checked + heldByHead === 0) return 'none'
  if (tail === 0) return 'none: the last checkpoints cover every record'
  return `${plural(tail, 'record')} behind the last checkpoint: linked, but not signed`
}

/** Who saw the log outside. What a head says nothing of is never called complete. */
function outsideRows({ beyondHead, tenantHead, timestampedAt, witnessed }: Verdict): Row[] {
  const { at, k, n, threshold } = witnessed
  const since = at === undefined ? '' : `, the newest ${threshold} at ${at} or later`
  const seen = [
    ...(threshold > 0
      ? [`${k} of ${n} cosigned the tenant log, ${threshold} asked for${since}`]
      : []),
    ...(timestampedAt === undefined ? [] : [`time-stamped at ${timestampedAt}`]),
  ]
  const { epochs, records } = beyondHead
  const head =
    tenantHead === undefined ? 'your heads' : `entry ${tenantHead.size} of the tenant log`
  const beyond = `${plural(records, 'record')} behind ${head}, ${plural(epochs, 'epoch')} of which nothing is named there`
  return [
    ...(seen.length === 0 ? [] : [['Witnesses', printable(seen.join('; '))] as const]),
    ...(records === 0 && epochs === 0 ? [] : [['Beyond', beyond] as const]),
  ]
}

/** Records that were not read, are no longer there, or may have been signed too early. */
function restRows({ expired, heldByHead, unsynced }: Verdict): Row[] {
  const held = `${plural(heldByHead, 'record')} not read again: the head file you gave stands for them, and what was edited there since is not seen`
  const gone = `${plural(expired, 'record')} removed when their time had passed; a stub stands for them`
  const early =
    `${plural(unsynced, 'epoch')} written with durability "none": checkpoints there may cover ` +
    'records that a power cut has taken from the disk'
  return [
    ...(heldByHead > 0 ? [['Held', held] as const] : []),
    ...(expired > 0 ? [['Expired', gone] as const] : []),
    ...(unsynced > 0 ? [['Not synced', early] as const] : []),
  ]
}

function ignoredRows({ ignored }: JournalFrame): Row[] {
  const shown = ignored.slice(0, IGNORED_SHOWN).map(({ path, reason }) => `${path}: ${reason}`)
  if (shown.length === 0) return []
  const more = ignored.length - shown.length
  const lines = more > 0 ? [...shown, `… and ${more} more`] : shown
  return [['Not read', lines.map(printable).join('\n')]]
}
