// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aJournal, emptyFolder, TestAgent } from '../../packages/cli/src/journal.fixture.ts'
import { codesOf, runGo } from './go-verifier.ts'

/** Journals that were written just now, and what becomes of them when a byte changes. */

const SLOW = process.env['SLOW'] === '1'
const vectors = new URL('../../vectors/', import.meta.url).pathname

function filesOf(journal: string): string[] {
  return readdirSync(journal, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.jsonl$|^checkpoints$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

test('a journal that the library wrote holds, epoch after epoch', async () => {
  const first = aJournal()
  for (let i = 0; i < 30; i++) new TestAgent(first).task()
  first.writer.close()
  const second = aJournal({ journal: first.folder })
  for (let i = 0; i < 3; i++) new TestAgent(second).task()
  second.writer.close()
  const verdict = await runGo('journal', first.folder, '--key', first.vkey)
  expect(verdict.faults).toBe(null)
  expect(verdict.counts).toMatchObject({ epochs: 2, records: 136, signed: 136 })
})

test('a journal whose writer is at work has no end yet', async () => {
  const journal = aJournal()
  new TestAgent(journal).task()
  const verdict = await runGo('journal', journal.folder, '--key', journal.vkey)
  expect(codesOf(verdict)).toEqual(['unclosed'])
})

test('a byte that is another one is refused, wherever it stands', async () => {
  const journal = join(emptyFolder(), 'journal')
  cpSync(join(vectors, 'journal'), journal, { recursive: true })
  const { pinned } = JSON.parse(readFileSync(join(vectors, 'journal.json'), 'utf8')) as {
    pinned: [string]
  }
  const isWhole = await runGo('journal', journal, '--key', pinned[0])
  expect(isWhole.ok).toBe(true)
  let flipped = 0
  for (const file of filesOf(journal)) {
    const bytes = readFileSync(file)
    // A prime step visits other columns of each line; every byte with SLOW=1.
    for (let at = 0; at < bytes.length; at += SLOW ? 1 : 251) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ (1 << (at % 8))
      writeFileSync(file, changed)
      const verdict = await runGo('journal', journal, '--key', pinned[0])
      const isTornNote = verdict.notices?.some(({ message }) => message.includes('partly there'))
      // A greater length of the last note makes it one that is only partly there: said, and no fault.
      expect(!verdict.ok || (file.endsWith('checkpoints') && isTornNote), `${file} ${at}`).toBe(
        true,
      )
      flipped++
    }
    writeFileSync(file, bytes)
  }
  expect(flipped).toBeGreaterThan(150)
})
