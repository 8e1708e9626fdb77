// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Stub } from '../stub.ts'
import type { Findings, Place } from './findings.ts'
import type { ReadRecord } from './read-record.ts'

interface LeftRecord {
  readonly seq: number
  readonly leaf: string
  readonly place: Place
}

/**
 * Records that are still there although a stub stands for them, because segments are removed one by
 * one. Whoever reads the journal sees them, and what they observe counts: so they must link up to the
 * leaf that the stub names, else anybody could put records there.
 */
export class LeftRecords {
  readonly #findings: Findings
  #last: LeftRecord | undefined
  #reported = false

  constructor(findings: Findings) {
    this.#findings = findings
  }

  take({ envelope }: ReadRecord, leaf: string, at: { stub: Stub | undefined; place: Place }): void {
    const { prev, seq } = envelope.chain
    const { place, stub } = at
    const before = this.#last
    this.#last = { seq, leaf, place }
    const follows = before === undefined || (before.seq + 1 === seq && before.leaf === prev)
    if (!follows || (seq === stub?.lastSeq && leaf !== stub.lastLeaf)) this.#report(place)
  }

  /** What follows stands behind the last record of the stub. */
  end({ lastSeq }: Stub): void {
    const last = this.#last
    if (last !== undefined && last.seq !== lastSeq) this.#report(last.place)
  }

  #report(place: Place): void {
    if (this.#reported) return
    this.#reported = true
    const message =
      'A record is there for which the stub stands, and does not lead to the last one that the stub names.'
    this.#findings.fault({ code: 'edited', check: 'link', message }, place)
  }
}
