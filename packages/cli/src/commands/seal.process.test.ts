// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { outcomeOf, startCommand } from '../command.fixture.ts'
import { aTenant } from './seal.fixture.ts'

test('with --watch it seals what comes, and ends cleanly at SIGTERM', async () => {
  const { epoch, journal, key, logDir, seal } = await aTenant()
  const child = startCommand([
    ...['seal', journal, '--log-dir', logDir, '--tenant-key', key],
    ...['--watch', '--every', '1', '--json'],
  ])
  const ended = outcomeOf(child)
  const lines = (): string[] => text.split('\n').filter((line) => line !== '')
  let text = ''
  child.stdout.on('data', (chunk: string) => (text += chunk))
  const until = async (count: number): Promise<void> => {
    while (lines().length < count && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await until(1)
  // The log is the watcher's.
  expect((await seal()).stderr).toContain('LOG_UNUSABLE')
  epoch()
  await until(2)
  child.kill('SIGTERM')
  const { signal, status, stderr } = await ended
  expect([status, signal, stderr]).toEqual([0, null, ''])
  expect(lines().map((line) => (JSON.parse(line) as { size: number }).size)).toEqual([2, 4])
  expect((await seal()).status).toBe(0)
})

test('of sealers that start at once, beside a lock that a dead one left, one at a time writes', async () => {
  const { journal, key, logDir, seal } = await aTenant()
  await seal()
  const args = ['seal', journal, '--log-dir', logDir, '--tenant-key', key]
  const killed = startCommand([...args, '--watch', '--json'])
  const ended = outcomeOf(killed)
  const lock = `${logDir}.sealer/lock`
  while (!existsSync(lock)) await new Promise((resolve) => setTimeout(resolve, 5))
  killed.kill('SIGKILL')
  await ended
  expect(existsSync(lock)).toBe(true)
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => outcomeOf(startCommand(args))))
  const codes = outcomes.map(({ status, stderr }) =>
    status === 0 ? 'sealed' : stderr.split(' ')[1],
  )
  expect(codes).toContain('sealed')
  expect(codes.filter((code) => code !== 'sealed' && code !== 'LOG_UNUSABLE:')).toEqual([])
  expect(existsSync(lock)).toBe(false)
})
