// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import type { BundleFinding, BundleVerdict } from '../bundle/bundle-verdict.ts'
import { BUNDLE_CHECKS, BUNDLE_FINDING_CODES } from '../bundle/bundle-verdict.ts'
import { bundleStatement } from './bundle-statement.ts'
import { BUNDLE_CODES } from './code-texts.ts'
import type { Statement } from './statement.ts'

const LEVELS = [0, 1, 2, 3, 4, 5] as const
const ABSENT = Object.fromEntries(
  BUNDLE_CHECKS.map((check) => [check, 'absent']),
) as BundleVerdict['checks']

function aVerdict(changes: Partial<BundleVerdict> = {}): BundleVerdict {
  return {
    ok: true,
    level: 1,
    record: {
      log: 'example.com/support',
      epoch: '01a1fd5a-0e60-7130-92d2-96d32e1bdaa5',
      seq: 2,
      type: 'tool.start',
      at: '2026-11-21T09:00:00.000Z',
      leaf: '00'.repeat(32),
    },
    checks: { ...ABSENT, bundle: 'held', record: 'held', inclusion: 'held', signature: 'failed' },
    included: true,
    signed: false,
    headMatched: false,
    witnessed: { k: 0, n: 0 },
    openings: [],
    findings: [],
    ...changes,
  }
}

function row({ rows }: Statement, wanted: string): string | undefined {
  return rows.find(([label]) => label === wanted)?.[1]
}

describe('bundleStatement', () => {
  it('says which record, what holds and what was checked', () => {
    const statement = bundleStatement(
      aVerdict({ witnessed: { k: 2, n: 3 }, timestamped: '2026-11-22T00:00:00.000Z' }),
      { keysPinned: 0 },
    )
    expect(statement.title).toBe('HOLDS at level 1 of 5: the record is in its checkpoint')
    expect(row(statement, 'Record')).toBe(
      '01a1fd5a-0e60-7130-92d2-96d32e1bdaa5/2\n' +
        'tool.start of example.com/support, at 2026-11-21T09:00:00.000Z by its writer’s clock',
    )
    expect(row(statement, 'Not proved')).toMatch(/anybody can make a proof/)
    expect(row(statement, 'Checked')).toBe('bundle, record, inclusion')
    expect(row(statement, 'Witnesses')).toBe('2 of 3 cosigned')
    expect(row(statement, 'Stamped')).toBe('the log’s head was there at 2026-11-22T00:00:00.000Z')
  })

  it('never calls a log complete, and speaks of no option unless it is told one', () => {
    for (const level of LEVELS) {
      for (const keysPinned of [0, 1]) {
        const text = JSON.stringify(
          bundleStatement(aVerdict({ level, ok: level > 0 }), { keysPinned }),
        )
        expect(text).not.toMatch(/complete|--|spanseal /i)
      }
    }
    const hints = { key: '--key <vkey>', outside: '--head', json: '--json' }
    const next = [aVerdict(), aVerdict({ level: 2 }), aVerdict({ level: 3 })].map(
      (verdict, i) => bundleStatement(verdict, { keysPinned: i, hints }).next[0],
    )
    expect(next).toEqual([
      expect.stringContaining(': --key <vkey>.'),
      expect.stringContaining(': --head.'),
      expect.stringContaining('(--json).'),
    ])
  })

  it('says that a file is no bundle', () => {
    const findings: readonly BundleFinding[] = [
      { kind: 'fault', code: 'malformed', check: 'bundle', message: 'This is \u001b[2J.' },
    ]
    const { record: _, ...unread } = aVerdict({ ok: false, level: 0, checks: ABSENT, findings })
    const statement = bundleStatement(unread, { keysPinned: 1 })
    expect(statement.title).toBe('DOES NOT HOLD: this is no proof bundle')
    expect(row(statement, 'Record')).toBeUndefined()
    expect(row(statement, 'Checked')).toBe('nothing')
    expect(statement.groups).toEqual([
      {
        kind: 'fault',
        code: 'malformed',
        check: 'bundle',
        means: BUNDLE_CODES.malformed,
        count: 1,
        items: [{ message: 'This is \\u{1b}[2J.', place: [] }],
      },
    ])
  })

  it('keeps findings of one code and several checks apart', () => {
    const findings = (['witness', 'signature', 'witness'] as const).map(
      (check): BundleFinding => ({ kind: 'fault', code: 'unsigned', check, message: check }),
    )
    const { groups } = bundleStatement(aVerdict({ ok: false, level: 0, findings }), {
      keysPinned: 1,
    })
    expect(groups.map(({ check, count }) => [check, count])).toEqual([
      ['witness', 2],
      ['signature', 1],
    ])
  })

  it('shows a value only where it is what was committed to, and was given', () => {
    const opening = { field: '/invocation/input', holds: true, bytes: 4, partial: false }
    const given = { field: opening.field, enc: 'text', value: 'YRtbYg==' } as const
    const opened = (changes: object, openings?: readonly (typeof given)[]): string | undefined =>
      row(
        bundleStatement(aVerdict({ openings: [{ ...opening, ...changes }] }), {
          keysPinned: 1,
          ...(openings !== undefined && { openings }),
        }),
        'Opened',
      )
    expect(opened({}, [given])).toBe('/invocation/input (4 bytes, text):\na\\u{1b}[b')
    expect(opened({})).toBe('/invocation/input (4 bytes): what was committed to')
    expect(opened({ holds: false }, [given])).toBe('/invocation/input: NOT what was committed to')
    const long = { ...given, value: Buffer.from('x'.repeat(3_000)).toString('base64') }
    expect(opened({ partial: true, bytes: 3_000 }, [long as never])).toBe(
      `/invocation/input (3000 bytes, text, in part: some of it could not be read):\n${'x'.repeat(2_000)}…`,
    )
  })

  it('has words for every code', () => {
    expect(Object.keys(BUNDLE_CODES)).toEqual([...BUNDLE_FINDING_CODES])
    for (const means of Object.values(BUNDLE_CODES)) expect(means).toMatch(/^[A-Z].+\.$/)
  })
})
