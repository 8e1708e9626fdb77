// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatBundle, parseBundle } from '@spanseal/core'
import { expect, test } from 'vitest'
import { runProcess } from '../command.fixture.ts'
import { aJournal, emptyFolder, TestAgent } from '../journal.fixture.ts'

test('prove writes a bundle that somebody with the key alone checks', async () => {
  const written = aJournal({ durability: 'interval' })
  const { folder: journal, vkey } = written
  const agent = new TestAgent(written)
  for (let i = 0; i < 3; i++) agent.task()
  written.writer.close()
  const [epoch = ''] = [...written.writer.epochs]
  const id = `${epoch}/4`
  const printed = await runProcess(['prove', id, '--journal', journal])
  expect(printed.status).toBe(0)
  expect(printed.stderr).toContain(`record ${id} is in the checkpoint of size`)
  expect(formatBundle(parseBundle(printed.stdout))).toBe(printed.stdout)
  const file = join(emptyFolder(), 'proof.json')
  writeFileSync(file, printed.stdout)
  rmSync(journal, { recursive: true })
  const { status, stdout, stderr } = await runProcess(['check', file, '--key', vkey])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^HOLDS at level 2 of 5: signed by a pinned key\n/)
  expect(stdout).toContain(id)
  expect(stdout.replace(/\s+/g, ' ')).toContain('That there are no other records')
  expect(stdout).not.toMatch(/complete/i)
})
