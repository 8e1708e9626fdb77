// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import type { RecordPlace } from '@spanseal/journal'

/** Somebody who goes on only once a record is at the sink. */
interface Waiter {
  readonly record: RecordPlace
  readonly resolve: () => void
  readonly reject: (error: AuditError) => void
}

/** Epochs of which it is remembered how far they were acknowledged; who waits asks for a new one. */
const EPOCHS_MAX = 1_000

/** How far one sink has acknowledged each epoch since this process began, and who waits for it. */
export class Acknowledgements {
  readonly #sink: string
  /** Records acknowledged, by epoch; the one that moved last stands last. */
  readonly #sizes = new Map<string, number>()
  readonly #waiters = new Set<Waiter>()
  #ended: AuditError | undefined

  constructor(sink: string) {
    this.#sink = sink
  }

  /** The sink has acknowledged a batch: records come in order within an epoch. */
  note({ records }: Batch): void {
    for (const { epoch, seq } of records) {
      const size = Math.max(this.#sizes.get(epoch) ?? 0, seq + 1)
      this.#sizes.delete(epoch)
      this.#sizes.set(epoch, size)
    }
    while (this.#sizes.size > EPOCHS_MAX) {
      this.#sizes.delete(this.#sizes.keys().next().value as string)
    }
    for (const waiter of this.#waiters) if (this.has(waiter.record)) waiter.resolve()
  }

  has({ epoch, seq }: RecordPlace): boolean {
    return seq < (this.#sizes.get(epoch) ?? 0)
  }

  /** Nothing more will be acknowledged. */
  end(why: AuditError): void {
    this.#ended ??= why
    for (const { reject } of this.#waiters) reject(this.#ended)
  }

  /**
   * Resolves once the sink has acknowledged the record.
   *
   * @throws (rejects) AuditError `DELIVERY_TIMEOUT` after `timeoutMillis`; what it was ended with
   */
  async wait(record: RecordPlace, timeoutMillis: number): Promise<void> {
    if (this.has(record)) return
    if (this.#ended !== undefined) throw this.#ended
    let timer: NodeJS.Timeout | undefined
    let waiter: Waiter | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        waiter = { record, resolve, reject }
        this.#waiters.add(waiter)
        // Who waits keeps the process alive: the tool has not run yet.
        timer = setTimeout(() => reject(this.#late(timeoutMillis)), timeoutMillis)
      })
    } finally {
      clearTimeout(timer)
      if (waiter !== undefined) this.#waiters.delete(waiter)
    }
  }

  #late(timeoutMillis: number): AuditError {
    const what = `sink ${this.#sink} has not acknowledged the record within ${timeoutMillis} ms`
    return new AuditError('DELIVERY_TIMEOUT', what)
  }
}
