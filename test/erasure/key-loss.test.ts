// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitmentsOf, readRecords } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { forgetPeriod, openKeyring, PERIOD_DAYS } from '@spanseal/keys'
import { describe, expect, test } from 'vitest'
import {
  aJournal,
  copyOf,
  expectVerified,
  keyringOf,
  LOG,
  recordsOf,
  runAgent,
  spanseal,
  vaultOf,
} from './erasure.fixture.ts'

const TEXT = 'the shop opens at nine o’clock in the morning'
const TALK = [{ subjects: [], text: TEXT }]
const DAY_MILLIS = 86_400_000

async function anAuditedTalk(): Promise<string> {
  const journal = aJournal()
  await runAgent({ journal, talk: TALK, killed: false })
  return journal
}

async function outputOf(journal: string): Promise<{ id: string; c: string }> {
  const records = await recordsOf(journal)
  const found = records.find(({ type }) => type === 'agent.output')
  const [placed] = found === undefined ? [] : commitmentsOf(found)
  const { epoch, seq } = found?.chain ?? { epoch: '', seq: 0 }
  return { id: `${epoch}/${seq}`, c: placed?.commitment.c ?? '' }
}

describe('a lost period key', () => {
  test('proofs verify; what is in the vault opens from there, and nothing else ever', async () => {
    const journal = await anAuditedTalk()
    const { id } = await outputOf(journal)
    rmSync(`${journal}.keys/localhost_support-agent/period`, { recursive: true })
    await expectVerified(journal)
    const open = ['open', id, '--field', '/detail/content', '--journal', journal]
    const file = join(journal, '../text')
    writeFileSync(file, TEXT)
    const value = await spanseal(0, ...open, '--value', file)
    expect([value.code, value.stderr]).toEqual([2, expect.stringContaining('is not in')])
    const kept = await spanseal(0, ...open, '--from-vault', '--json')
    expect([kept.code, JSON.parse(kept.stdout)]).toMatchObject([0, { opens: true }])
  })

  test('a lost master key closes the vault, and the keyring still opens', async () => {
    const journal = await anAuditedTalk()
    const { c } = await outputOf(journal)
    rmSync(`${journal}.keys/localhost_support-agent/vault-master`, { recursive: true })
    await expect(vaultOf(journal).get(c)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await vaultOf(journal).stat()).toMatchObject({ keyMissing: 0 })
    await expectVerified(journal)
  })
})

describe('a period that is over', () => {
  test('has a successor, and both are searched', async () => {
    const journal = await anAuditedTalk()
    const { id } = await outputOf(journal)
    const first = keyringOf(journal).commitKeys().keys[0].kid
    const now = (): number => Date.now() + (PERIOD_DAYS + 1) * DAY_MILLIS
    const later = openKeyring({ log: LOG, journal, now })
    expect(later.commitKeys().keys[0].kid).not.toBe(first)
    expect(later.periods()).toHaveLength(2)
    const file = join(journal, '../text')
    writeFileSync(file, TEXT)
    const { code, stdout } = await spanseal(0, 'search', '--value', file, '--journal', journal)
    expect([code, stdout]).toEqual([0, expect.stringContaining(id)])
  })

  test('can be destroyed, which closes what was committed in it', async () => {
    const journal = await anAuditedTalk()
    const { c } = await outputOf(journal)
    const kid = keyringOf(journal).commitKeys().keys[0].kid
    const now = (): number => Date.now() + (PERIOD_DAYS + 1) * DAY_MILLIS
    const keyring = openKeyring({ log: LOG, journal, now })
    const records: string[] = []
    const parts = {
      keyring,
      now,
      vaults: [vaultOf(journal)],
      records: (mentioning: string) => readRecords(readJournal(journal), { mentioning }),
      record: (detail: (at: { epoch: string; seq: number }) => object): Promise<string> => {
        records.push(JSON.stringify(detail({ epoch: '0', seq: 1 })))
        return Promise.resolve('0/1')
      },
    }
    const erased = await forgetPeriod(kid, 'it is over', parts)
    expect(erased).toMatchObject({ kid, of: 'period', openable: { count: 0 } })
    expect(erased?.closed).toBeGreaterThan(3)
    expect(records).toEqual([expect.not.stringContaining('it is over')])
    expect(keyring.keyOfKid(kid)).toBeUndefined()
    await expect(vaultOf(journal).get(c)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expectVerified(journal)
  })
})

test('a keyring or a vault alone that is restored is erased again', async () => {
  const journal = aJournal()
  const talk = [{ subjects: ['alice'], text: 'alice lives at 12 Harbour Street' }]
  await runAgent({ journal, talk, killed: false })
  const kid = keyringOf(journal).commitKeys(['alice']).keys[0].kid
  const backup = copyOf(journal)
  const { c } = await outputOf(journal)
  expect((await spanseal(0, 'forget', 'alice', '--journal', journal)).code).toBe(0)
  for (const folder of ['keys', 'vault']) {
    const restored = copyOf(journal)
    rmSync(`${restored}.${folder}`, { recursive: true })
    const from = copyOf(backup)
    renameSync(`${from}.${folder}`, `${restored}.${folder}`)
    const { code, stdout } = await spanseal(0, 'forget', '--replay', '--journal', restored)
    expect([code, stdout]).toEqual([0, expect.stringContaining(kid)])
    expect(keyringOf(restored).keyOfKid(kid)).toBeUndefined()
    await expect(vaultOf(restored).get(c)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expectVerified(restored)
  }
})
