// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { parseVkey, verify } from '@spanseal/core'
import { expect, test } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import {
  aFolder,
  checkedJournal,
  codeOf,
  codeOfRejection,
  memoryKeys,
  openOf,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { listSegments } from './journal-layout.ts'
import { readJournal } from './read-journal.ts'

/** What somebody who can write to the folder does to the segment that is being written. */
const DAMAGES: Readonly<Record<string, (segment: string, folder: string) => void>> = {
  removed: (segment) => rmSync(segment),
  'removed and made again': (segment) => {
    const bytes = readFileSync(segment)
    rmSync(segment)
    writeFileSync(segment, bytes)
  },
  'replaced by a copy': (segment) => {
    copyFileSync(segment, `${segment}.copy`)
    renameSync(`${segment}.copy`, segment)
  },
  'cut to nothing': (segment) => truncateSync(segment, 0),
  'cut in a record': (segment) => truncateSync(segment, readFileSync(segment).length - 100),
  'moved away': (segment, folder) => {
    mkdirSync(join(folder, '..', '..', 'away'))
    renameSync(segment, join(folder, '..', '..', 'away', 'segment'))
  },
  'removed with its folder': (_segment, folder) => rmSync(folder, { recursive: true }),
}

for (const [what, damage] of Object.entries(DAMAGES)) {
  for (const waits of ['synced', 'syncNow'] as const) {
    test(`${waits} answers for no record of a segment that was ${what}`, async () => {
      const journal = join(aFolder(), 'audit')
      const keys = memoryKeys()
      const options = { keys, durability: 'group', beatMillis: 60_000 } as const
      const writer = openWriter(writerOptions(journal, options))
      for (let i = 0; i < 3; i++) await writer.synced(writer.append(() => toolStart()))
      const epoch = writer.epoch ?? ''
      const folder = join(journal, epoch)
      damage(listSegments(folder).at(-1)?.path ?? '', folder)

      const record = writer.append(() => toolStart())
      const code =
        waits === 'synced'
          ? await codeOfRejection(writer.synced(record))
          : codeOf(() => writer.syncNow(record))
      expect(code).toBe('JOURNAL_FAILED')
      const next = writer.append(() => toolStart())
      expect(next.epoch).not.toBe(epoch)
      await writer.synced(next)
      writer.close()
      // No checkpoint covers more than `epoch.open`, but the writer knows what it wrote.
      const verdict = await verify(readJournal(journal), { keys: [parseVkey(keys.issuerVkey)] })
      const codes = verdict.findings.filter(({ kind }) => kind === 'fault').map(({ code }) => code)
      expect(codes).toContain('truncated')
      expect(verdict.ok).toBe(false)
    })
  }
}

test('a writer names what it misses, though another found nothing amiss with less', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { keys, durability: 'group' }))
  for (let i = 0; i < 3; i++) writer.append(() => toolStart())
  writer.syncNow()
  const epoch = writer.epoch ?? ''
  rmSync(listSegments(join(journal, epoch)).at(-1)?.path ?? '')
  writer.append(() => toolStart())
  expect(codeOf(() => writer.syncNow())).toBe('JOURNAL_FAILED')
  // Another keyring, which does not know what the first settles.
  openWriter(writerOptions(journal)).close()
  writer.append(() => toolStart())
  writer.close()
  const [, other, next] = checkedJournal(journal)
  expect(openOf(other).observed).toMatchObject([{ epoch, state: 'crashed', size: 1 }])
  expect(openOf(next).observed).toContainEqual({ ...openOf(other).observed[0], ...LOST })
})

const LOST = { state: 'lost', expected_size: 5 }
