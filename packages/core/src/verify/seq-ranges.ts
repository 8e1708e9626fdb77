// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

const RANGES_MAX = 1000

/** Which records of an epoch are in doubt; beyond a thousand ranges everything in between is. */
export class SeqRanges {
  /** Can be cloned. */
  readonly ranges: { from: number; to: number }[]

  constructor(ranges: { from: number; to: number }[] = []) {
    this.ranges = ranges
  }

  get empty(): boolean {
    return this.ranges.length === 0
  }

  /** The first record in doubt; Infinity where none is. */
  get first(): number {
    return this.ranges.reduce((first, { from }) => Math.min(first, from), Infinity)
  }

  add(from: number, to: number): void {
    const last = this.ranges.at(-1)
    if (last !== undefined && from >= last.from && from <= last.to + 1) {
      last.to = Math.max(last.to, to)
    } else if (last !== undefined && this.ranges.length === RANGES_MAX) {
      last.from = Math.min(last.from, from)
      last.to = Math.max(last.to, to)
    } else {
      this.ranges.push({ from, to })
    }
  }

  has(seq: number): boolean {
    return this.ranges.some(({ from, to }) => from <= seq && seq <= to)
  }

  /** Whether something at or behind this record is in doubt. */
  reaches(seq: number): boolean {
    return this.ranges.some(({ to }) => seq <= to)
  }
}
