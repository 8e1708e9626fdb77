// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import type { Finding, FindingCode, Verdict } from '../verify/verdict.ts'
import { FINDING_CODES } from '../verify/verdict.ts'
import { JOURNAL_CODES } from './code-texts.ts'
import type { JournalFrame } from './journal-statement.ts'
import { journalStatement } from './journal-statement.ts'
import type { Statement } from './statement.ts'

const PLAIN: JournalFrame = { keysPinned: 0, headsGiven: 0, ignored: [] }
const PINNED: JournalFrame = { ...PLAIN, keysPinned: 1 }
const LEVELS = [0, 1, 2, 3, 4, 5] as const
const ROOT = '00'.repeat(32)
const TENANT_HEAD = { origin: 'example.com/support', size: 40, root: ROOT }

function aVerdict(changes: Partial<Verdict> = {}): Verdict {
  return {
    ok: true,
    level: 1,
    selfConsistent: true,
    signed: false,
    headMatched: false,
    witnessed: { k: 0, n: 0, threshold: 0 },
    beyondHead: { epochs: 0, records: 0 },
    heads: [],
    heldByHead: 0,
    expired: 0,
    timestamped: false,
    ends: { closed: 2, headed: 0, crashed: 1, open: 0 },
    attestedTail: 12,
    unsynced: 0,
    gaps: { count: 0, records: 0, refused: 0 },
    breakglass: { opened: 0, closed: 0, calls: 0 },
    checked: 1_204,
    expected: 1_204,
    epochs: 3,
    findings: [],
    counts: {},
    ...changes,
  }
}

function aFinding(code: FindingCode, changes: Partial<Finding> = {}): Finding {
  return { kind: 'fault', code, check: 'link', message: 'a sentence', seq: 11, ...changes }
}

function aFailure(...findings: readonly Finding[]): Verdict {
  return aVerdict({ ok: false, level: 0, selfConsistent: false, findings })
}

function row({ rows }: Statement, wanted: string): string | undefined {
  return rows.find(([label]) => label === wanted)?.[1]
}

describe('journalStatement', () => {
  it('says level, meaning, limits, counts, ends and tail', () => {
    const statement = journalStatement(aVerdict(), PLAIN)
    expect(statement).toMatchObject({
      holds: true,
      title: 'HOLDS at level 1 of 5: self-consistent',
    })
    expect(row(statement, 'Means')).toMatch(/^Bytes, links, counts, calls and checkpoints agree/)
    expect(row(statement, 'Not proved')).toMatch(/^Who wrote it\. No key that you trust/)
    expect(row(statement, 'Checked')).toBe('1,204 records in 3 epochs')
    expect(row(statement, 'Ends')).toBe(
      '2 closed by the writer; 1 crashed, end named by a later epoch',
    )
    expect(row(statement, 'Tail')).toBe(
      '12 records behind the last checkpoint: linked, but not signed',
    )
  })

  it('says what was read and how fast, where that was measured', () => {
    const effort = { bytes: 2_400_000, millis: 200 }
    expect(row(journalStatement(aVerdict(), { ...PLAIN, effort }), 'Checked')).toBe(
      '1,204 records in 3 epochs; 2.4 MB in 200 ms, 12 MB/s',
    )
  })

  it('never says complete below level 3', () => {
    for (const level of LEVELS) {
      const statement = journalStatement(aVerdict({ level, ok: level > 0 }), PLAIN)
      const complete = /complete/i.test(JSON.stringify(statement))
      expect({ level, complete }).toEqual({ level, complete: level >= 3 })
    }
  })

  it('says what a head file stands for, what lies beyond heads, who cosigned, and what expired', () => {
    const heads = [{ ...TENANT_HEAD, origin: 'example.com/support/x' }, TENANT_HEAD]
    const statement = journalStatement(
      aVerdict({
        level: 5,
        tenantHead: TENANT_HEAD,
        heads,
        witnessed: { k: 2, n: 3, threshold: 2, at: '2026-11-21T08:00:00.000Z' },
        timestampedAt: '2026-11-21T09:00:00.000Z',
        beyondHead: { epochs: 1, records: 12 },
        heldByHead: 1_000,
        expired: 7,
        unsynced: 2,
      }),
      PINNED,
    )
    expect(row(statement, 'Not proved')).toMatch(
      /^That the 1,000 records which your head file stands for are still what they were\./,
    )
    expect(row(statement, 'Witnesses')).toBe(
      '2 of 3 cosigned the tenant log, 2 asked for, the newest 2 at 2026-11-21T08:00:00.000Z or later; ' +
        'time-stamped at 2026-11-21T09:00:00.000Z',
    )
    expect(row(statement, 'Beyond')).toBe(
      '12 records behind entry 40 of the tenant log, 1 epoch of which nothing is named there',
    )
    expect(row(statement, 'Held')).toMatch(/^1,000 records not read again/)
    expect(row(statement, 'Expired')).toMatch(/^7 records removed when their time had passed/)
    expect(row(statement, 'Not synced')).toMatch(/^2 epochs written with durability "none"/)
    const base64 = Buffer.alloc(32).toString('base64')
    expect(statement.heads).toEqual([`example.com/support 40 ${base64}`])
    expect(statement.moreHeads).toBe(1)
  })

  it('says what the log says it lacks, and when it was not sure of itself', () => {
    const statement = journalStatement(
      aVerdict({
        level: 3,
        gaps: { count: 2, records: 1_250, refused: 1 },
        breakglass: { opened: 2, closed: 1, calls: 7 },
      }),
      PINNED,
    )
    expect(statement.holds).toBe(true)
    expect(row(statement, 'Gaps')).toBe(
      '1,250 records could not be written, 1 call was not made: the log says so itself, in 2 gap records',
    )
    expect(row(statement, 'Breakglass')).toBe(
      'tools were let run although their intent could not be made durable: opened 2 times, ' +
        'closed 1 time, 7 tools ran so',
    )
    expect(statement.next.join(' ')).toMatch(/while the log could not be written/)
    const without = journalStatement(aVerdict({ level: 3 }), PINNED)
    expect(row(without, 'Gaps')).toBeUndefined()
    expect(row(without, 'Breakglass')).toBeUndefined()
  })

  it('shows no heads of what does not hold', () => {
    const failure = { ...aFailure(aFinding('edited')), heads: [TENANT_HEAD] }
    expect(journalStatement(failure, PLAIN)).toMatchObject({ heads: [], moreHeads: 0 })
  })

  it('says that nothing was checked, and what to name', () => {
    const nothing = { ok: false, level: 0, checked: 0, expected: 0, epochs: 0 } as const
    const statement = journalStatement(aVerdict(nothing), PLAIN)
    expect(statement.title).toBe('DOES NOT HOLD: nothing was checked')
    expect(statement.next).toEqual([
      'Name the journal folder: the one that holds a folder for each epoch.',
    ])
  })

  it('tells faults of the records from faults against what was given, and from an open end', () => {
    const faults = [aFinding('edited')]
    const titles = [
      aFailure(...faults),
      { ...aFailure(aFinding('unsigned')), selfConsistent: true },
      aFailure(aFinding('unclosed'), aFinding('torn'), aFinding('clock', { kind: 'notice' })),
      aFailure(aFinding('unclosed'), ...faults),
    ].map((verdict) => journalStatement(verdict, PINNED).title)
    expect(titles).toEqual([
      'DOES NOT HOLD: there are faults',
      'DOES NOT HOLD: not what the keys and heads you gave vouch for',
      'DOES NOT HOLD: the end is not accounted for',
      'DOES NOT HOLD: there are faults',
    ])
  })

  it('groups findings by code, faults first, with place and number', () => {
    const file = 'x/000000000001.jsonl'
    const { groups } = journalStatement(
      {
        ...aFailure(
          aFinding('clock', { kind: 'notice' }),
          aFinding('missing', { lastSeq: 12, epoch: 'e' }),
          aFinding('edited', { file, line: 3, byteOffset: 700, check: 'parse' }),
          ...Array.from({ length: 13 }, () => aFinding('edited')),
        ),
        counts: { edited: 2_000 },
      },
      PLAIN,
    )
    expect(groups.map(({ code, count, items, kind }) => [kind, code, count, items.length])).toEqual(
      [
        ['fault', 'edited', 2_000, 10],
        ['fault', 'missing', 1, 1],
        ['notice', 'clock', 1, 1],
      ],
    )
    expect(groups[0]?.items[0]?.place).toEqual([`${file}:3`, 'byte 700', 'seq 11'])
    expect(groups[1]?.items[0]?.place).toEqual(['seq 11–12', 'epoch e'])
  })

  it('makes file names and messages harmless', () => {
    const evil = 'a\u001b[2J\u202eb'
    const statement = journalStatement(
      aFailure(aFinding('edited', { file: evil, message: evil })),
      {
        ...PLAIN,
        ignored: [{ path: evil, reason: 'no part of a journal' }],
      },
    )
    expect(row(statement, 'Not read')).toBe('a\\u{1b}[2J\\u{202e}b: no part of a journal')
    expect(statement.groups[0]?.items).toEqual([
      { message: 'a\\u{1b}[2J\\u{202e}b', place: ['a\\u{1b}[2J\\u{202e}b', 'seq 11'] },
    ])
  })

  it('has words for every code', () => {
    expect(Object.keys(JOURNAL_CODES).toSorted()).toEqual([...FINDING_CODES].toSorted())
    for (const means of Object.values(JOURNAL_CODES)) expect(means).toMatch(/^[A-Z].+\.$/)
  })

  it('speaks of no option and no command, unless it is told them', () => {
    const faults = FINDING_CODES.map((code) => aFinding(code))
    const verdicts = [aFailure(...faults), ...LEVELS.map((level) => aVerdict({ level }))]
    for (const verdict of verdicts) {
      for (const frame of [PLAIN, PINNED]) {
        expect(JSON.stringify(journalStatement(verdict, frame))).not.toMatch(/--|spanseal |`/)
      }
    }
  })

  it('says with hints how to do what it advises', () => {
    const hints = {
      key: '--key <vkey>',
      heads: '--head <file>',
      log: '--log <folder>',
      live: 'verify with --live',
      json: '--json',
      showKeys: 'spanseal keys show',
      everyKey: 'each takes a --key',
      showCalls: 'spanseal timeline',
    }
    const verdicts = [
      aFailure(aFinding('unanswered'), aFinding('unclosed'), aFinding('unsigned')),
      aVerdict({ level: 2 }),
      aVerdict({ level: 3 }),
    ]
    const steps = verdicts.flatMap(
      (verdict) => journalStatement(verdict, { ...PINNED, hints }).next,
    )
    steps.push(...journalStatement(aVerdict(), { ...PLAIN, hints }).next)
    for (const hint of Object.values(hints)) expect(steps.join('\n')).toContain(hint)
  })
})
