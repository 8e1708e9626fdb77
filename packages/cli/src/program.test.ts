// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runCommand } from './command.fixture.ts'

const HOLDS = fileURLToPath(new URL('../../../vectors/journal', import.meta.url))

const COMMANDS = ['verify', 'timeline', 'tail', 'ship', 'topics', 'keys', 'prove', 'check', 'seal']

describe('spanseal', () => {
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
      'open',
      'search',
      'forget',
      'vault get',
      'head export',
      'export',
      'timestamp request',
      'timestamp verify',
    ]
    for (const page of pages) {
      const { stdout } = await runCommand([...page.split(' '), '--help'])
      const [, examples = ''] = stdout.split('Examples:\n')
      expect(examples).toMatch(new RegExp(`^  (echo [^\\n]* )?(\\\\\\n *)?spanseal ${page} `))
      for (const line of examples.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    }
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

  it('shows no private key that was given by mistake', async () => {
    const secret = 'MC4CAQAwBQYDK2VwBCIEIHNlY3JldHNlY3JldHNlY3JldHNlY3JldHNlY3Jl'
    const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`
    for (const args of [
      ['verify', HOLDS, '--key', pem],
      ['verify', HOLDS, '--key', pem, '--json'],
      ['verify', HOLDS, '--head', pem],
      ['keys', 'revoke', '--vkey', pem, '--tenant-log-size', '0'],
      ['keys', pem],
      ['tail', HOLDS, pem],
    ]) {
      const { status, stderr, stdout } = await runCommand(args)
      expect([args, status]).toEqual([args, 2])
      expect(stderr + stdout).not.toContain(secret.slice(20, 40))
    }
  })
})
