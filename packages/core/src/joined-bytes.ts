// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Parts held until they are joined: a `Buffer` of a few bytes takes a hundred. */
const HELD_MAX = 1_024

/** Bytes joined of parts, so that even a million small ones take little more than their bytes. */
export class JoinedBytes {
  readonly #joined: Uint8Array[] = []
  #held: Uint8Array[] = []

  add(...parts: readonly Uint8Array[]): void {
    this.#held.push(...parts)
    if (this.#held.length < HELD_MAX) return
    this.#joined.push(Buffer.concat(this.#held))
    this.#held = []
  }

  bytes(): Buffer {
    return Buffer.concat([...this.#joined, ...this.#held])
  }
}
