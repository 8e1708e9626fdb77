// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { aFolder } from '../journal.fixture.ts'
import { shipLock } from './ship-lock.ts'

const CONTENDER = `
  import { shipLock } from ${JSON.stringify(join(import.meta.dirname, 'ship-lock.ts'))}
  const [, journal] = process.argv
  process.stdout.write('ready\\n')
  process.stdin.once('data', () => {
    const lock = shipLock(journal, 'kafka')
    process.stdout.write(lock.held ? 'held\\n' : 'not\\n')
    setInterval(() => {}, 1000)
  })
`

test('of many that take over a stale lock at once, one gets it, and killed it loses it', async () => {
  const journal = aFolder()
  for (let round = 0; round < 2; round++) {
    const children = Array.from({ length: 3 }, () => {
      const flags = [
        '--conditions=spanseal-source',
        '--input-type=module',
        '-e',
        CONTENDER,
        journal,
      ]
      const child = spawn(process.execPath, flags, { stdio: ['pipe', 'pipe', 'inherit'] })
      return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
    })
    const next = async ({ lines }: (typeof children)[number]): Promise<unknown> =>
      (await lines.next()).value
    try {
      expect(new Set(await Promise.all(children.map(next)))).toEqual(new Set(['ready']))
      for (const { child } of children) child.stdin.write('go\n')
      const answers = await Promise.all(children.map(next))
      expect(answers.filter((answer) => answer === 'held')).toHaveLength(1)
      expect(shipLock(journal, 'kafka').held).toBe(false)
    } finally {
      const ends = children.map(({ child }) => once(child, 'exit'))
      for (const { child } of children) child.kill('SIGKILL')
      await Promise.all(ends)
    }
  }
  const lock = shipLock(journal, 'kafka')
  expect(lock.held).toBe(true)
  lock.release()
}, 60_000)
