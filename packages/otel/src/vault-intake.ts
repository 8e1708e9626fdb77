// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { CommitKeys, Commitment, CommitPlace, EncodedValue } from '@spanseal/core'
import { commitmentSalt } from '@spanseal/core'
import type { Vault, VaultEntry } from '@spanseal/keys'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'

/** What became of the values that were committed, since the audit was opened. */
export interface VaultHealth {
  readonly folder: string
  readonly stored: number
  /** In memory, not yet on disk. */
  readonly waiting: number
  /** Lost: there was no room for them while the vault failed, or the process ended. */
  readonly dropped: number
  /** Larger than the vault keeps. */
  readonly tooLarge: number
  /** Not kept because their key was destroyed meanwhile. */
  readonly erased: number
  /** Why storing fails at present. */
  readonly failure?: string
}

export interface VaultIntakeOptions {
  readonly valueBytesMax: number
  /** Bytes of values that may wait. */
  readonly queueBytesMax: number
  /** After a failure, how long until it is tried again. */
  readonly retryMillis: number
  readonly counters: Counters
}

/** Each value is about this much longer in memory than its bytes. */
const ENTRY_BYTES = 512
/** Values on their way to the disk at once: syncs of one disk share its time. */
const TOGETHER_MAX = 8

/**
 * Takes committed values to the vault behind the agent's back: the call does not wait for a disk or a
 * KMS. What fails is tried again, in order, while there is room; what is lost is counted and said.
 */
export class VaultIntake {
  readonly #vault: Vault
  readonly #options: VaultIntakeOptions
  // Of the record that is being built; taken or discarded before the append returns.
  #staged: VaultEntry[] = []
  // Owned by take and #drain.
  readonly #queue: VaultEntry[] = []
  #queueBytes = 0
  #draining: Promise<void> | undefined
  #closed = false
  #wake: (() => void) | undefined
  #stored = 0
  #dropped = 0
  #tooLarge = 0
  #erased = 0
  #failure: string | undefined

  constructor(vault: Vault, options: VaultIntakeOptions) {
    this.#vault = vault
    this.#options = options
  }

  get vault(): Vault {
    return this.#vault
  }

  /** The largest value that is worth keeping in memory. */
  get valueBytesMax(): number {
    return this.#options.valueBytesMax
  }

  get health(): VaultHealth {
    return {
      folder: this.#vault.folder,
      stored: this.#stored,
      waiting: this.#queue.length,
      dropped: this.#dropped,
      tooLarge: this.#tooLarge,
      erased: this.#erased,
      ...(this.#failure !== undefined && { failure: this.#failure }),
    }
  }

  /** Whether the last attempt failed. */
  get isFailing(): boolean {
    return this.#failure !== undefined
  }

  /** Begins a record: what an earlier build of it staged is for another place. */
  restart(): void {
    this.#staged = []
  }

  /** A value of the record that is being built. */
  stage(
    { body }: EncodedValue,
    commitment: Commitment,
    { place, keys }: { readonly place: CommitPlace; readonly keys: CommitKeys },
  ): void {
    this.#staged.push({
      commitment,
      place,
      kids: keys.keys.map(({ kid }) => kid),
      ...(commitment.alg === 'blinded-sha256' && { salt: commitmentSalt(place, keys) }),
      body,
    })
  }

  /** A value that is not there any more as a whole. */
  missed(): void {
    this.#tooLarge++
    this.#options.counters.warnOnce('vault size', 'a value was too large for the vault')
  }

  /** The record is written: its values are to be kept. */
  take(): void {
    const staged = this.#staged
    this.#staged = []
    for (const entry of staged) this.#enqueue(entry)
    if (this.#queue.length > 0 && !this.#closed) this.#draining ??= this.#drain()
  }

  /** Resolves when everything taken so far is on disk or given up; never rejects. */
  async drained(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining
  }

  /** Gives up what is left, and takes nothing more. Returns how many values were lost. */
  close(): number {
    this.#closed = true
    this.#wake?.()
    const lost = this.#queue.length
    this.#dropped += lost
    if (lost > 0) {
      this.#options.counters.warnOnce('vault close', `${lost} values did not reach the vault`)
    }
    this.#queue.length = 0
    this.#queueBytes = 0
    return lost
  }

  #enqueue(entry: VaultEntry): void {
    const bytes = sizeOf(entry)
    if (bytes - ENTRY_BYTES > this.#options.valueBytesMax) {
      this.missed()
      return
    }
    if (this.#closed || this.#queueBytes + bytes > this.#options.queueBytesMax) {
      this.#dropped++
      this.#options.counters.warnOnce('vault full', 'a value did not reach the vault: no room')
      return
    }
    // Bytes are the caller's, who may write over them once the call is done.
    const { body } = entry
    this.#queue.push(typeof body === 'string' ? entry : { ...entry, body: Buffer.from(body) })
    this.#queueBytes += bytes
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, TOGETHER_MAX)
      const isTaken = await Promise.all(batch.map((entry) => this.#put(entry)))
      if (isTaken.every(Boolean)) this.#failure = undefined
      // What was given up meanwhile is in the queue no more.
      for (const [i, entry] of batch.entries()) {
        const at = isTaken[i] === true ? this.#queue.indexOf(entry) : -1
        if (at < 0) continue
        this.#queue.splice(at, 1)
        this.#queueBytes -= sizeOf(entry)
      }
      if (isTaken.includes(false)) await this.#pause()
    }
    this.#draining = undefined
  }

  /** Whether nothing is left to do for this value. */
  async #put(entry: VaultEntry): Promise<boolean> {
    try {
      const outcome = await this.#vault.put(entry)
      if (outcome === 'too_large') this.missed()
      else if (outcome === 'erased') this.#erased++
      else this.#stored++
      return true
    } catch (error) {
      this.#failure = reasonOf(error)
      this.#options.counters.warnOnce('vault', `the vault cannot be used: ${this.#failure}`)
      return false
    }
  }

  #pause(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.retryMillis)
      timer.unref()
      this.#wake = (): void => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function sizeOf({ body }: VaultEntry): number {
  return (typeof body === 'string' ? Buffer.byteLength(body) : body.length) + ENTRY_BYTES
}
