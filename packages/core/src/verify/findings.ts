// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Check, Finding, FindingCode } from './verdict.ts'

/** How many findings are kept in full; beyond that they are only counted. */
export const FINDINGS_MAX = 1000
const MESSAGE_LENGTH_MAX = 600

/** Where something was found. */
export interface Place {
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly byteOffset?: number | undefined
  readonly epoch?: string | undefined
  readonly seq?: number | undefined
  readonly lastSeq?: number | undefined
}

/** A finding under way: what follows can still widen its range or sharpen its code. */
export interface OpenFinding {
  kind: 'fault' | 'notice'
  code: FindingCode
  check: Check
  message: string
  file?: string
  line?: number
  byteOffset?: number
  epoch?: string
  seq?: number
  lastSeq?: number
}

/** What kind of finding, and the sentence that says it. */
export interface Report {
  readonly code: FindingCode
  readonly check: Check
  readonly message: string
  /** It speaks of what the caller brought along (keys, heads), not of the records themselves. */
  readonly outside?: boolean
}

/** What one part of a verification found. */
export interface FindingsPart {
  readonly kept: readonly Finding[]
  readonly counts: Readonly<Partial<Record<FindingCode, number>>>
  readonly faults: number
  readonly outsideFaults: number
}

/** Collects findings: the first thousand in full, faults before notices, all of them counted. */
export class Findings {
  readonly #kept: OpenFinding[] = []
  readonly #counts = new Map<FindingCode, number>()
  #keptNotices = 0
  #faults = 0
  #outsideFaults = 0

  /** Faults so far, those beyond the limit included. */
  get faults(): number {
    return this.#faults
  }

  /** Faults of the records themselves. */
  get ownFaults(): number {
    return this.#faults - this.#outsideFaults
  }

  fault(report: Report, place: Place): OpenFinding {
    this.#faults++
    if (report.outside === true) this.#outsideFaults++
    return this.#add('fault', report, place)
  }

  notice(report: Report, place: Place): OpenFinding {
    return this.#add('notice', report, place)
  }

  /** Changes what an earlier finding is called, once more is known. */
  recode(finding: OpenFinding, report: Report): void {
    this.#count(finding.code, -1)
    this.#count(report.code, 1)
    finding.code = report.code
    finding.check = report.check
    finding.message = sentence(report.message)
  }

  /** Puts a hint behind the messages of faults that were kept. */
  hint(isMeant: (fault: Finding) => boolean, hint: string): void {
    for (const finding of this.#kept) {
      if (finding.kind === 'fault' && isMeant(finding)) {
        finding.message = sentence(`${finding.message} ${hint}`)
      }
    }
  }

  /** Takes over what was found elsewhere, as if it had been found here next. */
  absorb({ kept, counts, faults, outsideFaults }: FindingsPart): void {
    this.#faults += faults
    this.#outsideFaults += outsideFaults
    for (const [code, count] of Object.entries(counts)) this.#count(code as FindingCode, count)
    for (const finding of kept) this.#keep({ ...finding })
  }

  /** All of it, to be absorbed elsewhere; can be cloned. */
  part(): FindingsPart {
    return {
      kept: this.list(),
      counts: this.counts(),
      faults: this.#faults,
      outsideFaults: this.#outsideFaults,
    }
  }

  list(): Finding[] {
    return this.#kept.map((finding) => ({ ...finding }))
  }

  counts(): Partial<Record<FindingCode, number>> {
    return Object.fromEntries(this.#counts)
  }

  #add(kind: 'fault' | 'notice', report: Report, place: Place): OpenFinding {
    const { code, check, message } = report
    this.#count(code, 1)
    const finding: OpenFinding = { kind, code, check, message: sentence(message), ...known(place) }
    this.#keep(finding)
    return finding
  }

  #keep(finding: OpenFinding): void {
    const { kind } = finding
    if (this.#kept.length < FINDINGS_MAX) {
      this.#kept.push(finding)
      if (kind === 'notice') this.#keptNotices++
    } else if (kind === 'fault' && this.#keptNotices > 0) {
      this.#displaceNotice(finding)
    }
  }

  #displaceNotice(finding: OpenFinding): void {
    const last = this.#kept.findLastIndex((kept) => kept.kind === 'notice')
    this.#kept.splice(last, 1)
    this.#keptNotices--
    this.#kept.push(finding)
  }

  #count(code: FindingCode, change: number): void {
    const count = (this.#counts.get(code) ?? 0) + change
    if (count === 0) this.#counts.delete(code)
    else this.#counts.set(code, count)
  }
}

/** Reports neighbours in the chain as one finding with a range. */
export class RangeFindings {
  readonly #findings: Findings
  #open: OpenFinding | undefined
  #last = -1

  constructor(findings: Findings) {
    this.#findings = findings
  }

  fault(report: Report, place: Place & { readonly seq: number }): void {
    const { seq } = place
    if (this.#open?.code === report.code && seq === this.#last + 1) this.#open.lastSeq = seq
    else this.#open = this.#findings.fault(report, place)
    this.#last = seq
  }
}

function known(place: Place): Omit<OpenFinding, 'kind' | 'code' | 'check' | 'message'> {
  const { file, line, byteOffset, epoch, seq, lastSeq } = place
  return {
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(byteOffset !== undefined && { byteOffset }),
    ...(epoch !== undefined && { epoch }),
    ...(seq !== undefined && { seq }),
    ...(lastSeq !== undefined && lastSeq !== seq && { lastSeq }),
  }
}

// C0, DEL, C1, line and paragraph separators, and the marks that turn the direction of text: names
// from a hostile file must not steer the terminal that a message is printed on.
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

function sentence(message: string): string {
  const cut =
    message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX)}…` : message
  return cut
    .toWellFormed()
    .replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
