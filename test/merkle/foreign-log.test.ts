// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Checkpoint, NodeSource } from '@spanseal/core'
import {
  consistencyProof,
  entriesPath,
  inclusionProof,
  inclusionRoot,
  isConsistent,
  leafHash,
  MerkleFrontier,
  noteSignedBy,
  parseCheckpoint,
  parseEntries,
  parseNote,
  parseVkey,
  tileNodes,
  tilePath,
  treeRoot,
} from '@spanseal/core'
import { describe, expect, test } from 'vitest'

/** The log under ../shared/vectors/tlog, written by another program: all of it. */

const folder = join(import.meta.dirname, '../../../shared/vectors/tlog/log')
const KEY = parseVkey(
  'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx',
)
const SIZES = Array.from({ length: 16 }, (_, size) => size)

function read(path: string): Buffer {
  return readFileSync(join(folder, path))
}

function headOf(size: number): Checkpoint {
  const note = parseNote(read(`checkpoint.${size}`).toString())
  expect(noteSignedBy(note, KEY)).toBe(true)
  return parseCheckpoint(note.text)
}

function nodesOf(size: number): NodeSource {
  return tileNodes(size, async (tile) => read(tilePath(tile)))
}

function leavesOf(size: number): string[] {
  if (size === 0) return []
  const bundle = read(entriesPath({ index: 0, width: size }))
  return parseEntries(bundle, size).map(leafHash)
}

describe.skipIf(!existsSync(folder))('a log written by another program', () => {
  test('its 16 checkpoints and the newest one are signed by its key', () => {
    expect(SIZES.map((size) => headOf(size).size)).toEqual(SIZES)
    expect(noteSignedBy(parseNote(read('checkpoint').toString()), KEY)).toBe(true)
  })

  test('its entry bundles give its roots', () => {
    for (const size of SIZES) {
      const tree = new MerkleFrontier()
      for (const leaf of leavesOf(size)) tree.append(leaf)
      expect(tree.root()).toBe(headOf(size).root)
    }
  })

  test('its tiles give its roots', async () => {
    for (const size of SIZES.slice(1)) {
      expect(await treeRoot(size, nodesOf(size))).toBe(headOf(size).root)
    }
  })

  test('every head begins with every earlier one', async () => {
    for (const second of SIZES.slice(1)) {
      for (const first of SIZES.slice(0, second + 1)) {
        const proof = await consistencyProof(first, second, nodesOf(second))
        expect(isConsistent(headOf(first), headOf(second), proof)).toBe(true)
        if (first === 0 || first === second) continue
        expect(isConsistent(headOf(first - 1), headOf(second), proof)).toBe(false)
      }
    }
  })

  test('every entry is in every head that covers it', async () => {
    for (const size of SIZES.slice(1)) {
      for (const [index, leaf] of leavesOf(size).entries()) {
        const proof = await inclusionProof(index, size, nodesOf(size))
        expect(inclusionRoot(leaf, { index, size }, proof)).toBe(headOf(size).root)
      }
    }
  })
})

test('the log lies beside the repository', ({ skip }) => {
  skip(!existsSync(folder), '../shared/vectors/tlog is not there')
  expect(existsSync(join(folder, 'checkpoint'))).toBe(true)
})
