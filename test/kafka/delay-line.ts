// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Socket } from 'node:net'

/** Bytes on a long way: each comes out after the time that held when it went in, in order. */
export class DelayLine {
  readonly #to: Socket
  readonly #delayMillis: () => number
  readonly #queue: { readonly at: number; readonly bytes: Buffer }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(to: Socket, delayMillis: () => number) {
    this.#to = to
    this.#delayMillis = delayMillis
    to.once('close', () => clearTimeout(this.#timer))
  }

  write(bytes: Buffer): void {
    const delay = this.#delayMillis()
    // What is still under way must not be overtaken.
    if (delay === 0 && this.#queue.length === 0) return this.#send(bytes)
    this.#queue.push({ at: performance.now() + delay, bytes })
    if (this.#timer === undefined) this.#wait()
  }

  #wait(): void {
    const [next] = this.#queue
    if (next === undefined) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#queue.shift()
        this.#send(next.bytes)
        this.#wait()
      },
      Math.max(0, next.at - performance.now()),
    )
  }

  #send(bytes: Buffer): void {
    if (this.#to.writable) this.#to.write(bytes)
  }
}
