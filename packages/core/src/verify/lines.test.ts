// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { IncrementalSha256, sha256Hex } from '../hash.ts'
import type { Line } from './lines.ts'
import { LineSplitter } from './lines.ts'

interface Seen {
  text: string
  number: number
  byteOffset: number
  length: number
  tooLong: boolean
  ended: boolean
}

function seen({ bytes, start, end, number, byteOffset, length, tooLong, ended }: Line): Seen {
  const text = tooLong ? '' : bytes.toString('utf8', start, end)
  return { text, number, byteOffset, length, tooLong, ended }
}

function split(splitter: LineSplitter, chunks: Iterable<Uint8Array>): Seen[] {
  const lines: Seen[] = []
  splitter.begin()
  for (const chunk of chunks) {
    splitter.push(chunk)
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) {
      lines.push(seen(line))
    }
  }
  const rest = splitter.rest()
  if (rest !== undefined) lines.push(seen(rest))
  return lines
}

function* inPieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}

describe('LineSplitter', () => {
  it('hands out lines with their places, and what no LF ended', () => {
    const bytes = Buffer.from('one\n\nthree\nfo')
    for (const size of [1, 2, 5, 100]) {
      const lines = split(new LineSplitter(), inPieces(bytes, size))
      const places = lines.map(({ text, number, byteOffset }) => [text, number, byteOffset])
      expect(places).toEqual([
        ['one', 1, 0],
        ['', 2, 4],
        ['three', 3, 5],
        ['fo', 4, 11],
      ])
      expect(lines.map(({ ended }) => ended)).toEqual([true, true, true, false])
    }
  })

  it('takes 65,535 bytes and skips a longer line, in any cut', () => {
    const fits = 'a'.repeat(65_535)
    const bytes = Buffer.from(`${fits}\n${fits}a\nb\n${'c'.repeat(500_000)}`)
    for (const size of [65_536, 10_000, 400_000, bytes.length]) {
      const lines = split(new LineSplitter(), inPieces(bytes, size))
      expect(lines.map(({ length, tooLong }) => [length, tooLong])).toEqual([
        [65_535, false],
        [65_536, true],
        [1, false],
        [500_000, true],
      ])
      expect(lines[2]).toMatchObject({ text: 'b', number: 3, byteOffset: 131_073 })
    }
  })

  it('leaves the byte before each line free to be overwritten', () => {
    const splitter = new LineSplitter()
    splitter.begin()
    splitter.push(Buffer.from('one\ntwo\nthree\n'))
    const texts: string[] = []
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) {
      line.bytes[line.start - 1] = 0
      texts.push(seen(line).text)
    }
    expect(texts).toEqual(['one', 'two', 'three'])
  })

  it('changes nothing in the chunks', () => {
    const bytes = Buffer.from('one\ntwo\n')
    const splitter = new LineSplitter()
    splitter.begin()
    splitter.push(bytes)
    const line = splitter.next() as Line
    line.bytes[line.start - 1] = 0
    expect(bytes.toString()).toBe('one\ntwo\n')
  })

  it('serves one file after the other', () => {
    const splitter = new LineSplitter()
    split(splitter, [Buffer.from('one\ntw')])
    expect(split(splitter, [Buffer.from('three\n')])).toEqual([
      { text: 'three', number: 1, byteOffset: 0, length: 5, tooLong: false, ended: true },
    ])
  })

  it('counts and hashes every byte behind a line while asked to', () => {
    const tail = `two\n${'x'.repeat(300_000)}\n\nend`
    const splitter = new LineSplitter()
    splitter.begin()
    const tee = { sha: new IncrementalSha256(), bytes: 0 }
    for (const piece of inPieces(Buffer.from(`one\n${tail}`), 1000)) {
      splitter.push(piece)
      while (splitter.next() !== undefined) splitter.tee = tee
    }
    splitter.rest()
    expect({ bytes: tee.bytes, sha256: tee.sha.hex() }).toEqual({
      bytes: tail.length,
      sha256: sha256Hex(tail),
    })
  })
})
