// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { outcomeOf, startCommand } from '../command.fixture.ts'
import { aFile, aJournalOf, FIELD } from './vault.fixture.ts'

describe('open', () => {
  test('waits for a slow standard input, and takes no more of it than a vault keeps', async () => {
    const { journal, said } = await aJournalOf([{ value: 'yes' }])
    const [{ id } = { id: '' }] = said
    const args = ['open', id, '--journal', journal.folder, '--field', FIELD, '--value', '-']
    const slow = startCommand(args)
    slow.stdin.write('ye')
    const timer = setTimeout(() => slow.stdin.end('s'), 800)
    expect(await outcomeOf(slow)).toMatchObject({ status: 0 })
    clearTimeout(timer)
    const huge = startCommand(args)
    const outcome = outcomeOf(huge)
    huge.stdin.on('error', () => undefined)
    huge.stdin.end(Buffer.alloc(65 * 1024 * 1024))
    const { status, stderr } = await outcome
    expect([status, stderr]).toEqual([2, expect.stringContaining('standard input has over 64 MiB')])
  })

  test('leaves no part of a file behind that could not be written whole', async () => {
    const { journal, said } = await aJournalOf([{ value: 'x'.repeat(9_000) }])
    const [{ id } = { id: '' }] = said
    const file = aFile(journal, 'x'.repeat(9_000))
    const out = join(journal.folder, '../cut.json')
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const command = [process.execPath, '--conditions=spanseal-source', main, 'open', id]
    const rest = ['--journal', journal.folder, '--field', FIELD, '--value', file, '--out', out]
    const shell = 'ulimit -f 1; trap "" XFSZ; exec "$@"'
    const ran = spawnSync('bash', ['-c', shell, 'bash', ...command, ...rest], { encoding: 'utf8' })
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('--out: ')])
    expect(existsSync(out)).toBe(false)
  })
})
