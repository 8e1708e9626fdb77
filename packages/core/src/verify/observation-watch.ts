// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Findings, Place } from './findings.ts'
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
  readonly #observed: readonly (Observation & { readonly index: number })[]
  readonly #twin: LeafPrints | undefined
  #next = 0
  /** The next size at which there is something to compare. */
  nextSize: number
  /** This epoch is another one than its copy or its observers saw. */
  forked = false
  /** Observations whose leaf is that of the record there, by their place in the list that was given. */
  readonly confirmed: number[] = []

  constructor(findings: Findings, { observed, twin }: Outside) {
    this.#findings = findings
    this.#observed = observed
      .map((seen, index) => ({ ...seen, index }))
      .sort((a, b) => a.size - b.size)
    this.#twin = twin
    this.nextSize = twin === undefined ? (this.#observed[0]?.size ?? Infinity) : 0
  }

  /**
   * Compares the record that makes the epoch this large.
   *
   * @returns whether an observer saw the epoch end here, its writer being gone
   */
  reached(
    size: number,
    leaf: string,
    about: { readonly place: Place | undefined; readonly doubts: SeqRanges },
  ): boolean {
    const { place, doubts } = about
    if (this.#twin !== undefined && place !== undefined && !this.#twin.matches(size - 1, leaf)) {
      const message = `Record ${size - 1} is another one in the two copies of this epoch.`
      this.#fork(message, place)
    }
    let dead = false
    for (let seen = this.#observed[this.#next]; seen !== undefined && seen.size <= size; ) {
      if (seen.size === size) {
        dead ||= seen.state !== 'live'
        if (seen.leaf === leaf) this.confirmed.push(seen.index)
        else if (place !== undefined && !doubts.has(size - 1)) {
          const message = `Record ${size - 1} is another one than epoch ${seen.by} saw there.`
          this.#fork(message, place)
        }
      }
      seen = this.#observed[++this.#next]
    }
    if (this.#twin === undefined) this.nextSize = this.#observed[this.#next]?.size ?? Infinity
    return dead
  }

  /** Once: what follows a fork differs too. */
  #fork(message: string, place: Place): void {
    if (this.forked) return
    this.forked = true
    this.#findings.fault({ code: 'forked', check: 'epoch', message }, place)
  }
}
