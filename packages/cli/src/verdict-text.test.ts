// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Finding, Verdict } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import type { VerdictFrame } from './verdict-text.ts'
import { verdictText } from './verdict-text.ts'

const SHEET = { width: 80, paint: (_: string, text: string): string => text }
const FRAME: VerdictFrame = {
  paths: ['./audit'],
  keysPinned: 0,
  headsGiven: 0,
  ignored: [],
  bytes: 2_400_000,
  millis: 200,
}

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
    checked: 1_204,
    expected: 1_204,
    epochs: 3,
    findings: [],
    counts: {},
    ...changes,
  }
}

function aFault(changes: Partial<Finding> = {}): Finding {
  return {
    kind: 'fault',
    code: 'edited',
    check: 'link',
    message: 'the line does not hash to what its successor links to',
    file: '019aa500/000000000001.jsonl',
    line: 12,
    byteOffset: 4_711,
    seq: 11,
    ...changes,
  }
}

describe('verdictText', () => {
  it('says level, meaning, limits, counts, ends and tail', () => {
    const text = verdictText(aVerdict(), FRAME, SHEET)
    expect(text.split('\n')[0]).toBe('HOLDS at level 1 of 5: self-consistent')
    for (const part of [
      'Means       Bytes, links, counts, calls and checkpoints agree with each other.',
      'Not proved  Who wrote it. No key that you trust was compared:',
      'Checked     1,204 records in 3 epochs; 2.4 MB in 200 ms, 12 MB/s',
      'Ends        2 closed by the writer; 1 crashed, end named by a later epoch',
      'Tail        12 records behind the last checkpoint: linked, but not signed',
      'spanseal keys show --journal ./audit',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('never says complete below level 3', () => {
    for (const level of [0, 1, 2] as const) {
      const text = verdictText(aVerdict({ level, ok: level > 0 }), FRAME, SHEET)
      expect(text).not.toMatch(/complete/i)
    }
    expect(verdictText(aVerdict({ level: 3 }), FRAME, SHEET)).toContain('complete up to the heads')
  })

  it('says what a head file stands for, what lies beyond heads, who cosigned, and what expired', () => {
    const root = '00'.repeat(32)
    const tenantHead = { origin: 'example.com/support', size: 40, root }
    const verdict = aVerdict({
      level: 5,
      tenantHead,
      heads: [{ ...tenantHead, origin: 'example.com/support/x' }, tenantHead],
      witnessed: { k: 2, n: 3, threshold: 2 },
      timestamped: true,
      timestampedAt: '2026-11-21T09:00:00.000Z',
      beyondHead: { epochs: 1, records: 12 },
      heldByHead: 1_000,
      expired: 7,
    })
    const text = verdictText(verdict, FRAME, SHEET).replace(/\s+/g, ' ')
    for (const part of [
      'Not proved That the 1,000 records which your head file stands for are still what they were.',
      'Witnesses 2 of 3 cosigned the tenant log, 2 asked for; time-stamped at 2026-11-21T09:00',
      'Beyond 12 records behind entry 40 of the tenant log, 1 epoch of which nothing is named there',
      'Held 1,000 records not read again',
      'Expired 7 records removed when their time had passed',
      `example.com/support 40 ${Buffer.alloc(32).toString('base64')} … and 1 more head: spanseal head export`,
    ]) {
      expect(text).toContain(part)
    }
  })

  it('keeps to the width', () => {
    const findings = [aFault({ message: 'word '.repeat(60).trim() })]
    for (const level of [0, 1, 2, 3, 4, 5] as const) {
      const text = verdictText(aVerdict({ level, ok: level > 0, findings }), FRAME, SHEET)
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    }
  })

  it('groups findings by code, faults first, each with its place', () => {
    const findings = [
      aFault({ kind: 'notice', code: 'clock', check: 'time', message: 'runs backwards' }),
      aFault({ code: 'missing', message: 'seq 5 to 7 are not there', seq: 5, lastSeq: 7 }),
      aFault(),
      aFault({ line: 20, byteOffset: 9_000, seq: 19 }),
    ]
    const counts = { clock: 1, missing: 1, edited: 2 }
    const verdict = aVerdict({ ok: false, level: 0, selfConsistent: false, findings, counts })
    const text = verdictText(verdict, FRAME, SHEET)
    expect(text).toMatch(/FAULT edited \(2\)[^]*FAULT missing\n[^]*NOTICE clock\n/)
    expect(text).toContain('    019aa500/000000000001.jsonl:12, byte 4711, seq 11\n')
    expect(text).toContain('seq 5–7')
    expect(text.split('\n')[0]).toBe('DOES NOT HOLD: there are faults')
  })

  it('lists ten of a code and says how many more there are', () => {
    const findings = Array.from({ length: 14 }, (_, i) => aFault({ seq: i }))
    const verdict = aVerdict({ ok: false, level: 0, findings, counts: { edited: 2_000 } })
    const text = verdictText(verdict, FRAME, SHEET)
    expect(text.match(/ {2}- the line/g)).toHaveLength(10)
    expect(text).toContain('FAULT edited (2,000)')
    expect(text).toContain('… and 1,990 more; --json lists up to 1,000')
  })

  it('makes file names and messages harmless', () => {
    const evil = 'a\u001b[2J\u202eb'
    const findings = [aFault({ file: evil, message: evil })]
    const text = verdictText(
      aVerdict({ ok: false, level: 0, findings }),
      { ...FRAME, paths: [evil] },
      SHEET,
    )
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    expect(text).toContain('a\\u{1b}[2J\\u{202e}b')
  })

  it('says that nothing was checked, and what to name', () => {
    const nothing = { ok: false, level: 0, checked: 0, expected: 0, epochs: 0 } as const
    const text = verdictText(aVerdict({ ...nothing, attestedTail: 0 }), FRAME, SHEET)
    expect(text).toContain('Checked     0 records in 0 epochs')
    expect(text).toContain('Name the journal folder: the one that holds a folder for each epoch.')
  })

  it('tells faults of the records from faults against the keys and heads that were given', () => {
    const verdict = aVerdict({ ok: false, level: 0, findings: [aFault({ code: 'unsigned' })] })
    const text = verdictText(verdict, { ...FRAME, keysPinned: 1 }, SHEET)
    expect(text.split('\n')[0]).toBe(
      'DOES NOT HOLD: not what the keys and heads you gave vouch for',
    )
    expect(text).toContain('Compare the keys:')
  })

  it('tells an end that is not accounted for from records that do not fit', () => {
    const findings = [aFault({ code: 'unclosed' }), aFault({ code: 'torn' })]
    const verdict = aVerdict({ ok: false, level: 0, selfConsistent: false, findings })
    const text = verdictText(verdict, FRAME, SHEET)
    expect(text).toMatch(/^DOES NOT HOLD: the end is not accounted for\n/)
    expect(text).toContain('- If a writer is at work now, verify with --live.')
  })

  it('says which epochs were written without syncing', () => {
    const text = verdictText(aVerdict({ unsynced: 2 }), FRAME, SHEET)
    expect(text).toContain('Not synced  2 epochs written with durability "none"')
  })

  it('asks for a head at level 2', () => {
    const text = verdictText(
      aVerdict({ level: 2, signed: true }),
      { ...FRAME, keysPinned: 1 },
      SHEET,
    )
    expect(text).toContain('--head <file>')
    expect(text).not.toContain('keys show')
  })
})
