// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { checkBundle, formatBundle, parseVkey, proveRecordInLog, verify } from '@spanseal/core'
import { timestampVerifier } from '@spanseal/transparency'
import { expect, test } from 'vitest'
import { aSealedJournal, aWitness } from '../../packages/core/src/bundle/a-bundle.fixture.ts'
import { OpensslAuthority } from './openssl-authority.ts'

/** Level 5: what a real authority's token adds to a log that is cosigned. */

test('a token over the head takes journal and bundle to level 5', async () => {
  const authority = await OpensslAuthority.make()
  const stranger = await OpensslAuthority.make({}, 'Other')
  const { epoch, journal, log, start } = aSealedJournal()
  epoch.close()
  log.add(epoch.notes.at(-1)!.split('\n\n')[0]! + '\n')
  const witness = aWitness(1)
  log.cosign(witness)
  log.timestamps.push(await stranger.stamp(log.text), await authority.stamp(log.text))
  const asked = {
    keys: [parseVkey(journal.tenant.vkey)],
    witnesses: { keys: [witness.known], threshold: 1 },
  }
  const proof = await proveRecordInLog(epoch.bytes(), start, { log: log.tiles })
  const bundle = formatBundle(proof)
  const levels = async (roots: readonly string[]): Promise<number[]> => {
    const verifyTimestamp = timestampVerifier(roots)
    const whole = await verify(journal.bytes(), { ...asked, tenantLog: log.tiles, verifyTimestamp })
    const one = await checkBundle(bundle, { ...asked, verifyTimestamp })
    return [whole.level, one.level]
  }
  expect(await levels([authority.root])).toEqual([5, 5])
  const nobody = await OpensslAuthority.make({}, 'Nobody')
  // Anybody who serves a log can add a stamp, so one that does not hold takes the level and no more.
  expect(await levels([nobody.root])).toEqual([4, 4])
  log.timestamps.length = 0
  log.timestamps.push(await authority.stamp('another head\n'))
  const moved = formatBundle(await proveRecordInLog(epoch.bytes(), start, { log: log.tiles }))
  const verifyTimestamp = timestampVerifier([authority.root])
  expect((await checkBundle(moved, { ...asked, verifyTimestamp })).level).toBe(4)
})
