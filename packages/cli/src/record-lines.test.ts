// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { LineSplitter, parseLine } from './record-lines.ts'

function split(text: string, cut: number): { lines: string[]; offsets: number[]; tooLong: number } {
  const counts = { tooLong: 0 }
  const splitter = new LineSplitter(counts)
  const bytes = Buffer.from(text)
  const lines: string[] = []
  const offsets: number[] = []
  for (let i = 0; i < bytes.length; i += cut) {
    for (const line of splitter.push(bytes.subarray(i, i + cut))) {
      lines.push(line.bytes.toString())
      offsets.push(line.offset)
    }
  }
  return { lines, offsets, ...counts }
}

describe('LineSplitter', () => {
  it('finds the same lines wherever the bytes are cut', () => {
    for (let cut = 1; cut < 20; cut++) {
      expect(split('one\n\nthrée\nrest', cut)).toEqual({
        lines: ['one', '', 'thrée'],
        offsets: [0, 4, 5],
        tooLong: 0,
      })
    }
  })

  it('passes over a line that is longer than a record may be, and goes on behind it', () => {
    const text = `a\n${'x'.repeat(200_000)}\nb\n${'y'.repeat(65_535)}\n`
    for (const cut of [7, 4_096, 65_536, 300_000]) {
      const { lines, offsets, tooLong } = split(text, cut)
      expect(lines.map((line) => line.length)).toEqual([1, 1, 65_535])
      expect(offsets).toEqual([0, 200_003, 200_005])
      expect(tooLong).toBe(1)
    }
  })
})

it('parseLine gives undefined for what is no JSON', () => {
  const nested = '['.repeat(60_000)
  for (const text of ['', '{', '\ufeff{}', nested])
    expect(parseLine(Buffer.from(text))).toBeUndefined()
  expect(parseLine(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined()
  expect(parseLine(Buffer.from('{"a":1}'))).toEqual({ a: 1 })
})
