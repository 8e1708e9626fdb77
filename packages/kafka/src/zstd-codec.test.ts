// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { CodecTable } from './zstd-codec.ts'
import { registerZstd } from './zstd-codec.ts'

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(packed: Buffer): Promise<Buffer>
}

const notThere = (): never => {
  throw new Error('ZSTD compression not implemented')
}

test('zstd is registered where there is only the placeholder, and packs what others unpack', async () => {
  const codecs: CodecTable = { 4: notThere }
  registerZstd(codecs)
  const codec = codecs[4]?.() as Codec
  const text = Buffer.from('a line '.repeat(1_000))
  const packed = await codec.compress({ buffer: text })
  expect(packed.length).toBeLessThan(text.length / 10)
  expect(zstdDecompressSync(packed).equals(text)).toBe(true)
  expect((await codec.decompress(packed)).equals(text)).toBe(true)
})

test('a codec that the program has registered stays', () => {
  const own = (): string => 'own codec'
  const codecs: CodecTable = { 4: own }
  registerZstd(codecs)
  expect(codecs[4]).toBe(own)
})
