// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { brokersOff, runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, TestAgent } from '../journal.fixture.ts'

const brokers = ['--brokers', 'localhost:9092']

describe('spanseal restore', () => {
  it('says that Kafka cannot be asked, with status 2', async () => {
    const off = await brokersOff()
    const args = ['restore', join(emptyFolder(), 'audit'), '--brokers', off]
    const { status, stdout, stderr } = await runCommand(args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^spanseal: DELIVERY_TIMEOUT: [^\n]+\n$/)
  }, 60_000)

  it('refuses what it cannot use before it connects', async () => {
    const folder = emptyFolder()
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const journal = aJournal()
    new TestAgent(journal).task()
    const cases: readonly (readonly [readonly string[], string])[] = [
      [[...brokers], 'INVALID_OPTION'],
      [[folder], 'INVALID_OPTION'],
      [[folder, ...brokers, '--log', '../up'], 'INVALID_OPTION'],
      [[folder, ...brokers, '--prefix', 'a b'], 'INVALID_OPTION'],
      [[file, ...brokers], 'JOURNAL_UNUSABLE'],
      // What an agent writes to is not to be mixed with what Kafka holds.
      [[journal.folder, ...brokers], 'JOURNAL_UNUSABLE'],
    ]
    for (const [args, code] of cases) {
      const { status, stdout, stderr } = await runCommand(['restore', ...args])
      expect({ args, status, stdout }).toEqual({ args, status: 2, stdout: '' })
      expect(stderr).toMatch(new RegExp(`^spanseal: ${code}: [^\n]+\n$`))
    }
  }, 60_000)
})
