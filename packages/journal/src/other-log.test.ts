// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import { aFolder, codeOf, filesIn, LOG, memoryKeys, writerOptions } from './journal.fixture.ts'

const OTHER = 'example.com/other'

test('a second log in one journal is refused with both names, and makes nothing', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  openWriter(writerOptions(journal, { keys })).close()
  const before = filesIn(journal)
  expect(() => openWriter(writerOptions(journal, { log: OTHER }))).toThrow(
    expect.objectContaining({
      code: 'JOURNAL_UNUSABLE',
      message: expect.stringMatching(
        new RegExp(`holds the log ${LOG} .*name another folder for ${OTHER}`),
      ) as string,
    }),
  )
  expect(filesIn(journal)).toEqual(before)
  openWriter(writerOptions(journal, { keys })).close()
})

test('epochs that do not say whose they are do not keep a log from its folder', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { keys }))
  writer.close()
  const [epoch = ''] = writer.epochs
  writeFileSync(join(journal, epoch, '000000000000.jsonl'), '{"chain":{}}\n')
  mkdirSync(join(journal, 'ffffffff-ffff-7fff-bfff-ffffffffffff'))
  expect(codeOf(() => openWriter(writerOptions(journal, { log: OTHER })).close())).toBeUndefined()
  expect(codeOf(() => openWriter(writerOptions(journal)))).toBe('JOURNAL_UNUSABLE')
  // The way out: the other log's epochs go elsewhere.
  for (const name of filesIn(journal)) rmSync(join(journal, name), { recursive: true })
  openWriter(writerOptions(journal)).close()
})
