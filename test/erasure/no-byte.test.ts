// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AgentOrders } from './agent.fixture.ts'
import {
  aJournal,
  commitmentsUnder,
  expectVerified,
  filesWith,
  keyringOf,
  runAgent,
  spanseal,
  vaultOf,
} from './erasure.fixture.ts'

const ALICE = 'alice-4711@example.com'
const BOB = 'bob-4712@example.com'
const TALK: AgentOrders['talk'] = [
  { subjects: [ALICE], text: 'alice lives at 12 Harbour Street' },
  { subjects: [ALICE, BOB], text: 'alice owes bob 300 crowns' },
  { subjects: [BOB], text: 'bob is allergic to nuts' },
  { subjects: [], text: 'the shop opens at nine o’clock in the morning' },
]
const ABOUT_ALICE = TALK.slice(0, 2).map(({ text }) => text)

/** What of a person's keys is on disk before they are forgotten. */
function keyMaterial(journal: string, kid: string): { secrets: Buffer[]; file: string } {
  const people = `${journal}.keys/localhost_support-agent/people`
  const name = readdirSync(people).find((one) =>
    readFileSync(join(people, one), 'utf8').includes(kid),
  )
  const { key } = JSON.parse(readFileSync(join(people, name ?? ''), 'utf8')) as { key: string }
  const data = `${journal}.vault/localhost_support-agent/keys/${kid}.key`
  const { wrapped } = JSON.parse(readFileSync(data, 'utf8')) as { wrapped: string }
  return {
    secrets: [Buffer.from(key, 'hex'), Buffer.from(wrapped, 'base64')],
    file: join(people, name ?? ''),
  }
}

test.each([false, true])(
  'nothing of a forgotten person is on disk, nor what would open it (agent killed: %s)',
  async (killed) => {
    const journal = aJournal()
    await runAgent({ journal, talk: TALK, killed })
    const kid = keyringOf(journal).commitKeys([ALICE]).keys[0].kid
    const { secrets, file } = keyMaterial(journal, kid)
    const closed = await commitmentsUnder(journal, kid)
    // Each text as input, output, error, output of the task, thought and plan; calls have two inputs.
    expect(closed.length).toBeGreaterThan(12)
    for (const { commitment } of closed)
      expect(await vaultOf(journal).get(commitment)).toBeDefined()
    // Drafts of a process that was killed while it made the key.
    writeFileSync(`${file}.0011223344556677.tmp`, readFileSync(file), { mode: 0o600 })
    expect(filesWith(journal, [ALICE, ...secrets]).length).toBeGreaterThan(2)

    const { code, stderr } = await spanseal(0, 'forget', ALICE, '--journal', journal)
    expect([code, stderr]).toEqual([0, ''])
    const erased = [ALICE, ...ABOUT_ALICE, ...secrets]
    expect(filesWith(journal, erased)).toEqual([])
    const vault = vaultOf(journal)
    for (const { commitment } of closed) {
      await expect(vault.get(commitment)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    expect(keyringOf(journal).keyOfKid(kid)).toBeUndefined()
    expect((await spanseal(0, 'vault', 'compact', '--journal', journal)).code).toBe(0)
    expect(filesWith(journal, erased)).toEqual([])
    expect(await vault.stat()).toMatchObject({ erased: 0, keyMissing: 0 })

    // What is about others only is there, and an agent that starts again makes alice a new key.
    await runAgent({ journal, talk: TALK.slice(0, 1), killed: false })
    const bob = keyringOf(journal).commitKeys([BOB]).keys[0].kid
    const open = (await commitmentsUnder(journal, bob)).filter(
      ({ commitment }) => commitment.alg === 'sha256' || commitment.kid === bob,
    )
    for (const { commitment } of open) expect(await vault.get(commitment)).toBeDefined()
    expect(keyringOf(journal).commitKeys([ALICE]).keys[0].kid).not.toBe(kid)
    for (const { commitment } of closed) {
      await expect(vault.get(commitment)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    expect(filesWith(journal, secrets)).toEqual([])
    await expectVerified(journal)
  },
)
