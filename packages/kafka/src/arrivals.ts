// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BatchLimits, SealedCheckpoint, SealedRecord } from '@spanseal/core'

interface Arrival {
  /** `<topic>/<partition>`. */
  readonly place: string
  readonly offset: bigint
  readonly bytes: number
  readonly record?: SealedRecord
  readonly checkpoint?: SealedCheckpoint
}

/** What has been fetched and not yet been read, in order of arrival. */
export class Arrivals {
  #queue: Arrival[] = []
  #head = 0
  #bytes = 0
  readonly #waiting = new Set<() => void>()

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.#head === this.#queue.length
  }

  push(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) {
      this.#queue.push(arrival)
      this.#bytes += arrival.bytes
    }
    this.wake()
  }

  /** Removes and returns arrivals within the limits; at least one where there is one. */
  take({ recordCountMax, bytesMax }: BatchLimits): Arrival[] {
    const taken: Arrival[] = []
    let bytes = 0
    while (!this.empty && taken.length < recordCountMax) {
      const next = this.#queue[this.#head] as Arrival
      bytes += next.bytes
      if (bytes > bytesMax && taken.length > 0) break
      taken.push(next)
      this.#bytes -= next.bytes
      this.#head++
    }
    if (this.#head > 10_000 || this.empty) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    if (taken.length > 0) this.wake()
    return taken
  }

  /** Drops what came from partitions that are not among `places`. */
  keepOnly(places: ReadonlySet<string>): void {
    this.#queue = this.#queue.slice(this.#head).filter(({ place }) => places.has(place))
    this.#head = 0
    this.#bytes = this.#queue.reduce((sum, { bytes }) => sum + bytes, 0)
    this.wake()
  }

  clear(): void {
    this.keepOnly(new Set())
  }

  /** Resolves at the next change, or after `millis`. */
  changed(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, millis)
      this.#waiting.add(done)
    })
  }

  /** Ends all waiting. */
  wake(): void {
    for (const done of [...this.#waiting]) done()
  }
}
