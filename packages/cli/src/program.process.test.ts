// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { outcomeOf, runCommand, runProcess, startCommand } from './command.fixture.ts'

const HOLDS = fileURLToPath(new URL('../../../vectors/journal', import.meta.url))

/** The command with a file as its standard output. */
function runWithStdout(fd: number, args: readonly string[]) {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const argv = ['--conditions=spanseal-source', main, ...args]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', fd, 'pipe'] })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise<{ status: number | null; stderr: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, stderr })),
  )
}

describe('spanseal', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
    ) as { version: string }
    expect(await runProcess(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` })
  })

  it('suggests what was meant and names the way out, on one line, with status 2', async () => {
    expect(await runProcess(['verfy', './audit'])).toEqual({
      status: 2,
      signal: null,
      stdout: '',
      stderr:
        "spanseal: INVALID_OPTION: unknown command 'verfy' (Did you mean verify?); see spanseal --help\n",
    })
    const { stderr, status } = await runCommand(['tail', '.', '--folow'])
    expect(status).toBe(2)
    expect(stderr).toBe(
      "spanseal: INVALID_OPTION: unknown option '--folow' (Did you mean --follow?); see spanseal tail --help\n",
    )
  })

  it.skipIf(!existsSync('/dev/full'))(
    'does not end as if it held where what it printed is lost',
    async () => {
      const full = openSync('/dev/full', 'w')
      for (const args of [['--help'], ['verify', HOLDS, '--json']]) {
        const { status, stderr } = await runWithStdout(full, args)
        expect(status).toBe(2)
        expect(stderr).toContain('OUTPUT_LOST')
        expect(stderr).toContain('ENOSPC')
      }
      closeSync(full)
    },
  )

  it('ends quietly when nobody reads on', async () => {
    const child = startCommand(['--help'])
    child.stdout.destroy()
    expect(await outcomeOf(child)).toMatchObject({ stderr: '', signal: null })
  })
})
