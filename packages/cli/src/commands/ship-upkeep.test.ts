// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { brokersOff, runCommand } from '../command.fixture.ts'
import type { TestJournal } from '../journal.fixture.ts'
import { aJournal, deliverAll, TestAgent } from '../journal.fixture.ts'

function segmentsOf({ folder }: TestJournal): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.jsonl(\.zst)?$/.test(path))
    .sort()
}

/** A closed journal of several segments. */
function aFullJournal(): TestJournal {
  const journal = aJournal({ segmentBytesMax: 12_000 })
  const agent = new TestAgent(journal)
  for (let n = 0; n < 15; n++) agent.task()
  journal.writer.close()
  return journal
}

describe('spanseal ship keeps a journal small', () => {
  it('compresses segments that take no more records, and verify holds as before', async () => {
    const journal = aFullJournal()
    await deliverAll(journal.folder, 'kafka')
    const before = await runCommand(['verify', journal.folder, '--key', journal.vkey, '--json'])
    const args = ['ship', journal.folder, '--brokers', await brokersOff()]
    const { status, stdout } = await runCommand(args)
    expect(status).toBe(0)
    expect(stdout).toMatch(/\d+ segments compressed, 0 segments removed after delivery: /)
    expect(segmentsOf(journal).filter((path) => path.endsWith('.zst')).length).toBeGreaterThan(3)
    const after = await runCommand(['verify', journal.folder, '--key', journal.vkey, '--json'])
    const heads = (text: string): unknown => (JSON.parse(text) as { heads?: unknown }).heads
    expect(after.status).toBe(0)
    expect(heads(after.stdout)).toEqual(heads(before.stdout))
    const again = await runCommand([...args, '--json'])
    expect(JSON.parse(again.stdout)).toMatchObject({ upkeep: { compressed: 0, deleted: 0 } })
  }, 60_000)

  it('removes what every destination has, and nothing else', async () => {
    const journal = aFullJournal()
    const args = ['ship', journal.folder, '--brokers', await brokersOff()]
    const remove = [...args, '--no-compress', '--delete-after', '0s', '--give-up-after', '1']
    const segments = segmentsOf(journal)
    await runCommand(remove)
    expect(segmentsOf(journal)).toEqual(segments)
    await deliverAll(journal.folder, 'kafka')
    // A second destination that has begun, and has nothing yet.
    const elsewhere = aJournal({ journal: journal.folder })
    await deliverAll(journal.folder, 'archive')
    new TestAgent(elsewhere).task()
    elsewhere.writer.close()
    await deliverAll(journal.folder, 'kafka')
    const { stdout, status } = await runCommand(remove)
    expect(status).toBe(0)
    expect(stdout).toMatch(/0 segments compressed, [1-9]\d* segments removed after delivery: /)
    const left = segmentsOf(journal)
    expect(left.length).toBeLessThan(segments.length)
    // The first record of each epoch stays, and the task that the archive has not.
    const epochs = new Set(left.map((path) => path.split('/')[0]))
    expect(left).toEqual(
      expect.arrayContaining([...epochs].map((e) => join(e ?? '', `${'0'.repeat(12)}.jsonl`))),
    )
    const verdict = await runCommand(['verify', journal.folder, '--key', journal.vkey])
    expect(verdict.status).toBe(1)
    expect(verdict.stdout).toMatch(
      /claims that records\s+below \d+ were\s+removed after they had been/,
    )
  }, 60_000)

  it('refuses an age that is none', async () => {
    const journal = aJournal()
    for (const age of ['7', 'soon', '-1d', '99999999999d', '1.5h']) {
      const args = ['ship', journal.folder, '--brokers', 'localhost:1', '--delete-after', age]
      const { status, stderr } = await runCommand(args)
      expect(status).toBe(2)
      expect(stderr).toMatch(/^spanseal: INVALID_OPTION: --delete-after: .*for instance 7d\n$/)
    }
  })
})

describe('spanseal ship --metrics', () => {
  it('is refused without --watch, and where nobody can listen', async () => {
    const journal = aJournal()
    const args = ['ship', journal.folder, '--brokers', 'localhost:1', '--metrics']
    for (const address of ['9464', 'nonsense', '127.0.0.1:99999']) {
      const { status, stderr } = await runCommand([...args, address])
      expect(status).toBe(2)
      expect(stderr).toMatch(/^spanseal: INVALID_OPTION: --metrics/)
    }
  })
})
