// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events'
import { expect, test } from 'vitest'
import { outcomeOf, startCommand } from '../command.fixture.ts'
import { aJournal, TestAgent, TRACE } from '../journal.fixture.ts'

const PATIENCE = { timeout: 60_000, interval: 20 }

test('tail follows what is written, in old epochs and in new ones, until SIGTERM', async () => {
  const journal = aJournal()
  const agent = new TestAgent(journal)
  agent.task(TRACE, 'before')
  const child = startCommand(['tail', journal.folder, '-n', '1', '--follow'])
  const ended = outcomeOf(child)
  await once(child.stdout, 'data')
  let seen = ''
  child.stdout.on('data', (text: string) => (seen += text))
  agent.task(TRACE, 'after')
  const other = aJournal({ journal: journal.folder })
  new TestAgent(other).task(TRACE, 'elsewhere')
  await expect.poll(() => seen, PATIENCE).toContain('tool.end        after')
  await expect.poll(() => seen, PATIENCE).toContain('tool.end        elsewhere')
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ status: 0, signal: null, stderr: '' })
  expect(seen).not.toContain('before')
}, 60_000)
