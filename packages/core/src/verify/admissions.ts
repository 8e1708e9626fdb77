// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Arrival } from './arrival.ts'
import { placeOf } from './arrival.ts'
import type { Findings } from './findings.ts'
import type { Verdict } from './verdict.ts'

/** What a log says against itself, in numbers. */
export type Admissions = Pick<Verdict, 'gaps' | 'breakglass'>

const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['journal_full', 'the journal was full'],
  ['sync_failed', 'a sync failed'],
  ['write_failed', 'a write failed'],
])

/** Of all epochs. */
export function sumOfAdmissions(all: readonly Admissions[]): Admissions {
  const sum = (of: (one: Admissions) => number): number =>
    all.reduce((total, one) => total + of(one), 0)
  return {
    gaps: {
      count: sum(({ gaps }) => gaps.count),
      records: sum(({ gaps }) => gaps.records),
      refused: sum(({ gaps }) => gaps.refused),
    },
    breakglass: {
      opened: sum(({ breakglass }) => breakglass.opened),
      closed: sum(({ breakglass }) => breakglass.closed),
      calls: sum(({ breakglass }) => breakglass.calls),
    },
  }
}

/**
 * The records by which a log says what it lacks, `gap`, and when it was made to run without being
 * sure of it, `breakglass.open` and `.close`. They are no faults: a writer that says so kept its
 * promise. Read without the schema's help, for revisions that are not known here.
 */
export class AdmissionCheck {
  readonly #findings: Findings
  readonly #gaps = { count: 0, records: 0, refused: 0 }
  readonly #breakglass = { opened: 0, closed: 0, calls: 0 }

  constructor(findings: Findings) {
    this.#findings = findings
  }

  get admissions(): Admissions {
    return { gaps: { ...this.#gaps }, breakglass: { ...this.#breakglass } }
  }

  /** A record about which nothing was found so far. */
  check(arrival: Arrival): void {
    const { type } = arrival.read.envelope
    if (type === 'gap') this.#gap(arrival)
    else if (type === 'breakglass.open') this.#breakglass.opened++
    else if (type === 'breakglass.close') {
      this.#breakglass.closed++
      this.#breakglass.calls += countOf(detailOf(arrival)['calls'])
    }
  }

  #gap(arrival: Arrival): void {
    const detail = detailOf(arrival)
    const records = countOf(detail['records'])
    const refused = countOf(detail['refused'])
    const types = Object.entries(Object(detail['types']) as Record<string, unknown>)
    const byType = types.reduce((sum, [, count]) => sum + countOf(count), 0)
    this.#gaps.count++
    this.#gaps.records += records
    this.#gaps.refused += refused
    const lost = records === 0 ? '' : `${plural(records, 'record')} could not be written`
    const unmade = refused === 0 ? '' : `${plural(refused, 'call')} ${were(refused)} not made`
    const what = [lost, unmade].filter((part) => part !== '').join(', and ')
    const message = `${what || 'Nothing was lost'} ${span(detail)}, as ${why(detail)}: the log says so itself.${listOf(types)}`
    this.#findings.notice({ code: 'gap', check: 'epoch', message }, placeOf(arrival))
    if (byType === records && records + refused > 0) return
    const other = `The gap counts ${plural(records, 'record')}, ${byType} by their types, and ${plural(refused, 'call')} not made.`
    arrival.flaw = this.#findings.fault(
      { code: 'forged', check: 'epoch', message: other },
      placeOf(arrival),
    )
  }
}

function listOf(types: readonly (readonly [string, unknown])[]): string {
  const listed = types.map(([type, count]) => `${countOf(count)} ${type}`).join(', ')
  return listed === '' ? '' : ` They were ${listed}.`
}

function span({ first_at: first, last_at: last }: Readonly<Record<string, unknown>>): string {
  return first === last ? `at ${textOf(first)}` : `between ${textOf(first)} and ${textOf(last)}`
}

function why({ reason }: Readonly<Record<string, unknown>>): string {
  return REASONS.get(reason) ?? textOf(reason)
}

function were(count: number): string {
  return count === 1 ? 'was' : 'were'
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function detailOf({ read }: Arrival): Readonly<Record<string, unknown>> {
  return Object((read.envelope as { detail?: unknown }).detail) as Record<string, unknown>
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : 'unknown'
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0
}
