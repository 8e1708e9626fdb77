// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Finding, Verdict } from '@spanseal/core'
import { formatHeadLine } from '@spanseal/core'
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

  it('shows heads in full, and how more are had', () => {
    const head = { origin: `example.com/${'long'.repeat(20)}`, size: 40, root: '00'.repeat(32) }
    const heads = Array.from({ length: 5 }, (_, i) => ({ ...head, size: i }))
    const lines = verdictText(aVerdict({ heads }), FRAME, SHEET).split('\n')
    expect(lines).toContain('Keep elsewhere: with these heads it shows what goes missing later')
    expect(lines).toContain(`  ${formatHeadLine({ ...head, size: 4 })}`)
    expect(lines).toContain('  … and 2 more heads: spanseal head export')
  })

  it('names the options that give what is missing', () => {
    const pinned = { ...FRAME, keysPinned: 1 }
    const signed = verdictText(aVerdict({ level: 2, signed: true }), pinned, SHEET)
    expect(signed).toContain('--head <file>')
    expect(signed).not.toContain('keys show')
    const findings = [aFault({ code: 'unclosed' }), aFault({ code: 'torn' })]
    const faulty = { ok: false, level: 0, selfConsistent: false, findings } as const
    const open = verdictText(aVerdict(faulty), pinned, SHEET)
    expect(open).toContain('- If a writer is at work now, verify with --live.')
    expect(open).toContain('- Start the writer once more on the folder')
  })
})
