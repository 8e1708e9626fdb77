// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { RECORD_BYTES_MAX } from '@spanseal/core'
import type { ByteFile } from './byte-file.ts'

const LF = 0x0a
const CHUNK_BYTES = 256 * 1024
/** Most files that are looked into end before this. */
const FIRST_CHUNK_BYTES = 8 * 1024

/** A line in a file. `bytes` are without LF and valid until the next one is asked for. */
export interface FileLine {
  readonly bytes: Uint8Array
  /** Of the first byte. */
  readonly offset: number
  /** Bytes of the line with its LF. */
  readonly length: number
}

/**
 * The whole lines of a file from `offset` on, in bounded memory. Ends before a line without LF and
 * before one that is longer than a record may be: what follows is for the caller to judge.
 */
export function* linesFrom(file: ByteFile, offset: number): Generator<FileLine> {
  let buffer = Buffer.allocUnsafe(FIRST_CHUNK_BYTES)
  let start = 0
  let end = 0
  let position = offset
  for (;;) {
    const lf = buffer.subarray(0, end).indexOf(LF, start)
    if (lf >= 0) {
      if (lf - start > RECORD_BYTES_MAX) return
      const bytes = buffer.subarray(start, lf)
      const at = position - (end - start)
      start = lf + 1
      yield { bytes, offset: at, length: bytes.length + 1 }
      continue
    }
    if (end - start > RECORD_BYTES_MAX) return
    if (end === buffer.length) {
      const kept = Buffer.allocUnsafe(CHUNK_BYTES)
      buffer.copy(kept, 0, start, end)
      buffer = kept
      end -= start
      start = 0
    }
    const read = file.readInto(buffer, { start: end, length: buffer.length - end, position })
    if (read === 0) return
    end += read
    position += read
  }
}
