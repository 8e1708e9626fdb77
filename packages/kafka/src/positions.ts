// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** What to do with messages that came from one partition. */
export type Admission =
  | { readonly kind: 'take'; readonly from: bigint }
  | { readonly kind: 'seek'; readonly to: bigint }

/**
 * How far each assigned partition has been read.
 *
 * kafkajs can hand over a fetch from before a rebalance and then go on behind it; taking that would
 * leave out what lies between. So messages count only where they continue what was read. A hole that
 * is still there after one seek is one of the topic (records expired), and is accepted.
 */
export class Positions {
  /** The next offset to read. */
  readonly #next = new Map<string, bigint>()
  readonly #hole = new Map<string, bigint>()

  admit(place: string, firstOffset: bigint): Admission {
    const next = this.#next.get(place)
    if (next === undefined) return { kind: 'take', from: firstOffset }
    if (firstOffset <= next || this.#hole.get(place) === firstOffset) {
      this.#hole.delete(place)
      return { kind: 'take', from: next }
    }
    this.#hole.set(place, firstOffset)
    return { kind: 'seek', to: next }
  }

  advance(place: string, next: bigint): void {
    this.#next.set(place, next)
  }

  get(place: string): bigint | undefined {
    return this.#next.get(place)
  }

  /** Forgets partitions that are no longer ours: somebody else goes on with them. */
  keepOnly(places: ReadonlySet<string>): void {
    for (const place of this.#next.keys()) if (!places.has(place)) this.#next.delete(place)
    this.#hole.clear()
  }
}
