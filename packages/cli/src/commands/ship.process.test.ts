// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { aClosedPort, brokersOff, outcomeOf, runCommand, startCommand } from '../command.fixture.ts'
import { aJournal, TestAgent } from '../journal.fixture.ts'

/** Several processes start at once on a machine that has other work. */
const PATIENCE = { timeout: 60_000, interval: 50 }

describe('spanseal ship --watch', () => {
  it('ends on SIGTERM', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const child = startCommand(['ship', journal.folder, '--brokers', await brokersOff(), '--watch'])
    child.stderr.once('data', () => child.kill('SIGTERM'))
    const { status, stdout } = await outcomeOf(child)
    expect(status).toBe(1)
    expect(stdout).toContain('Undelivered: 5 records')
  }, 60_000)

  it('stands by while another process ships, and takes over when that is killed', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const brokers = await brokersOff()
    const args = ['ship', journal.folder, '--brokers', brokers]
    const first = startCommand([...args, '--watch'])
    await once(first.stderr, 'data')
    const refused = await runCommand(args)
    expect(refused.status).toBe(2)
    expect(refused.stderr).toMatch(/^spanseal: ALREADY_RUNNING: process \d+ on host /)
    const second = startCommand([...args, '--watch'])
    let told = ''
    second.stderr.setEncoding('utf8').on('data', (text: string) => (told += text))
    const outcome = outcomeOf(second)
    await expect.poll(() => told, PATIENCE).toContain('standing by')
    first.kill('SIGKILL')
    await expect.poll(() => told, PATIENCE).toMatch(/DELIVERY_\w+: .*trying again/)
    second.kill('SIGTERM')
    const { status, stdout } = await outcome
    expect(status).toBe(1)
    expect(stdout).toContain('Undelivered: 5 records')
  }, 120_000)

  it('answers Prometheus while it runs', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const port = await aClosedPort()
    const brokers = await brokersOff()
    const args = ['ship', journal.folder, '--brokers', brokers, '--watch', '--metrics', `${port}`]
    const child = startCommand(args)
    const outcome = outcomeOf(child)
    const ask = async (path: string): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined)
      return `${response?.status} ${await response?.text()}`
    }
    await expect
      .poll(() => ask('/metrics'), PATIENCE)
      .toMatch(/retries_total\{sink="kafka"\} [1-9]/)
    const metrics = await ask('/metrics')
    expect(metrics).toContain('spanseal_sink_lag{sink="kafka"} 5\n')
    expect(await ask('/')).toMatch(/^404 /)
    child.kill('SIGTERM')
    expect((await outcome).status).toBe(1)
  }, 120_000)
})
