// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { FreeText } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import type { RecordPlace } from '@spanseal/journal'
import { assertKnownKeys, assertText, refuse } from './guards.ts'
import type { RecordWriter } from './record-writer.ts'

/** Why tools may run whose intents cannot be made durable, for how long, and by whose decision. */
export interface BreakGlassOptions {
  /** Committed, never in clear. */
  readonly reason: string
  /** More than 0, at most 1,440 (a day); default 15. */
  readonly minutes?: number
  /** The person who decided it; stored as a pseudonym. */
  readonly by?: string
}

/** A break-glass period under way. */
export interface BrokenGlass {
  /** 16 hex digits, the same in both of its records. */
  readonly id: string
  /** When it ends by itself; `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly until: string
  /** Ends it. Idempotent; never throws. */
  close(): void
}

/** What `health()` shows of a period under way. */
export interface BreakGlassHealth {
  readonly id: string
  readonly until: string
  /** Tools that ran so far although their intent could not be made durable. */
  readonly calls: number
}

export interface BreakGlassParts {
  readonly records: RecordWriter
  /** Wall clock in milliseconds since 1970. */
  readonly now: () => number
  /** Monotonic: setting the wall clock back prolongs nothing. */
  readonly monoNanos: () => bigint
  /** Undefined where no key is there to commit it under. */
  readonly freeText: (text: string, at: RecordPlace) => FreeText | undefined
  readonly personRef: (id: string) => string
}

interface Period {
  readonly id: string
  readonly until: string
  readonly untilMillis: number
  readonly untilMonoNanos: bigint
  readonly timer: NodeJS.Timeout
  calls: number
}

const DEFAULT_MINUTES = 15
const MINUTES_MAX = 1_440
const MINUTE_MILLIS = 60_000
const NANOS_PER_MILLI = 1_000_000n
const ID_BYTES = 8

/**
 * The time in which tools of fail mode `closed` run although their intents cannot be made durable. Its
 * begin and end are records: where they cannot be written, they are as soon as that is possible again,
 * before any other.
 */
export class BreakGlass {
  readonly #parts: BreakGlassParts
  #period: Period | undefined

  constructor(parts: BreakGlassParts) {
    this.#parts = parts
  }

  /**
   * Begins a period.
   *
   * @throws AuditError `INVALID_OPTION`; `ALREADY_RUNNING` while one is open: close that first, so that
   * each has a reason and an end of its own
   */
  open(options: BreakGlassOptions): BrokenGlass {
    const { reason, minutes, by } = checked(options)
    const running = this.health
    if (running !== undefined) {
      const message = `break-glass ${running.id} is open until ${running.until}; close it first`
      throw new AuditError('ALREADY_RUNNING', message)
    }
    const { records, now, monoNanos, freeText, personRef } = this.#parts
    const millis = minutes * MINUTE_MILLIS
    const untilMillis = now() + millis
    const period: Period = {
      id: Buffer.from(crypto.getRandomValues(new Uint8Array(ID_BYTES))).toString('hex'),
      until: new Date(untilMillis).toISOString(),
      untilMillis,
      untilMonoNanos: monoNanos() + BigInt(Math.ceil(millis)) * NANOS_PER_MILLI,
      timer: setTimeout(() => this.#endIfOver(), millis).unref(),
      calls: 0,
    }
    this.#period = period
    const { id, until } = period
    const person = by === undefined ? {} : { by: personRef(by) }
    records.appendSurely('breakglass.open', (at) => {
      const text = freeText(reason, at)
      const why = text === undefined ? {} : { reason: text }
      return { severity: 'critical', detail: { ...person, id, ...why, until } }
    })
    return { id, until, close: () => this.#end(period, 'closed') }
  }

  /** Whether a tool may run now although its intent is not durable; counts it. */
  allows(): boolean {
    this.#endIfOver()
    if (this.#period === undefined) return false
    this.#period.calls++
    return true
  }

  /** Absent while none is open. */
  get health(): BreakGlassHealth | undefined {
    this.#endIfOver()
    if (this.#period === undefined) return undefined
    const { id, until, calls } = this.#period
    return { id, until, calls }
  }

  /** Ends what is open, because the audit ends. */
  shutdown(): void {
    if (this.#period !== undefined) this.#end(this.#period, 'shutdown')
  }

  #endIfOver(): void {
    const period = this.#period
    if (period === undefined) return
    const { now, monoNanos } = this.#parts
    if (now() < period.untilMillis && monoNanos() < period.untilMonoNanos) return
    this.#end(period, 'expired')
  }

  #end(period: Period, reason: 'closed' | 'expired' | 'shutdown'): void {
    if (this.#period !== period) return
    clearTimeout(period.timer)
    this.#period = undefined
    const { id, calls } = period
    const detail = { calls, id, reason }
    this.#parts.records.appendSurely('breakglass.close', () => ({ severity: 'critical', detail }))
  }
}

function checked(
  options: BreakGlassOptions,
): Required<Pick<BreakGlassOptions, 'reason' | 'minutes'>> & Pick<BreakGlassOptions, 'by'> {
  assertKnownKeys('breakGlass', options, ['reason', 'minutes', 'by'])
  const { reason, minutes = DEFAULT_MINUTES, by } = options
  if (assertText('breakGlass.reason', reason).trim() === '') {
    refuse('breakGlass.reason', reason, 'why tools shall run without evidence on disk')
  }
  if (!(typeof minutes === 'number' && minutes > 0 && minutes <= MINUTES_MAX)) {
    refuse('breakGlass.minutes', minutes, `minutes, more than 0 and at most ${MINUTES_MAX}`)
  }
  if (by !== undefined && assertText('breakGlass.by', by) === '') {
    refuse('breakGlass.by', by, 'the person who decided it')
  }
  return { reason, minutes, ...(by !== undefined && { by }) }
}
