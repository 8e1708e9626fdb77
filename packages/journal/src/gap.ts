// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EventType, GapDetail, RecordDraft } from '@spanseal/core'

export type GapReason = GapDetail['reason']

/** What could not be written and stands in no gap yet. */
export interface OpenGap {
  readonly records: number
  /** Calls that were not made for it. */
  readonly refused: number
  /** `YYYY-MM-DDTHH:mm:ss.sssZ` of the first of them. */
  readonly since: string
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

  /** The record that says it. */
  draft(): RecordDraft {
    const detail: GapDetail = {
      first_at: new Date(this.#firstMillis).toISOString(),
      last_at: new Date(this.#lastMillis).toISOString(),
      reason: this.#reason ?? 'write_failed',
      records: this.#records,
      ...(this.#refused === 0 ? {} : { refused: this.#refused }),
      types: Object.fromEntries(this.#types),
    }
    return { type: 'gap', severity: 'error', detail }
  }

  /** The record stands in the journal. */
  settle(): void {
    const { records, refused, count } = this.#written
    this.#written = {
      records: records + this.#records,
      refused: refused + this.#refused,
      count: count + 1,
    }
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
