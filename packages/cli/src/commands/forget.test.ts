// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { defaultKeyringFolder, defaultVaultFolder } from '@spanseal/keys'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import type { TestJournal } from '../journal.fixture.ts'
import { aJournal, LOG } from '../journal.fixture.ts'
import { aFile, aJournalOf, FIELD } from './vault.fixture.ts'

const TEXT = 'what is kept about this one person'

interface Outcome {
  readonly logs: readonly {
    readonly erased: readonly { readonly kid: string; readonly record: string }[]
    readonly again: readonly string[]
  }[]
}

async function forget({ folder }: TestJournal, ...rest: readonly string[]): Promise<Outcome> {
  const { status, stdout, stderr } = await runCommand([
    'forget',
    '--journal',
    folder,
    '--json',
    ...rest,
  ])
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Outcome
}

async function verifies({ folder, vkey }: TestJournal): Promise<void> {
  const { status, stdout, stderr } = await runCommand(['verify', folder, '--key', vkey])
  expect([status, stdout, stderr]).toEqual([0, expect.any(String), expect.any(String)])
}

describe('forget', () => {
  test('refuses a period that no commitment can name', async () => {
    const { journal } = await aJournalOf([{ value: TEXT }])
    for (const period of ['', '2026-11', 'x'.repeat(16)]) {
      const args = ['forget', '--period', period, '--journal', journal.folder]
      const { status, stderr } = await runCommand(args)
      expect([period, status]).toEqual([period, 2])
      expect(stderr).toContain('--period: ')
    }
  })

  test('destroys the keys, records that, and the evidence still verifies', async () => {
    const { journal, said } = await aJournalOf([
      { value: TEXT, subjects: ['alice'], kept: true },
      { value: TEXT, subjects: ['alice', 'bob'], kept: true },
      { value: TEXT, subjects: ['bob'], kept: true },
      { value: 'said by her, about nobody, in so many words', user: 'alice' },
    ])
    const { logs } = await forget(journal, 'alice', '--reason', 'she asked for it')
    expect(logs).toMatchObject([
      { erased: [{ of: 'person', closed: 2, openable: { count: 1 } }], again: [] },
    ])
    const record = logs[0]?.erased[0]?.record ?? ''
    await verifies(journal)
    const file = aFile(journal, TEXT)
    const opened = await Promise.all(
      said
        .slice(0, 3)
        .map(({ id }) =>
          runCommand(['open', id, '--field', FIELD, '--journal', journal.folder, '--value', file]),
        ),
    )
    expect(opened.map(({ status }) => status)).toEqual([2, 2, 0])
    const vault = await Promise.all(
      said
        .slice(0, 3)
        .map(({ commitment }) =>
          runCommand(['vault', 'get', commitment.c, '--journal', journal.folder]),
        ),
    )
    expect(vault.map(({ status }) => status)).toEqual([2, 2, 0])
    expect(vault[2]?.stdout).toBe(TEXT)
    const reason = aFile(journal, 'she asked for it')
    const proof = ['open', record, '--field', '/detail/reason', '--journal', journal.folder]
    expect((await runCommand([...proof, '--value', reason])).status).toBe(0)
    const timeline = await runCommand(['timeline', '--last', '--journal', journal.folder])
    expect(timeline.stdout).toMatch(new RegExp(`erased [\\d-]{10}: ${logs[0]?.erased[0]?.kid} `))
    const tail = await runCommand(['tail', journal.folder, '--lines', '20'])
    expect(tail.stdout).toContain('erasure.done')
  })

  test('is done once, however often it is asked for', async () => {
    const { journal } = await aJournalOf([{ value: TEXT, subjects: ['alice'] }])
    expect((await forget(journal, 'alice')).logs[0]?.erased).toHaveLength(1)
    expect((await forget(journal, 'alice')).logs[0]?.erased).toEqual([])
    expect((await forget(journal, 'mallory')).logs[0]?.erased).toEqual([])
    await verifies(journal)
  })

  test('completes what was begun and not recorded', async () => {
    const { journal } = await aJournalOf([{ value: TEXT, subjects: ['alice'] }])
    const kid = journal.keyring.forget('alice')
    const { logs } = await forget(journal)
    expect(logs).toMatchObject([{ erased: [{ kid, closed: 1 }] }])
    expect((await forget(journal)).logs).toMatchObject([{ erased: [] }])
    await verifies(journal)
  })

  test('after a restore from an older back-up it destroys again', async () => {
    const { journal, said } = await aJournalOf([{ value: TEXT, subjects: ['alice'], kept: true }])
    const keys = defaultKeyringFolder(journal.folder)
    const vault = defaultVaultFolder(journal.folder)
    for (const folder of [keys, vault]) execFileSync('cp', ['-a', folder, `${folder}.backup`])
    const [erased] = (await forget(journal, 'alice')).logs[0]?.erased ?? []
    for (const folder of [keys, vault]) {
      rmSync(folder, { recursive: true })
      renameSync(`${folder}.backup`, folder)
    }
    const get = ['vault', 'get', said[0]?.commitment.c ?? '', '--journal', journal.folder]
    expect(await runCommand(get)).toMatchObject({ stdout: TEXT, stderr: '' })
    const stat = await runCommand(['vault', 'stat', '--journal', journal.folder])
    expect([stat.status, stat.stdout]).toEqual([1, expect.stringContaining('--replay')])
    expect((await forget(journal, '--replay')).logs[0]?.again).toEqual([erased?.kid])
    expect((await runCommand(get)).status).toBe(2)
    expect((await runCommand(['vault', 'stat', '--journal', journal.folder])).status).toBe(0)
    expect((await forget(journal, '--replay')).logs[0]?.again).toEqual([])
    await verifies(journal)
  })

  test('a replay believes nobody who can only write to the journal', async () => {
    const { journal } = await aJournalOf([{ value: TEXT, subjects: ['alice'] }])
    const kid = journal.keyring.commitKeys(['alice']).keys[0].kid
    const other = aJournal({ log: LOG })
    other.writer.append(() => ({
      type: 'erasure.done',
      severity: 'info',
      detail: { closed: 0, kids: [kid], of: 'person', openable: { count: 0 } },
    }))
    other.writer.close()
    // The same log, signed by another issuer.
    execFileSync('cp', ['-a', `${other.folder}/.`, journal.folder])
    const replay = ['forget', '--replay', '--journal', journal.folder]
    const refused = await runCommand(replay)
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('--key')])
    expect(journal.keyring.keyOfKid(kid)).toBeDefined()
    const told = await runCommand([...replay, '--key', other.vkey])
    expect([told.status, told.stdout]).toEqual([0, expect.stringContaining(kid)])
    expect(journal.keyring.keyOfKid(kid)).toBeUndefined()
  })

  test('in a log that never named anybody there is nobody to forget', async () => {
    const { journal } = await aJournalOf([{ value: TEXT }])
    expect((await forget(journal, 'alice')).logs).toMatchObject([{ erased: [] }])
  })

  test('a vault that is not there stops it before anything is destroyed', async () => {
    const { journal } = await aJournalOf([{ value: TEXT, subjects: ['alice'], kept: true }])
    const vault = defaultVaultFolder(journal.folder)
    renameSync(vault, `${vault}.away`)
    const { status, stderr } = await runCommand(['forget', 'alice', '--journal', journal.folder])
    expect([status, stderr]).toEqual([2, expect.stringContaining('--vault-gone')])
    expect((await forget(journal, 'alice', '--vault-gone', vault)).logs[0]?.erased).toHaveLength(1)
  })

  test('a period is destroyed once it is over, and no person by its kid', async () => {
    const { journal } = await aJournalOf([{ value: TEXT, subjects: ['alice'] }, { value: TEXT }])
    const args = ['forget', '--journal', journal.folder, '--period']
    const period = journal.keyring.commitKeys().keys[0].kid
    expect((await runCommand([...args, period])).stderr).toContain('is in use until')
    const alice = journal.keyring.commitKeys(['alice']).keys[0].kid
    expect((await runCommand([...args, alice])).stderr).toContain('the key of a person')
    expect((await runCommand([...args, period, '--replay'])).stderr).toContain('INVALID_OPTION')
    expect((await forget(journal, '--period', '0'.repeat(16))).logs[0]?.erased).toEqual([])
  })
})
