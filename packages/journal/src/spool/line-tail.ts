// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { RECORD_BYTES_MAX } from '@spanseal/core'
import type { ByteFile } from '../byte-file.ts'
import { readRange } from '../byte-file.ts'

const LF = 0x0a
/** Most lines are shorter. */
const FIRST_WINDOW_BYTES = 8 * 1024

/** Where the last whole line ends: 0 where there is none, undefined where a record must lie before. */
export function lastLineEnd(file: ByteFile): number | undefined {
  const from = Math.max(0, file.size - RECORD_BYTES_MAX - 1)
  const lf = readRange(file, from, file.size - from).lastIndexOf(LF)
  if (lf >= 0) return from + lf + 1
  return from === 0 ? 0 : undefined
}

/** The line without its LF that ends before byte `end`; undefined where none does. */
export function lineBefore(file: ByteFile, end: number): Buffer | undefined {
  if (end < 1 || end > file.size) return undefined
  for (let window = FIRST_WINDOW_BYTES; ; window = RECORD_BYTES_MAX + 2) {
    const from = Math.max(0, end - window)
    const bytes = readRange(file, from, end - from)
    if (bytes.length !== end - from || bytes.at(-1) !== LF) return undefined
    const line = bytes.subarray(0, -1)
    const before = line.lastIndexOf(LF)
    if (before >= 0 || from === 0) return line.subarray(before + 1)
    if (window > RECORD_BYTES_MAX) return undefined
  }
}

/** The first line without its LF; undefined where there is none. */
export function firstLine(file: ByteFile): Buffer | undefined {
  const bytes = readRange(file, 0, Math.min(file.size, RECORD_BYTES_MAX + 1))
  const lf = bytes.indexOf(LF)
  return lf < 0 ? undefined : bytes.subarray(0, lf)
}
