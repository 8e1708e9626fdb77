// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { chunksOf } from './a-journal.fixture.ts'
import { readNotes } from './note-stream.ts'

async function read(bytes: Buffer, chunkBytes = Infinity): Promise<unknown[]> {
  const notes: unknown[] = []
  for await (const note of readNotes(chunksOf(bytes, chunkBytes))) notes.push(note)
  return notes
}

describe('readNotes', () => {
  it('hands out each note and where it lies, in any cut', async () => {
    const bytes = Buffer.from('4\na\nb\n3\né\n11\nlonger note')
    for (const chunkBytes of [1, 2, 3, 7, 100]) {
      expect(await read(bytes, chunkBytes)).toMatchObject([
        { kind: 'note', text: 'a\nb\n', line: 1, byteOffset: 0 },
        { kind: 'note', text: 'é\n', line: 4, byteOffset: 6 },
        { kind: 'note', text: 'longer note', line: 6, byteOffset: 11 },
      ])
    }
  })

  it('says where the last one is torn, be it in its length', async () => {
    for (const rest of ['5\nabcd', '5\n', '5', '12345']) {
      expect(await read(Buffer.from(`2\nab${rest}`))).toMatchObject([
        { kind: 'note', text: 'ab', line: 1, byteOffset: 0 },
        { kind: 'torn', line: 2, byteOffset: 4 },
      ])
    }
  })

  it('stops where no length stands, and takes no long one', async () => {
    for (const rest of ['x\nab', '\n', '01\na', '-1\n', ' 1\na', '65537\n', '123456']) {
      expect(await read(Buffer.from(`2\nab${rest}`))).toMatchObject([
        { kind: 'note', text: 'ab', line: 1, byteOffset: 0 },
        { kind: 'bad', line: 2, byteOffset: 4 },
      ])
    }
  })

  it('has no text for bytes that are not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('2\n'), Buffer.of(0xff, 0xfe)])
    expect(await read(bytes)).toMatchObject([
      { kind: 'note', text: undefined, line: 1, byteOffset: 0 },
    ])
  })
})
