// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { VerifyOptions } from '@spanseal/core'
import { timestampVerifier } from '@spanseal/transparency'
import { afterAll, describe, expect, it } from 'vitest'
import { needs } from '../needs.ts'
import { OpensslAuthority } from '../timestamp/openssl-authority.ts'
import { allAttacks } from './all-attacks.ts'
import type { Attack, Holding, Outcome, Scene } from './attack.ts'
import { HOLDINGS, outcomesOf } from './attack.ts'
import { attackTable, SPEC_FILE, textTable } from './attack-table.ts'
import { writeAttackedLog } from './attacked-log.ts'
import type { SealedLog } from './sealed-log.ts'
import { sealLog } from './sealed-log.ts'
import { TamperedCopy } from './tampered-copy.ts'

const root = mkdtempSync(join(tmpdir(), 'spanseal-attacks-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
const folder = (): string => join(root, String(folders++))
const log = writeAttackedLog(folder())
const isStamped = (await needs.openssl()) === undefined
let sealed: SealedLog
let verifyTimestamp: VerifyOptions['verifyTimestamp']
/** Without openssl there is no authority, and the last column is not looked at. */
const holdings = HOLDINGS.filter((holding) => isStamped || holding !== 'stamp')
const other = writeAttackedLog(folder(), { log: 'example.org/other' })

function aScene(): Scene {
  const copy = new TamperedCopy(log.journal, folder())
  return { log, sealed, other, copy, folder, verifyTimestamp }
}

/** For each holding what is expected, if that is what comes of it, else all that comes of it. */
async function measure({ run, expect: expected }: Attack): Promise<Record<Holding, string>> {
  const scene = aScene()
  const shown = (await run(scene)) ?? {}
  const measured: Partial<Record<Holding, string>> = {}
  for (const holding of holdings) {
    const outcomes = await outcomesOf(scene, shown, holding)
    const wanted = expected[holding]
    measured[holding] = outcomes.includes(wanted) ? wanted : outcomes.join(' ')
  }
  return measured as Record<Holding, Outcome>
}

const stamps = isStamped ? 'time-stamped' : 'not time-stamped (install OpenSSL 3)'
it(`the log is sealed, cosigned and ${stamps}`, async () => {
  const authority = isStamped ? await OpensslAuthority.make() : undefined
  sealed = await sealLog(log, folder(), authority && ((text) => authority.stamp(text)))
  verifyTimestamp = authority && timestampVerifier([authority.root])
  expect(sealed.witnesses).toHaveLength(3)
})

it('the log that nobody attacked holds, at every level', async () => {
  for (const holding of holdings) {
    expect([holding, ...(await outcomesOf(aScene(), {}, holding))]).toEqual([holding, 'passes'])
  }
})

describe('an attack', () => {
  const measured: Attack[] = []
  afterAll(() => {
    process.stdout.write(`${textTable(measured)}\n`)
  })

  it.each(allAttacks)('$name, with $by: comes to what the table says', async (attack) => {
    const outcomes = await measure(attack)
    measured.push({ ...attack, expect: outcomes as Attack['expect'] })
    const expected = holdings.map((holding) => [holding, attack.expect[holding]])
    expect(outcomes).toEqual(Object.fromEntries(expected))
  })
})

it('no two attacks have one name', () => {
  expect(new Set(allAttacks.map(({ name, by }) => `${name} ${by}`)).size).toBe(allAttacks.length)
})

it('spec/attacks.md has the table as it is here', () => {
  expect(readFileSync(SPEC_FILE, 'utf8')).toContain(attackTable(allAttacks))
})
