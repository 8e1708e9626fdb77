// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { brokersOff, runCommand } from '../command.fixture.ts'

describe('spanseal topics', () => {
  it('says that Kafka cannot be asked, with status 2', async () => {
    const off = await brokersOff()
    // Each tries for a second; both at once.
    await Promise.all(
      ['create', 'check'].map(async (action) => {
        const { status, stdout, stderr } = await runCommand(['topics', action, '--brokers', off])
        expect({ action, status, stdout }).toEqual({ action, status: 2, stdout: '' })
        expect(stderr).toMatch(/^spanseal: DELIVERY_TIMEOUT: [^\n]+\n$/)
      }),
    )
  }, 60_000)

  it('refuses numbers and actions that cannot be', async () => {
    const brokers = ['--brokers', 'localhost:9092']
    const cases = [
      ['create', ...brokers, '--partitions', '0'],
      ['create', ...brokers, '--replication', 'x'],
      ['create', ...brokers, '--retention-ms', '-2'],
      ['check', ...brokers, '--prefix', 'a b'],
      ['check'],
      ['destroy', ...brokers],
    ]
    await Promise.all(
      cases.map(async (args) => {
        const { status, stderr } = await runCommand(['topics', ...args])
        expect({ args, status }).toEqual({ args, status: 2 })
        expect(stderr).toMatch(/^spanseal: INVALID_OPTION: [^\n]+\n$/)
      }),
    )
  }, 60_000)
})
