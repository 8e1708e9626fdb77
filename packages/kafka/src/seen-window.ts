// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { SealedRecord } from '@spanseal/core'

/** What a record is against those seen before: `fork` has the place of another one. */
export type Sighting = 'new' | 'duplicate' | 'fork'

/**
 * Which records were handed out lately, about 200 bytes each. A duplicate that comes later than the
 * window reaches is handed out again, which every sink tolerates.
 *
 * Two generations, the older dropped whole: taking the oldest entry out of one Map each time makes
 * V8 search past all that were taken out before (measured: half of the time of reading).
 */
export class SeenWindow {
  readonly #generationSize: number
  #newer = new Map<string, string>()
  #older = new Map<string, string>()

  /** @param size places remembered: at most these, at least half of them; 0 remembers nothing */
  constructor(size: number) {
    this.#generationSize = Math.ceil(size / 2)
  }

  see({ epoch, seq, leaf }: SealedRecord): Sighting {
    const place = `${epoch}/${seq}`
    const known = this.#newer.get(place) ?? this.#older.get(place)
    if (known !== undefined) return known === leaf ? 'duplicate' : 'fork'
    if (this.#generationSize === 0) return 'new'
    if (this.#newer.size >= this.#generationSize) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(place, leaf)
    return 'new'
  }

  clear(): void {
    this.#newer = new Map()
    this.#older = new Map()
  }
}
