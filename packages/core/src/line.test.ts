// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { canonicalize, isCanonicalText } from './canonical.ts'
import { codeOf } from './error-code.fixture.ts'
import type { RecordDraft } from './line.ts'
import { block, recordLine } from './line.ts'
import type { AuditRecord } from './record.ts'
import { NO_PREV } from './record.ts'
import { completeRecords, EPOCH, minimalRecords } from './record-samples.fixture.ts'
import { schemaViolation } from './validate-record.ts'

const chain = { epoch: EPOCH, log: 'example.com/support', prev: NO_PREV, seq: 0 }
const time = { at: '2026-11-21T09:30:00.000Z', mono_ns: '0' }

function draftOf(record: AuditRecord): RecordDraft {
  const { chain: _chain, rev: _rev, time: _time, v: _v, ...rest } = record
  const blocks = ['actor', 'authorization', 'context', 'ext', 'retention', 'tool']
  return Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, blocks.includes(key) ? block(value) : value]),
  ) as unknown as RecordDraft
}

describe('recordLine', () => {
  const samples = [...completeRecords(), minimalRecords()].flatMap((records) =>
    Object.values(records as Record<string, AuditRecord>),
  )

  test('makes of every sample record its canonical line, which the schema accepts', () => {
    for (const record of samples) {
      const line = recordLine(draftOf(record), record.chain, record.time)
      expect(line).toBe(canonicalize(record))
      expect(schemaViolation(JSON.parse(line))).toBeUndefined()
    }
  })

  const tool = {
    name: '',
    publisher: 'example.com',
    trust_level: 'verified',
    type: 'function',
    version: '1',
  } as const

  function lineWithToolName(name: string): string {
    const { tool: _tool, ...draft } = draftOf(minimalRecords()['tool.start'])
    return recordLine({ ...draft, tool: block({ ...tool, name }) }, chain, time)
  }

  test.each([
    ['Markdown', '**a** [b](javascript:c) `d` <img src=x>', undefined],
    ['integer-like', '42', undefined],
    ['other scripts and emoji', 'ツール 😀', undefined],
    ['quotes and backslashes', '"\\"', undefined],
    ['a line break', 'a\nb', { path: '/tool/name', rule: 'has another form' }],
    ['a control character', 'a\u0007b', { path: '/tool/name', rule: 'has another form' }],
    ['an escape sequence', '\u001b[31m', { path: '/tool/name', rule: 'has another form' }],
    ['a line separator', 'a\u2028b', { path: '/tool/name', rule: 'has another form' }],
    ['nothing', '', { path: '/tool/name', rule: 'has another form' }],
  ])('%s in a name is one canonical line; the schema decides', (_, name, violation) => {
    const line = lineWithToolName(name)
    expect(line).not.toContain('\n')
    expect(isCanonicalText(line, JSON.parse(line))).toBe(true)
    expect(schemaViolation(JSON.parse(line))).toEqual(violation)
  })

  test.each<[string, object]>([
    ['half of a surrogate pair', { text: '\ud800' }],
    ['minus zero', { chars: -0 }],
    ['undefined', { text: undefined }],
    ['a key named __proto__', JSON.parse('{"__proto__":1}') as object],
  ])('%s in a detail is refused', (_, detail) => {
    const draft = { type: 'agent.reasoning', severity: 'info', detail } as const
    expect(codeOf(() => recordLine(draft, chain, time))).toBe('NOT_REPRESENTABLE')
  })

  test('2^53 + 1 is a number that JavaScript does not have: what it becomes is written', () => {
    const draft = { type: 'agent.output', severity: 'info', detail: { n: 2 ** 53 + 1 } } as const
    expect(recordLine(draft, chain, time)).toContain('"detail":{"n":9007199254740992}')
  })

  test('integer-like keys of ext stand in the order of RFC 8785', () => {
    const draft = { type: 'agent.output', severity: 'info', ext: block({ 10: 1, 9: 2 }) } as const
    expect(recordLine(draft, chain, time)).toContain('"ext":{"10":1,"9":2}')
  })
})
