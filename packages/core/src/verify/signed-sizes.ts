// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

const ROOT_BYTES = 32
const NUMBERS = 3
const FIRST_CAPACITY = 64

/** A signed head of an epoch, and where its note lies. */
export interface SignedSize {
  readonly size: number
  /** 64 hex digits. */
  readonly root: string
  /** 1-based. */
  readonly line: number
  readonly byteOffset: number
}

/** Signed heads of one epoch, 60 bytes each: taken in any order, handed out by ascending size. */
export class SignedSizes {
  #numbers: Float64Array<ArrayBuffer>
  #roots: Buffer<ArrayBuffer>
  #order: Uint32Array | undefined
  #count = 0
  #largest = 0

  constructor(capacity: number = FIRST_CAPACITY) {
    this.#numbers = new Float64Array(NUMBERS * capacity)
    this.#roots = Buffer.alloc(ROOT_BYTES * capacity)
  }

  get count(): number {
    return this.#count
  }

  /** The largest size; 0 where there is none. */
  get largest(): number {
    return this.#largest
  }

  add({ size, root, line, byteOffset }: SignedSize): void {
    if (this.#roots.length === ROOT_BYTES * this.#count) this.#grow()
    this.#numbers.set([size, line, byteOffset], NUMBERS * this.#count)
    this.#roots.write(root, ROOT_BYTES * this.#count, 'hex')
    this.#count++
    this.#largest = Math.max(this.#largest, size)
    this.#order = undefined
  }

  /** The one that was added last. */
  get last(): SignedSize | undefined {
    return this.#count === 0 ? undefined : this.#read(this.#count - 1)
  }

  /** The head in this place of the ascending order; undefined behind the last. */
  at(rank: number): SignedSize | undefined {
    if (rank >= this.#count) return undefined
    this.#order ??= this.#sort()
    return this.#read(this.#order[rank] as number)
  }

  #read(index: number): SignedSize {
    const [size = 0, line = 0, byteOffset = 0] = this.#numbers.subarray(
      NUMBERS * index,
      NUMBERS * (index + 1),
    )
    const root = this.#roots.toString('hex', ROOT_BYTES * index, ROOT_BYTES * (index + 1))
    return { size, root, line, byteOffset }
  }

  #sort(): Uint32Array {
    const sizeOf = (index: number): number => this.#numbers[NUMBERS * index] as number
    const order = new Uint32Array(this.#count).map((_, index) => index)
    return order.sort((a, b) => sizeOf(a) - sizeOf(b) || a - b)
  }

  #grow(): void {
    const numbers = new Float64Array(2 * this.#numbers.length)
    numbers.set(this.#numbers)
    this.#numbers = numbers
    const roots = Buffer.alloc(2 * this.#roots.length)
    roots.set(this.#roots)
    this.#roots = roots
  }
}
