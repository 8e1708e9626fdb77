// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import independent from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isCanonicalText } from './canonical.ts'
import { isKey, jsonValue, wellFormed } from './json-value.fixture.ts'
import type { Block, RecordDraft } from './line.ts'
import { block, recordLine } from './line.ts'
import type { Chain, RecordTime } from './record.ts'
import { EVENT_TYPES, SEVERITIES } from './record.ts'
import { EPOCH } from './record-samples.fixture.ts'

function hex(digits: number): fc.Arbitrary<string> {
  return fc.string({
    unit: fc.constantFrom(...'0123456789abcdef'.split('')),
    minLength: digits,
    maxLength: digits,
  })
}

const anObject = fc.dictionary(wellFormed.filter(isKey), jsonValue, { noNullPrototype: false })
// The builder does not look into blocks, so any object stands for any block.
const aBlock = anObject.map((value) => block(value)) as fc.Arbitrary<Block<never>>

const drafts: fc.Arbitrary<RecordDraft> = fc.record(
  {
    type: fc.constantFrom(...EVENT_TYPES),
    severity: fc.constantFrom(...SEVERITIES),
    actor: aBlock,
    authorization: aBlock,
    context: aBlock,
    detail: anObject,
    ext: aBlock,
    invocation: anObject as fc.Arbitrary<never>,
    retention: aBlock,
    tool: aBlock,
    trace: fc.record(
      {
        span_id: hex(16),
        trace_id: hex(32),
        parent_span_id: hex(16),
        synthetic: fc.constant(true),
      },
      { requiredKeys: ['span_id', 'trace_id'] },
    ),
  },
  { requiredKeys: ['type', 'severity'] },
) as fc.Arbitrary<RecordDraft>

const chains: fc.Arbitrary<Chain> = fc.record({
  epoch: fc.constant(EPOCH),
  log: fc.constantFrom('localhost/agent', 'example.com/a_b'),
  prev: hex(64),
  seq: fc.maxSafeNat(),
})
const times: fc.Arbitrary<RecordTime> = fc.record(
  {
    at: fc.constant('2026-11-21T09:30:00.000Z'),
    mono_ns: fc.maxSafeNat().map(String),
    event_at: fc.constant('2026-11-21T09:29:00.000Z'),
  },
  { requiredKeys: ['at', 'mono_ns'] },
) as fc.Arbitrary<RecordTime>

const BLOCKS = new Set(['actor', 'authorization', 'context', 'ext', 'retention', 'tool'])

test('a line built from blocks is the canonical form of its record', () => {
  fc.assert(
    fc.property(drafts, chains, times, (draft, chain, time) => {
      const line = recordLine(draft, chain, time)
      const record = JSON.parse(line) as Record<string, unknown>
      expect(line).toBe(independent(record))
      expect(isCanonicalText(line, record)).toBe(true)
      expect(record).toMatchObject({ chain, time, type: draft.type, v: 1, rev: 0 })
      // As texts: a key such as `constructor` in an object without prototype misleads `toEqual`.
      const parts: [string, unknown][] = Object.entries(draft).filter(
        ([name]) => !['type', 'severity'].includes(name),
      )
      for (const [name, part] of parts) {
        const value: unknown = BLOCKS.has(name) ? (part as Block<unknown>).value : part
        expect(independent(record[name])).toBe(independent(value))
      }
    }),
  )
})
