// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { RECORD_BYTES_MAX } from '@spanseal/core'

const LF = 0x0a

/** A line, without LF. */
export interface Line {
  readonly bytes: Buffer
  /** Of its first byte. */
  readonly offset: number
}

/** Counts what was passed over, for whoever prints. */
export interface LineCounts {
  tooLong: number
}

/**
 * Whole lines out of bytes that come in any cut, in bounded memory: of a line that is longer than a
 * record may be nothing is kept. What follows the last LF stays until its LF comes.
 */
export class LineSplitter {
  readonly #counts: LineCounts
  #rest: Buffer = Buffer.alloc(0)
  #skipping = false
  /** Of the first byte of `#rest`. */
  #offset: number

  constructor(counts: LineCounts, offset = 0) {
    this.#counts = counts
    this.#offset = offset
  }

  /** The lines that `chunk` ends; their bytes are copies or parts of `chunk`. */
  *push(chunk: Uint8Array): Generator<Line> {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const bytes = this.#rest.length === 0 ? fresh : Buffer.concat([this.#rest, fresh])
    let start = 0
    for (let lf = bytes.indexOf(LF); lf >= 0; lf = bytes.indexOf(LF, start)) {
      const tooLong = this.#skipping || lf - start > RECORD_BYTES_MAX
      if (tooLong) this.#counts.tooLong++
      else yield { bytes: bytes.subarray(start, lf), offset: this.#offset + start }
      this.#skipping = false
      start = lf + 1
    }
    this.#offset += start
    const rest = bytes.subarray(start)
    if (this.#skipping || rest.length > RECORD_BYTES_MAX) {
      this.#skipping = true
      this.#offset += rest.length
      this.#rest = Buffer.alloc(0)
    } else {
      this.#rest = Buffer.from(rest)
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The line as JSON, or undefined where it is none. */
export function parseLine(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    return undefined
  }
}
