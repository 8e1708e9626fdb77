// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { allAttacks } from './all-attacks.ts'
import type { Attack, Holding, Outcome, Scene } from './attack.ts'
import { HOLDINGS, outcomesOf } from './attack.ts'
import { attackTable, SPEC_FILE, textTable } from './attack-table.ts'
import { writeAttackedLog } from './attacked-log.ts'
import { TamperedCopy } from './tampered-copy.ts'

const root = mkdtempSync(join(tmpdir(), 'spanseal-attacks-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
const folder = (): string => join(root, String(folders++))
const log = writeAttackedLog(folder())
const other = writeAttackedLog(folder(), { log: 'example.org/other' })

function aScene(): Scene {
  return { log, other, copy: new TamperedCopy(log.journal, folder()), folder }
}

/** For each holding what is expected, if that is what comes of it, else all that comes of it. */
async function measure({ run, expect: expected }: Attack): Promise<Record<Holding, string>> {
  const scene = aScene()
  const shown = (await run(scene)) ?? {}
  const measured: Partial<Record<Holding, string>> = {}
  for (const holding of HOLDINGS) {
    const outcomes = await outcomesOf(scene, shown, holding)
    const wanted = expected[holding]
    measured[holding] = outcomes.includes(wanted) ? wanted : outcomes.join(' ')
  }
  return measured as Record<Holding, Outcome>
}

it('the log that nobody attacked holds, at every level', async () => {
  for (const holding of HOLDINGS) {
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
    expect(outcomes).toEqual(attack.expect)
  })
})

it('no two attacks have one name', () => {
  expect(new Set(allAttacks.map(({ name, by }) => `${name} ${by}`)).size).toBe(allAttacks.length)
})

it('spec/attacks.md has the table as it is here', () => {
  expect(readFileSync(SPEC_FILE, 'utf8')).toContain(attackTable(allAttacks))
})
