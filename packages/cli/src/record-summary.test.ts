// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { summarize } from './record-summary.ts'

function whatOf(type: string, detail: unknown): string | undefined {
  return summarize({ chain: { epoch: 'e', seq: 1 }, detail, type })?.what
}

it('says what the log says against itself', () => {
  const gap = { records: 5, reason: 'journal_full', refused: 1, types: { 'tool.end': 5 } }
  expect(whatOf('gap', gap)).toBe('5 records not written, 1 call not made, journal_full')
  const until = '2026-11-21T09:15:40.000Z'
  expect(whatOf('breakglass.open', { until })).toBe(`until ${until}`)
  const close = { calls: 1, reason: 'expired' }
  expect(whatOf('breakglass.close', close)).toBe('expired, 1 tool ran not durable')
})

it('reads without trust in the shape', () => {
  const nothing = '0 records not written, 0 calls not made, '
  expect(whatOf('gap', undefined)).toBe(nothing)
  expect(whatOf('gap', { records: '5', refused: {}, reason: 7 })).toBe(nothing)
  expect(whatOf('breakglass.open', { until: '\u001b[2J' })).not.toContain('\u001b')
  expect(whatOf('breakglass.close', [])).toBe(', 0 tools ran not durable')
})
