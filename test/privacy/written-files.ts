// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Source } from './secret-scan.ts'

export interface WrittenFiles {
  /** What the journal's segments hold, by line. */
  readonly lines: readonly string[]
  /** Everything else. */
  readonly others: readonly Source[]
}

/**
 * Every file below a folder that was written, byte for byte, and its name. Only the people's files of
 * the keyring are left out: they hold ids, which is what they are for (`spec/record.md`), and no
 * keyring is ever shipped.
 */
export function writtenIn(folder: string): WrittenFiles {
  const files = filesIn(folder).filter(({ name }) => !PEOPLE.test(name))
  const segments = files.filter(({ name }) => SEGMENT.test(name))
  const rest = files.filter(({ name }) => !SEGMENT.test(name))
  return {
    lines: segments.flatMap(({ text }) => text.split('\n').filter((line) => line !== '')),
    others: [
      ...named(
        'file name',
        files.map(({ name }) => name),
      ),
      ...rest.flatMap(({ name, text }) => named(name, text.split('\n'))),
    ],
  }
}

const PEOPLE = /^journal\.keys\/[^/]+\/people\//
const SEGMENT = /^journal\/[^/]+\/\d+\.jsonl$/

function filesIn(folder: string): Source[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
    .map((path) => ({ name: relative(folder, path), text: readFileSync(path, 'latin1') }))
}

export function named(name: string, texts: readonly string[]): Source[] {
  return texts.map((text) => ({ name, text }))
}
