// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { SealedRecord } from '@spanseal/core'

/** What a record is against those seen before: `fork` has the place of another one. */
export type Sighting = 'new' | 'duplicate' | 'fork'

/**
 * Which records were handed out lately: about 200 bytes each, the oldest are forgotten. A duplicate
 * that comes later than the window reaches is handed out again, which every sink tolerates.
 */
export class SeenWindow {
  readonly #size: number
  readonly #leafOf = new Map<string, string>()

  /** @param size places remembered at most; 0 remembers nothing */
  constructor(size: number) {
    this.#size = size
  }

  see({ epoch, seq, leaf }: SealedRecord): Sighting {
    const place = `${epoch}/${seq}`
    const known = this.#leafOf.get(place)
    if (known !== undefined) return known === leaf ? 'duplicate' : 'fork'
    if (this.#size === 0) return 'new'
    if (this.#leafOf.size >= this.#size) {
      const [oldest] = this.#leafOf.keys()
      if (oldest !== undefined) this.#leafOf.delete(oldest)
    }
    this.#leafOf.set(place, leaf)
    return 'new'
  }

  clear(): void {
    this.#leafOf.clear()
  }
}
