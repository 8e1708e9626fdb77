// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { counted } from './quantities.ts'
import type { Timeline, TimelineBreakglass, TimelineGap } from './timeline.ts'

/** What a timeline shows under its tree, a sentence each; not yet made harmless for a terminal. */
export function circumstanceTexts({ breakglass, erasures, gaps }: Timeline): string[] {
  return [
    ...(gaps ?? []).map(gapText),
    ...(breakglass ?? []).map(breakglassText),
    ...(erasures ?? []).map(
      ({ at, kids, record }) => `erased ${at.slice(0, 10)}: ${kids.join(' ')} (${record})`,
    ),
  ]
}

function gapText({ from, to, reason, record, records, refused, types }: TimelineGap): string {
  const listed = Object.entries(types).map(([type, count]) => `${count} ${type}`)
  const lost = listed.length === 0 ? '' : `: ${listed.join(', ')}`
  const unmade = refused === 0 ? '' : `, ${counted(refused, 'call')} not made`
  return (
    `gap ${moment(from)} to ${moment(to)} (${reason}): ${counted(records, 'record')} not ` +
    `written${lost}${unmade}; some may belong here (${record})`
  )
}

function breakglassText({
  by,
  calls,
  from,
  reason,
  record,
  to,
  until,
}: TimelineBreakglass): string {
  const begun = from === undefined ? 'opened earlier' : `from ${moment(from)}`
  const ended = to === undefined ? `until ${moment(until ?? '')} at most` : `to ${moment(to)}`
  const why = reason === undefined ? '' : ` (${reason})`
  const ran = calls === undefined ? '' : `, ${counted(calls, 'tool')} ran not durable`
  const who = by === undefined ? '' : `, by ${by}`
  return `break-glass ${begun} ${ended}${why}${ran}${who} (${record})`
}

/** `2026-11-21 09:15:02.123` */
function moment(at: string): string {
  return at.replace('T', ' ').replace('Z', '')
}
