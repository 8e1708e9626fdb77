// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { outcomeOf, runCommand, runProcess, startCommand } from './command.fixture.ts'

const COMMANDS = ['verify', 'timeline', 'tail', 'ship', 'topics', 'keys', 'prove', 'check', 'seal']

describe('spanseal', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
    ) as { version: string }
    expect(await runProcess(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` })
  })

  it.each([[], ...COMMANDS.map((name) => [name]), ['topics', 'create'], ['keys', 'show']])(
    'helps with %s %s',
    async (...args) => {
      const { status, stdout, stderr } = await runCommand([...args, '--help'])
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const command = ['spanseal', ...args].join(' ')
      expect(stdout.startsWith(`Usage: ${command} `)).toBe(true)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    },
  )

  it('shows examples that fit a terminal of 80 columns', async () => {
    const pages = [
      'verify',
      'timeline',
      'tail',
      'ship',
      'topics create',
      'topics check',
      'keys show',
      'prove',
      'check',
      'seal',
    ]
    for (const page of pages) {
      const { stdout } = await runCommand([...page.split(' '), '--help'])
      const [, examples = ''] = stdout.split('Examples:\n')
      expect(examples).toMatch(new RegExp(`^  spanseal ${page} `))
      for (const line of examples.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    }
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

  it('shows help and fails when nothing is asked', async () => {
    const { status, stderr, stdout } = await runCommand([])
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain('Usage: spanseal ')
  })

  it('gives errors as JSON with --json', async () => {
    const { status, stderr, stdout } = await runCommand(['verify', '/nowhere', '--json'])
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NOT_FOUND' } })
  })

  it('shows names given to it without letting them act on the terminal', async () => {
    const { stderr } = await runCommand(['verify', '/nowhere\u001b[2J\u202e'])
    expect(stderr).toContain('/nowhere\\u{1b}[2J\\u{202e}')
  })

  it('colours on a terminal only, and not with NO_COLOR', async () => {
    const help = ['verify', new URL('.', import.meta.url).pathname]
    const plain = await runCommand(help)
    const colored = await runCommand(help, { terminalColumns: 80 })
    const asked = await runCommand(help, { terminalColumns: 80, env: { NO_COLOR: '1' } })
    expect(plain.stdout).not.toContain('\u001b')
    expect(colored.stdout).toContain('\u001b[31mDOES NOT HOLD')
    expect(asked.stdout).not.toContain('\u001b')
  })

  it('ends quietly when nobody reads on', async () => {
    const child = startCommand(['--help'])
    child.stdout.destroy()
    expect(await outcomeOf(child)).toMatchObject({ stderr: '', signal: null })
  })
})
