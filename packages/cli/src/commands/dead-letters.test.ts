// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { DeadLetter } from '@spanseal/kafka'
import { describe, expect, it } from 'vitest'
import { brokersOff, runCommand } from '../command.fixture.ts'
import { deadLetterJson, deadLetterText } from './dead-letters-text.ts'

const brokers = ['--brokers', 'localhost:9092']
const plain = { paint: (_style: unknown, text: string): string => text }

function aLetter(other: Partial<DeadLetter> = {}): DeadLetter {
  return {
    place: { topic: 'audit.dead-letters.v1', partition: 0, offset: '7' },
    origin: { topic: 'audit.records.v1', partition: 3, offset: '12' },
    reason: 'no key',
    at: new Date('2026-11-21T09:00:00.000Z'),
    key: null,
    value: Buffer.from('value'),
    headers: {},
    leftOut: [],
    valueBytes: 5,
    replayed: false,
    ...other,
  }
}

describe('spanseal dead-letters', () => {
  it('says that Kafka cannot be asked, with status 2', async () => {
    const off = await brokersOff()
    // Each tries for a second; both at once.
    await Promise.all(
      ['list', 'replay'].map(async (action) => {
        const args = ['dead-letters', action, '--brokers', off, '--json']
        const { status, stdout, stderr } = await runCommand(args)
        expect({ action, status, stdout }).toEqual({ action, status: 2, stdout: '' })
        expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'DELIVERY_TIMEOUT' } })
      }),
    )
  }, 60_000)

  it('refuses what it cannot use before it connects', async () => {
    const cases = [
      ['list'],
      ['list', ...brokers, '--values'],
      ['list', ...brokers, '--prefix', 'a b'],
      ['replay', ...brokers, '--force'],
      ['replay', ...brokers, '--at', '7'],
      ['replay', ...brokers, '--at', '0/-7'],
      ['replay', ...brokers, '--log', '../up'],
      ['delete', ...brokers],
    ]
    for (const args of cases) {
      const { status, stderr } = await runCommand(['dead-letters', ...args])
      expect({ args, status }).toEqual({ args, status: 2 })
      expect(stderr).toMatch(/^spanseal: INVALID_OPTION: [^\n]+\n$/)
    }
  }, 60_000)
})

describe('a dead letter in one line', () => {
  it('says where it lies, when, whence, how large and why', () => {
    expect(deadLetterText(aLetter(), plain)).toBe(
      '0/7       2026-11-21T09:00:00.000Z  audit.records.v1/3 offset 12  5 B  no key\n',
    )
    const stub = aLetter({ value: null, leftOut: ['value'], valueBytes: 10_000_000 })
    expect(deadLetterText(stub, plain)).toContain('left out')
    expect(deadLetterText(aLetter({ replayed: true }), plain)).toContain('(put back)')
    const never = aLetter({ origin: { topic: 'audit.records.v1', partition: 3 } })
    expect(deadLetterText(never, plain)).toContain('audit.records.v1/3 never taken')
  })

  it('stays one harmless line whatever it holds', () => {
    const hostile = aLetter({
      reason: '\u001b[2J\n\u202e',
      at: new Date(Number.NaN),
      origin: undefined,
    })
    const text = deadLetterText(hostile, plain)
    expect(text).toMatch(/^[ -~]+\n$/)
    expect(text).toContain('unknown')
    const json = deadLetterJson(hostile, true)
    expect(json).toMatch(/^[ -~]+\n$/)
    expect(JSON.parse(json)).toMatchObject({ at: '0/7', value: 'dmFsdWU=', key: null })
    expect(JSON.parse(deadLetterJson(hostile, false))).not.toHaveProperty('value')
  })
})
