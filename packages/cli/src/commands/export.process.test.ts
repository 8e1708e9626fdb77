// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { outcomeOf, startCommand } from '../command.fixture.ts'
import { emptyFolder } from '../journal.fixture.ts'

const GOLDEN = fileURLToPath(new URL('../../../../vectors/journal', import.meta.url))

test('an export that is stopped leaves nothing behind', async () => {
  const folder = emptyFolder()
  const journal = join(folder, 'audit')
  cpSync(GOLDEN, journal, { recursive: true })
  const [epoch = ''] = readdirSync(journal).sort()
  // Sparse, and by far not copied when the signal comes, however late this process sees the draft.
  truncateSync(join(journal, epoch, '000000000014.jsonl'), 4 * 1024 ** 3)
  const child = startCommand(['export', journal, '--out', join(folder, 'handed')])
  const end = outcomeOf(child)
  const draft = (): boolean => readdirSync(folder).some((name) => name.includes('.draft-'))
  while (!draft() && child.exitCode === null) await new Promise((next) => setTimeout(next, 2))
  child.kill('SIGINT')
  expect(await end).toMatchObject({
    status: 2,
    stderr: 'spanseal: stopped; nothing was exported\n',
  })
  expect(readdirSync(folder)).toEqual(['audit'])
})
