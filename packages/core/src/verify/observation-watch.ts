// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Arrival } from './arrival.ts'
import { placeOf } from './arrival.ts'
import type { Findings } from './findings.ts'
import type { LeafPrints } from './leaf-prints.ts'
import type { Observation } from './openings.ts'
import type { SeqRanges } from './seq-ranges.ts'

/** What was said of an epoch elsewhere. */
export interface Outside {
  /** By the beginnings of other epochs. */
  readonly observed: readonly Observation[]
  /** By a copy of this epoch that was read before. */
  readonly twin: LeafPrints | undefined
}

/** Compares an epoch, as it is read, with what other epochs and copies say of it. */
export class ObservationWatch {
  readonly #findings: Findings
  readonly #observed: readonly Observation[]
  readonly #twin: LeafPrints | undefined
  #next = 0
  /** The next size at which there is something to compare. */
  nextSize: number
  /** This epoch is another one than its copy or its observers saw. */
  forked = false
  /** Observations whose leaf is that of the record there. */
  readonly confirmed: Set<Observation> = new Set<Observation>()

  constructor(findings: Findings, { observed, twin }: Outside) {
    this.#findings = findings
    this.#observed = observed.toSorted((a, b) => a.size - b.size)
    this.#twin = twin
    this.nextSize = twin === undefined ? (this.#observed[0]?.size ?? Infinity) : 0
  }

  /**
   * Compares the record that makes the epoch this large.
   *
   * @returns whether an observer saw the epoch end here, its writer being gone
   */
  reached(size: number, leaf: string, about: { arrival?: Arrival; doubts: SeqRanges }): boolean {
    const { arrival, doubts } = about
    if (this.#twin !== undefined && arrival !== undefined && !this.#twin.matches(size - 1, leaf)) {
      const message = `Record ${size - 1} is another one in the two copies of this epoch.`
      this.#fork(message, arrival)
    }
    let dead = false
    for (let seen = this.#observed[this.#next]; seen !== undefined && seen.size <= size; ) {
      if (seen.size === size) {
        dead ||= seen.state !== 'live'
        if (seen.leaf === leaf) this.confirmed.add(seen)
        else if (arrival !== undefined && !doubts.has(size - 1)) {
          const message = `Record ${size - 1} is another one than epoch ${seen.by.epoch} saw there.`
          this.#fork(message, arrival)
        }
      }
      seen = this.#observed[++this.#next]
    }
    if (this.#twin === undefined) this.nextSize = this.#observed[this.#next]?.size ?? Infinity
    return dead
  }

  /** Once: what follows a fork differs too. */
  #fork(message: string, arrival: Arrival): void {
    if (this.forked) return
    this.forked = true
    this.#findings.fault({ code: 'forked', check: 'epoch', message }, placeOf(arrival))
  }
}
