// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import {
  aJournal,
  commitmentsUnder,
  copyOf,
  expectVerified,
  filesWith,
  keyringOf,
  recordsOf,
  runAgent,
  spanseal,
  vaultOf,
} from './erasure.fixture.ts'

const ALICE = 'alice-4711@example.com'
const TALK = [{ subjects: [ALICE], text: 'alice lives at 12 Harbour Street' }]
/** Every one with SLOW=1; else a few of each stretch, another one at each run of the suite. */
const STRIDE = process.env['SLOW'] === '1' ? 1 : 9

test('forgetting that is killed in front of any change to the disk is completed by the next run', async () => {
  const before = aJournal()
  await runAgent({ journal: before, talk: TALK, killed: false })
  const kid = keyringOf(before).commitKeys([ALICE]).keys[0].kid
  let killed = 0
  for (let at = 1 + (Date.now() % STRIDE); ; at += STRIDE) {
    const journal = copyOf(before)
    const { signal } = await spanseal(at, 'forget', ALICE, '--journal', journal)
    if (signal === null) break
    killed++
    const wasBegun = keyringOf(journal).erasures.names(kid)
    // Begun is enough: the id is not needed again.
    expect((await spanseal(0, 'forget', '--journal', journal)).code).toBe(0)
    const isGone = (): boolean => keyringOf(journal).keyOfKid(kid) === undefined
    expect([at, isGone()]).toEqual([at, wasBegun])
    expect((await spanseal(0, 'forget', ALICE, '--journal', journal)).code).toBe(0)
    expect([at, isGone(), filesWith(journal, [ALICE])]).toEqual([at, true, []])
    expect(keyringOf(journal).erasures.pending()).toEqual([])
    for (const { commitment } of await commitmentsUnder(journal, kid)) {
      await expect(vaultOf(journal).get(commitment)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    const done = (await recordsOf(journal)).filter(({ type }) => type === 'erasure.done')
    // Twice where it was killed right behind the first.
    expect([1, 2]).toContain(done.length)
    // The next to open the journal says how the killed process left it.
    await runAgent({ journal, talk: [], killed: false })
    await expectVerified(journal)
  }
  expect(killed).toBeGreaterThan(3)
})
