// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

/**
 * Runs the measurements of this folder one after the other, each in a process of its own.
 *
 *     npm run bench [-- <name>…]
 */

const NOT_A_BENCH = new Set(['main'])
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .filter((name) => !NOT_A_BENCH.has(name))
const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !names.includes(name))
if (unknown === undefined) {
  for (const name of wanted.length === 0 ? names : wanted) run(name)
} else {
  process.stderr.write(`no measurement is named ${unknown}; there are: ${names.join(', ')}\n`)
  process.exitCode = 2
}

function run(name: string): void {
  process.stdout.write(`\n== ${name}\n`)
  const script = join(import.meta.dirname, `${name}.ts`)
  const args = ['--expose-gc', '--conditions=spanseal-source', script]
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
