// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Arrival } from './arrival.ts'
import { placeOf } from './arrival.ts'
import type { Findings } from './findings.ts'

/** How far the wall clock may drift from the monotonic one before it is worth a notice. */
export const SKEW_MILLIS_MAX = 2000
/** How far a record may lie in the verifier's future. */
export const FUTURE_MILLIS_MAX = 300_000

const NANOS_PER_MILLI = 1e6
const MINUTE_LENGTH = 'YYYY-MM-DDTHH:mm:'.length
const ZERO = 0x30

/** The clocks at a record. */
export interface ClockPoint {
  readonly at: string
  readonly monoNanos: string
  readonly skewMillis?: number | undefined
}

/**
 * The check `time` of one epoch. Order comes from `seq` and never from time, so a clock that steps
 * is no fault; but whoever reads the times has to know.
 */
export class ClockCheck {
  readonly #findings: Findings
  readonly #nowMillis: number
  #minute = ''
  #minuteMillis = 0
  #lastAt = ''
  #lastMono = -1
  #monoNanos = '0'
  #skew: number | undefined
  #futureSaid = false

  constructor(findings: Findings, nowMillis: number) {
    this.#findings = findings
    this.#nowMillis = nowMillis
  }

  /** Goes on behind a record that was checked before. */
  resume({ at, monoNanos, skewMillis }: ClockPoint): void {
    this.#lastAt = at
    this.#lastMono = Number(monoNanos) / NANOS_PER_MILLI
    this.#monoNanos = monoNanos
    this.#skew = skewMillis
  }

  /** Where the clocks stand. */
  get point(): ClockPoint {
    return { at: this.#lastAt, monoNanos: this.#monoNanos, skewMillis: this.#skew }
  }

  check(arrival: Arrival): void {
    const { at, mono_ns: monoNanos, event_at: eventAt } = arrival.read.envelope.time
    const { seq } = arrival.read.envelope.chain
    const atMillis = this.#parse(at)
    if (Number.isNaN(atMillis) || (eventAt !== undefined && Number.isNaN(Date.parse(eventAt)))) {
      const message = `Record ${seq} names a time that no calendar has.`
      this.#findings.fault({ code: 'schema', check: 'time', message }, placeOf(arrival))
      return
    }
    // As a double this is off by 2 µs after 200 days.
    const monoMillis = Number(monoNanos) / NANOS_PER_MILLI
    if (at < this.#lastAt) {
      this.#notice(arrival, `The wall clock went back from ${this.#lastAt} to ${at}.`)
      this.#skew = undefined
    }
    if (monoMillis < this.#lastMono) {
      this.#notice(arrival, `The monotonic clock went back before record ${seq}.`)
      this.#skew = undefined
    }
    if (eventAt !== undefined && eventAt > at) {
      this.#notice(arrival, `Record ${seq} speaks of ${eventAt}, later than it was written.`)
    }
    this.#compare(arrival, atMillis, monoMillis)
    this.#lastAt = at
    this.#lastMono = monoMillis
    this.#monoNanos = monoNanos
  }

  /** The two clocks against each other, and the wall clock against the verifier's. */
  #compare(arrival: Arrival, atMillis: number, monoMillis: number): void {
    const skew = atMillis - monoMillis
    const moved = skew - (this.#skew ?? skew)
    this.#skew ??= skew
    if (Math.abs(moved) > SKEW_MILLIS_MAX) {
      const way = moved > 0 ? 'ahead of' : 'behind'
      const seconds = (Math.abs(moved) / 1000).toFixed(1)
      this.#notice(arrival, `The wall clock got ${seconds} s ${way} the monotonic clock.`)
      this.#skew = skew
    }
    if (!this.#futureSaid && atMillis - this.#nowMillis > FUTURE_MILLIS_MAX) {
      this.#futureSaid = true
      this.#notice(arrival, 'This record and what follows lie in the future.')
    }
  }

  #notice(arrival: Arrival, message: string): void {
    this.#findings.notice({ code: 'clock', check: 'time', message }, placeOf(arrival))
  }

  /** Unix milliseconds of `YYYY-MM-DDTHH:mm:ss.sssZ`; records of the same minute share the date's. */
  #parse(at: string): number {
    if (this.#minute === '' || !at.startsWith(this.#minute)) {
      this.#minute = at.slice(0, MINUTE_LENGTH)
      this.#minuteMillis = Date.parse(`${this.#minute}00.000Z`)
      // V8 takes 30 February for 2 March.
      const isDay = !Number.isNaN(this.#minuteMillis)
      const back = isDay ? new Date(this.#minuteMillis).toISOString() : ''
      if (!back.startsWith(this.#minute)) this.#minuteMillis = Number.NaN
    }
    const digit = (i: number): number => at.charCodeAt(MINUTE_LENGTH + i) - ZERO
    const seconds = digit(0) * 10 + digit(1)
    if (seconds > 59) return Number.NaN
    return this.#minuteMillis + seconds * 1000 + digit(3) * 100 + digit(4) * 10 + digit(5)
  }
}
