// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { allAttacks } from './all-attacks.ts'
import type { Attack, Holding } from './attack.ts'
import { HOLDINGS, LEVEL_OF } from './attack.ts'

export const SPEC_FILE: string = join(import.meta.dirname, '../../spec/attacks.md')
const BEGIN = '<!-- table: node --conditions=spanseal-source test/attacks/attack-table.ts -->\n'
const END = '<!-- end of table -->\n'

const HEADS: Readonly<Record<Holding, string>> = {
  nothing: '1',
  keys: '2',
  heads: '3, heads of epochs',
  log: '3, tenant log',
  witnesses: '4, witnesses',
  stamp: '5, time-stamp',
}

/** The level at which an attack is caught first. */
export function caughtAt({ expect }: Pick<Attack, 'expect'>): string {
  const first = HOLDINGS.find((holding) => !['passes', 'beyond head'].includes(expect[holding]))
  return first === undefined ? 'nothing' : String(LEVEL_OF[first])
}

function rows(attacks: readonly Attack[]): string[][] {
  const columns = HOLDINGS.map((holding) => HEADS[holding])
  const head = ['attack', 'the attacker has', 'caught at', ...columns]
  const body = attacks.map((attack) => [
    attack.remark === undefined ? attack.name : `${attack.name} (${attack.remark})`,
    attack.by,
    caughtAt(attack),
    ...HOLDINGS.map((holding) => cell(attack.expect[holding])),
  ])
  return [head, ...body]
}

function cell(outcome: string): string {
  if (outcome === 'passes') return '–'
  if (outcome === 'beyond head') return 'beyond the head'
  return outcome.startsWith('level') ? `only ${outcome}` : outcome
}

/** The table of `spec/attacks.md`. */
export function attackTable(attacks: readonly Attack[]): string {
  const [head = [], ...body] = rows(attacks)
  const lines = [head, head.map(() => '---'), ...body.map((row) => row.map(code))]
  return lines.map((row) => `| ${row.join(' | ')} |\n`).join('')
}

/** Codes, which stand behind the first three columns, as code. */
function code(text: string, column: number): string {
  return column > 2 && /^[a-z_]+$/.test(text) ? `\`${text}\`` : text
}

/** The same for a terminal. */
export function textTable(attacks: readonly Attack[]): string {
  const table = rows(attacks.map(({ name, by, expect, run }) => ({ name, by, expect, run })))
  const widths = (table[0] ?? []).map((_, i) =>
    Math.max(...table.map((row) => (row[i] as string).length)),
  )
  return table
    .map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Writes the table into the page: `node --conditions=spanseal-source test/attacks/attack-table.ts` */
if (import.meta.main) {
  const page = readFileSync(SPEC_FILE, 'utf8')
  const [before = '', rest = ''] = page.split(BEGIN)
  const after = rest.slice(rest.indexOf(END))
  writeFileSync(SPEC_FILE, `${before}${BEGIN}\n${attackTable(allAttacks)}\n${after}`)
}
