// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { errnoOf } from './journal-fs.ts'
import type { LiveEpoch } from './live-epoch.ts'

/** Ended epochs of which the writer remembers how far they went. */
const REMEMBERED_MAX = 1_000

/** The epochs of one writer, and what it knows of those that it ended. */
export class OwnEpochs {
  /** All of them, in order. */
  readonly ids: Set<string> = new Set()
  /** Of epochs that were given up: the records that are known to be on disk. */
  readonly #synced = new Map<string, number>()
  #sizes = new Map<string, number>()
  #failed = 0
  #neverSynced = 0

  /** How many were given up. */
  get failed(): number {
    return this.#failed
  }

  /** Records of ended epochs that were not synced, and never will be. */
  get neverSynced(): number {
    return this.#neverSynced
  }

  /** How many records must be found of those that ended, until a later epoch has named them. */
  get sizes(): ReadonlyMap<string, number> {
    return this.#sizes
  }

  closed(live: LiveEpoch): void {
    this.#end(live, live.chain.size)
  }

  gaveUp(live: LiveEpoch, cause: unknown): void {
    this.#failed++
    remember(this.#synced, live.chain.epoch, live.syncedSize)
    // A disk that fails may lose what was not synced; of a file that was tampered with all is due.
    this.#end(live, errnoOf(cause) === undefined ? live.chain.size : live.syncedSize)
  }

  #end({ chain, syncedSize }: LiveEpoch, size: number): void {
    this.#neverSynced += chain.size - syncedSize
    remember(this.#sizes, chain.epoch, size)
  }

  /** A later epoch says how they were found. */
  named(): void {
    this.#sizes = new Map()
  }

  wasGivenUp(epoch: string): boolean {
    return this.#synced.has(epoch)
  }

  /** Whether the record was in an epoch that was given up before it was synced. */
  lost({ epoch, seq }: { readonly epoch: string; readonly seq: number }): boolean {
    const synced = this.#synced.get(epoch)
    return synced !== undefined && seq >= synced
  }
}

function remember(sizes: Map<string, number>, epoch: string, size: number): void {
  sizes.set(epoch, size)
  if (sizes.size > REMEMBERED_MAX) sizes.delete(sizes.keys().next().value as string)
}
