// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

const PAGE_BITS = 32_768

/** A set of sequence numbers, one bit each, in pages of 4 KiB that exist where something is in. */
export class SeqSet {
  /** By page number; can be cloned. */
  readonly pages: Map<number, Uint32Array>

  constructor(pages: Map<number, Uint32Array> = new Map()) {
    this.pages = pages
  }

  add(seq: number): void {
    const key = Math.floor(seq / PAGE_BITS)
    let page = this.pages.get(key)
    if (page === undefined) {
      page = new Uint32Array(PAGE_BITS / 32)
      this.pages.set(key, page)
    }
    const bit = seq % PAGE_BITS
    page[bit >>> 5] = (page[bit >>> 5] as number) | (1 << (bit & 31))
  }

  has(seq: number): boolean {
    const page = this.pages.get(Math.floor(seq / PAGE_BITS))
    const bit = seq % PAGE_BITS
    return page !== undefined && ((page[bit >>> 5] as number) & (1 << (bit & 31))) !== 0
  }
}
