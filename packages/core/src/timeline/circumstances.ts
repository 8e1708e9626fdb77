// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  AuditRecord,
  BreakglassClose,
  BreakglassOpen,
  ErasureDone,
  Gap,
  GapDetail,
} from '../record.ts'
import type { TracedRecord } from './entry.ts'
import type { Timeline, TimelineBreakglass, TimelineErasure, TimelineGap } from './timeline.ts'

/** A record of the log about itself that may tell how a trace came about, or what it lacks. */
export type Circumstance = ErasureDone | Gap | BreakglassOpen | BreakglassClose

const TYPES: ReadonlySet<string> = new Set<Circumstance['type']>([
  'breakglass.close',
  'breakglass.open',
  'erasure.done',
  'gap',
])

export function isCircumstance(record: AuditRecord): record is Circumstance {
  return TYPES.has(record.type)
}

/** When a trace took place; `to` is absent while it goes on. */
interface Span {
  readonly from: string
  readonly to?: string
}

/**
 * Which circumstances concern a trace: erasures of keys that its records name; gaps, and periods of
 * broken glass, that fall into its time. Nobody knows which trace a record that was never written
 * belonged to, so a gap is told in every trace that it may have a part of.
 */
export function circumstancesOf(
  records: readonly TracedRecord[],
  circumstances: readonly Circumstance[],
  span: Span,
): Pick<Timeline, 'erasures' | 'gaps' | 'breakglass'> {
  const seen = new Set<string>()
  const once = circumstances.filter((one) => !seen.has(idOf(one)) && seen.add(idOf(one)))
  const erasures = erasuresIn(records, once)
  const gaps = once.flatMap((one) => (one.type === 'gap' ? gapIn(one, span) : []))
  const breakglass = periodsOf(once).filter(({ from, to, until }) =>
    overlaps(span, { from: from ?? '', to: to ?? until ?? '' }),
  )
  return {
    ...(erasures.length > 0 && { erasures }),
    ...(gaps.length > 0 && { gaps }),
    ...(breakglass.length > 0 && { breakglass }),
  }
}

function overlaps(span: Span, other: { readonly from: string; readonly to: string }): boolean {
  return other.to >= span.from && (span.to === undefined || other.from <= span.to)
}

function erasuresIn(
  records: readonly TracedRecord[],
  circumstances: readonly Circumstance[],
): TimelineErasure[] {
  const erasures = circumstances.filter((one) => one.type === 'erasure.done')
  if (erasures.length === 0) return []
  const texts = records.map((record) => JSON.stringify(record))
  return erasures.flatMap((record) => {
    const kids = record.detail.kids.filter((kid) => texts.some((text) => text.includes(kid)))
    return kids.length === 0 ? [] : [{ at: record.time.at, record: idOf(record), kids }]
  })
}

function gapIn(record: Gap, span: Span): TimelineGap[] {
  const { first_at: first, last_at: last, reason, records, refused = 0 } = record.detail
  // A clock that was set back while nothing could be written leaves the last before the first.
  const [from, to] = first <= last ? [first, last] : [last, first]
  if (!overlaps(span, { from, to })) return []
  const types: GapDetail['types'] = record.detail.types
  return [{ record: idOf(record), from, to, reason, records, refused, types }]
}

/** Openings with the closing of the same id; one whose other half is not here stands alone. */
function periodsOf(circumstances: readonly Circumstance[]): TimelineBreakglass[] {
  const closings = new Map<string, BreakglassClose>()
  for (const one of circumstances) {
    if (one.type === 'breakglass.close') closings.set(one.detail.id, one)
  }
  const opened = circumstances.flatMap((one) => {
    if (one.type !== 'breakglass.open') return []
    const { by, id, until } = one.detail
    const closing = closings.get(id)
    closings.delete(id)
    const from = one.time.at
    return [{ id, record: idOf(one), from, until, ...(by && { by }), ...ending(closing) }]
  })
  const alone = [...closings.values()].map((one) => ({
    id: one.detail.id,
    record: idOf(one),
    ...ending(one),
  }))
  return [...opened, ...alone]
}

function ending(closing: BreakglassClose | undefined): Partial<TimelineBreakglass> {
  if (closing === undefined) return {}
  const { calls, reason } = closing.detail
  return { to: closing.time.at, calls, reason }
}

function idOf({ chain }: AuditRecord): string {
  return `${chain.epoch}/${chain.seq}`
}
