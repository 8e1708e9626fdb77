// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs'
import { commitmentsOf } from '@spanseal/core'
import { expect, test } from 'vitest'
import { aJournal, expectVerified, recordsOf, runAgent, vaultOf } from './erasure.fixture.ts'

/** Different texts, so that every commitment has a value of its own. */
function talkOf(who: string, count: number): { subjects: string[]; text: string }[] {
  return Array.from({ length: count }, (_, i) => ({
    subjects: [['alice'], ['bob'], ['alice', 'bob'], []][i % 4] as string[],
    text: `${who} says sentence ${i} of many`,
  }))
}

test('agents that share journal, keyring and vault keep every value of each other readable', async () => {
  const journal = aJournal()
  const agents = ['one', 'two', 'three']
  await Promise.all(agents.map((who) => runAgent({ journal, talk: talkOf(who, 8), killed: false })))
  const vault = vaultOf(journal)
  const placed = (await recordsOf(journal)).flatMap(commitmentsOf)
  const kept = await Promise.all(placed.map(({ commitment }) => vault.get(commitment)))
  expect(new Set(kept.map(({ c }) => c)).size).toBeGreaterThan(100)
  expect(await vault.stat()).toMatchObject({ keyMissing: 0, unreadable: 0, keys: { held: 3 } })
  await expectVerified(journal)
})

test.each([1, 7, 30])(
  'an agent killed while it stores (after %i values) leaves whole values only',
  async (afterStored) => {
    const journal = aJournal()
    const talk = talkOf('it', 2_000)
    await runAgent({ journal, talk, killed: true, afterStored })
    const vault = vaultOf(journal)
    const { files, keyMissing, readable, unreadable } = await vault.stat()
    expect([readable, keyMissing, unreadable]).toEqual([files, 0, 0])
    const stored = readdirSync(`${journal}.vault`, { recursive: true, encoding: 'utf8' })
      .map((name) => /\/values\/..\/([0-9a-f]{64})-/.exec(name)?.[1])
      .filter((c) => c !== undefined)
    expect(stored).toHaveLength(files)
    expect(files).toBeGreaterThanOrEqual(afterStored)
    for (const c of stored) {
      expect((await vault.get(c)).bytes.length).toBeGreaterThan(0)
    }
    // What a record committed and the kill kept from the vault is not there, and that is said.
    const committed = (await recordsOf(journal)).flatMap(commitmentsOf)
    expect(new Set(committed.map(({ commitment }) => commitment.c)).size).toBeGreaterThanOrEqual(
      stored.length,
    )
    await runAgent({ journal, talk: [], killed: false })
    await expectVerified(journal)
  },
)
