// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { StreamDigest } from '@spanseal/core'
import type { CallOutcome } from './outcome.ts'

/** What a settling call needs: where it runs, what it tells, and how it judges. */
export interface Settlement {
  /** How much of what passes by is kept, for the vault; default: nothing. */
  readonly keepBytesMax?: number
  /** Runs code of the tool in the call's span and scope. */
  readonly inside: <T>(run: () => T) => T
  /** Told how the call ended, the first time counts; never throws. */
  readonly finish: (outcome: CallOutcome) => void
  /** Told that the tool has been started and is waiting; never throws. */
  readonly started: () => void
  /** The outcome of a returned value: `success`, unless the value itself says it failed. */
  readonly judge: (value: unknown) => CallOutcome
  /** The outcome of an error. */
  readonly thrown: (error: unknown) => CallOutcome
}

/** Whether `value` has a method of this name; whatever reading it throws counts as no. */
export function has(value: object, key: PropertyKey): boolean {
  try {
    return typeof (value as Record<PropertyKey, unknown>)[key] === 'function'
  } catch {
    return false
  }
}

/**
 * Puts a method on the object itself, in front of its class's, so that the caller keeps the same
 * object. False where the object takes none (frozen, a hostile proxy).
 */
export function override(target: object, key: PropertyKey, method: unknown): boolean {
  try {
    const own = { value: method, configurable: true, writable: true, enumerable: false }
    return Reflect.defineProperty(target, key, own)
  } catch {
    return false
  }
}

/** What passes by on its way to the caller, piece by piece; ended once. */
export class Passing {
  readonly #digest: StreamDigest
  readonly #call: Settlement
  #ended = false
  #whole = true

  constructor(call: Settlement) {
    this.#call = call
    const { keepBytesMax = 0 } = call
    this.#digest = new StreamDigest(undefined, { keepBytesMax })
  }

  item(value: unknown): void {
    if (!this.#ended) this.#digest.update(value)
  }

  /** Some of it was given back or skipped: the commitment is partial. */
  disturbed(): void {
    this.#whole = false
  }

  completed(): void {
    this.#end({ status: 'success' }, this.#whole)
  }

  /** The caller lost interest before the end. */
  cancelled(): void {
    this.#end({ status: 'cancelled' }, false)
  }

  failed(thrown: unknown): void {
    this.#end(this.#call.thrown(thrown), false)
  }

  #end(outcome: CallOutcome, complete: boolean): void {
    if (this.#ended) return
    this.#ended = true
    const digest = this.#digest.end(complete)
    this.#call.finish({ ...outcome, output: { digest, kept: this.#digest.kept } })
  }
}
