// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseCheckpoint } from './checkpoint.ts'
import { leafHash } from './hash.ts'
import { MerkleFrontier } from './merkle.ts'
import { noteSignedBy, parseNote, parseVkey } from './note.ts'

const log = new URL('../../../../shared/vectors/tlog/log/', import.meta.url)
const VKEY = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'
const DIGEST_BYTES = 32

test('no leaves have the hash of nothing', () => {
  expect(new MerkleFrontier().root()).toBe(
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  )
})

describe('a log written by another program', () => {
  const checkpoints = existsSync(log)
    ? readdirSync(log).filter((name) => name.startsWith('checkpoint.'))
    : []

  test('its checkpoints are signed by its key, and its tiles give their roots', ({ skip }) => {
    skip(checkpoints.length === 0, '../shared/vectors/tlog is not there')
    expect(checkpoints).toHaveLength(16)
    for (const name of checkpoints) {
      const note = parseNote(readFileSync(new URL(name, log), 'utf8'))
      expect(noteSignedBy(note, parseVkey(VKEY))).toBe(true)
      const { size, root } = parseCheckpoint(note.text)
      expect(rootOf(size === 0 ? [] : hashesOf(size))).toBe(root)
    }
  })

  test('its entries hash to its tiles', ({ skip }) => {
    skip(checkpoints.length === 0, '../shared/vectors/tlog is not there')
    const bundle = readFileSync(new URL('tile/entries/000.p/15', log))
    const leaves: string[] = []
    for (let at = 0; at < bundle.length; ) {
      const end = at + 2 + bundle.readUInt16BE(at)
      leaves.push(leafHash(bundle.subarray(at + 2, end)))
      at = end
    }
    expect(leaves).toEqual(hashesOf(15))
  })
})

function hashesOf(size: number): readonly string[] {
  const tile = readFileSync(new URL(`tile/0/000.p/${size}`, log))
  return Array.from({ length: size }, (_, i) =>
    tile.toString('hex', i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES),
  )
}

function rootOf(leaves: readonly string[]): string {
  const tree = new MerkleFrontier()
  for (const leaf of leaves) tree.append(leaf)
  return tree.root()
}
