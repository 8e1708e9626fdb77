// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { HeadStore } from './create-epoch.ts'

/**
 * Replacing a file costs a hundred times as much as writing a record (on ext4 a rename over a file
 * waits for its blocks): under load, heads are kept once in this time, not at every checkpoint.
 */
const PAUSE_MILLIS = 1_000
const PAUSE_NANOS = 1_000_000_000n

/** Hands the newest checkpoints to the keyring, at once or within a second; never throws. */
export class HeadKeeper {
  readonly #heads: HeadStore
  readonly #monoNanos: () => bigint
  readonly #failed: (error: unknown) => void
  #pending: { readonly epoch: string; readonly note: string } | undefined
  #savedAtNanos: bigint | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(heads: HeadStore, monoNanos: () => bigint, failed: (error: unknown) => void) {
    this.#heads = heads
    this.#monoNanos = monoNanos
    this.#failed = failed
  }

  keep(epoch: string, note: string): void {
    if (this.#pending?.epoch !== epoch) this.flush()
    this.#pending = { epoch, note }
    const last = this.#savedAtNanos
    const isDue = last === undefined || this.#monoNanos() - last >= PAUSE_NANOS
    if (isDue) this.flush()
    else this.#arm()
  }

  /** Hands on what is pending. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending === undefined) return
    const { epoch, note } = this.#pending
    this.#pending = undefined
    this.#savedAtNanos = this.#monoNanos()
    try {
      this.#heads.save(epoch, note)
    } catch (error) {
      this.#failed(error)
    }
  }

  #arm(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.flush(), PAUSE_MILLIS)
    this.#timer.unref()
  }
}
