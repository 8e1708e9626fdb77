// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { appendFileSync, openSync, readdirSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { outcomeOf, startCommand } from '../command.fixture.ts'
import { aJournal, TestAgent } from '../journal.fixture.ts'

test('verify takes a line without end in bounded memory', async () => {
  const journal = aJournal({ durability: 'interval' })
  const { folder, writer } = journal
  new TestAgent(journal).task()
  writer.close()
  const [epoch = ''] = [...writer.epochs]
  const segments = readdirSync(join(folder, epoch)).filter((name) => name.endsWith('.jsonl'))
  const file = join(folder, epoch, segments.sort().at(-1) ?? '')
  // Sparse: zeros that take no room on the disk, a line of 1 GB for the reader.
  const gigabyte = process.env['SLOW'] === '1' ? 1_000_000_000 : 50_000_000
  appendFileSync(file, '{"x":"')
  truncateSync(file, gigabyte)
  writeSync(openSync(file, 'a'), '"}\n')
  const child = startCommand(['verify', folder], { NODE_OPTIONS: '--max-old-space-size=64' })
  const { status, stdout } = await outcomeOf(child)
  expect(status).toBe(1)
  expect(stdout).toContain('longer than 65535 bytes')
}, 120_000)
