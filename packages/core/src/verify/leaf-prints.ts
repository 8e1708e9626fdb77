// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** No epoch has more records than this: it is rolled after 1,000,000. */
const PRINTS_MAX = 2 ** 20
const FIRST_CAPACITY = 1024
const PRINT_DIGITS = 8

/**
 * The first 32 bits of each leaf of an epoch, to tell a repeated record from a second one with its
 * number: 4 bytes a record, at most 4 MiB.
 */
export class LeafPrints {
  #prints = new Uint32Array(FIRST_CAPACITY)

  set(seq: number, leaf: string): void {
    if (seq >= PRINTS_MAX) return
    if (seq >= this.#prints.length) this.#grow(seq)
    this.#prints[seq] = printOf(leaf)
  }

  /** Whether the record with this number had this leaf; false where that is not known. */
  matches(seq: number, leaf: string): boolean {
    return seq < this.#prints.length && this.#prints[seq] === printOf(leaf)
  }

  #grow(seq: number): void {
    let capacity = this.#prints.length
    while (capacity <= seq) capacity *= 2
    const grown = new Uint32Array(capacity)
    grown.set(this.#prints)
    this.#prints = grown
  }
}

function printOf(leaf: string): number {
  return Number.parseInt(leaf.slice(0, PRINT_DIGITS), 16)
}
