// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EventType, GapDetail, RecordDraft } from '@spanseal/core'
import { EVENT_TYPES } from '@spanseal/core'

export type GapReason = GapDetail['reason']

/** What could not be written and stands in no gap yet. */
export interface OpenGap {
  readonly records: number
  /** Calls that were not made for it. */
  readonly refused: number
  /** `YYYY-MM-DDTHH:mm:ss.sssZ` of the first of them. */
  readonly since: string
}

/** The same with all that a record of it needs. */
export interface PendingGap extends OpenGap {
  /** `YYYY-MM-DDTHH:mm:ss.sssZ` of the last of them. */
  readonly until: string
  /** Why the first one could not be written. */
  readonly reason: GapReason
  /** How many records of each type; together `records`. */
  readonly types: GapDetail['types']
}

/** What the gaps that were written say, in sum. */
export interface WrittenGaps {
  readonly records: number
  readonly refused: number
  readonly count: number
}

/** Counts what could not be written, until a record of it could: nothing is lost silently. */
export class GapTally {
  #records = 0
  #refused = 0
  #types = new Map<EventType, number>()
  #reason: GapReason | undefined
  #firstMillis = 0
  #lastMillis = 0
  #written: WrittenGaps = { records: 0, refused: 0, count: 0 }

  /** Something is counted that no gap says yet. */
  get isPending(): boolean {
    return this.#reason !== undefined
  }

  /** Why the first of it could not be written. */
  get reason(): GapReason | undefined {
    return this.#reason
  }

  get pending(): OpenGap | undefined {
    if (!this.isPending) return undefined
    const since = new Date(this.#firstMillis).toISOString()
    return { records: this.#records, refused: this.#refused, since }
  }

  get written(): WrittenGaps {
    return this.#written
  }

  /** A record could not be written. */
  lost(type: EventType, reason: GapReason, nowMillis: number): void {
    this.#note(reason, nowMillis)
    this.#records++
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1)
  }

  /** A call was not made, because its intent could not be made durable. */
  refused(reason: GapReason, nowMillis: number): void {
    this.#note(reason, nowMillis)
    this.#refused++
  }

  /** All that is known of it, so that another process could tell it. */
  get whole(): PendingGap | undefined {
    const { pending } = this
    if (pending === undefined) return undefined
    return {
      ...pending,
      until: new Date(this.#lastMillis).toISOString(),
      reason: this.#reason ?? 'write_failed',
      types: Object.fromEntries(this.#types),
    }
  }

  /** A record of a gap that another writer left stands in the journal. */
  toldAnother(gap: OpenGap): void {
    const { records, refused, count } = this.#written
    this.#written = {
      records: records + gap.records,
      refused: refused + gap.refused,
      count: count + 1,
    }
  }

  /** The record stands in the journal. */
  settle(): void {
    if (this.pending !== undefined) this.toldAnother(this.pending)
    this.#records = 0
    this.#refused = 0
    this.#types = new Map()
    this.#reason = undefined
  }

  // A clock that is set back must not put the end before the beginning.
  #note(reason: GapReason, nowMillis: number): void {
    const isFirst = this.#reason === undefined
    this.#reason ??= reason
    this.#firstMillis = isFirst ? nowMillis : Math.min(this.#firstMillis, nowMillis)
    this.#lastMillis = isFirst ? nowMillis : Math.max(this.#lastMillis, nowMillis)
  }
}

/** The record that says it. */
export function gapDraft({
  since,
  until,
  reason,
  records,
  refused,
  types,
}: PendingGap): RecordDraft {
  const counts = { records, ...(refused === 0 ? {} : { refused }) }
  const detail: GapDetail = { first_at: since, last_at: until, reason, ...counts, types }
  return { type: 'gap', severity: 'error', detail }
}

const REASONS: ReadonlySet<unknown> = new Set(['write_failed', 'journal_full', 'sync_failed'])
const TYPES: ReadonlySet<string> = new Set(EVENT_TYPES)
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** A gap as it stands in a file that anybody may have written; undefined where it does not add up. */
export function gapFrom(value: unknown): PendingGap | undefined {
  const { records, refused, since, until, reason, types } = fieldsOf(value)
  if (!isTime(since) || !isTime(until) || until < since || !REASONS.has(reason)) return undefined
  const byType = Object.entries(fieldsOf(types))
  const isKnown = byType.every(([type, count]) => TYPES.has(type) && isCount(count) && count > 0)
  const sum = byType.reduce((total, [, count]) => total + Number(count), 0)
  if (!isKnown || !isCount(records) || !isCount(refused) || sum !== records) return undefined
  if (records + refused === 0) return undefined
  const said = { since, until, reason: reason as GapReason }
  return { records, refused, ...said, types: Object.fromEntries(byType) as GapDetail['types'] }
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value))
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
