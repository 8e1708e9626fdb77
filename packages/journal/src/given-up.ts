// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Epochs given up of which the writer remembers how far they were synced. */
const REMEMBERED_MAX = 1_000

/** The epochs that a writer gave up, and how many records of each are on disk. */
export class GivenUpEpochs {
  readonly #synced = new Map<string, number>()
  #count = 0

  /** All that there ever were. */
  get count(): number {
    return this.#count
  }

  has(epoch: string): boolean {
    return this.#synced.has(epoch)
  }

  add(epoch: string, syncedSize: number): void {
    this.#count++
    this.#synced.set(epoch, syncedSize)
    if (this.#synced.size > REMEMBERED_MAX) {
      this.#synced.delete(this.#synced.keys().next().value as string)
    }
  }

  /** Whether the record was in an epoch that was given up before it was synced. */
  lost({ epoch, seq }: { readonly epoch: string; readonly seq: number }): boolean {
    const synced = this.#synced.get(epoch)
    return synced !== undefined && seq >= synced
  }
}
