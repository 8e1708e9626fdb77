// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import type { Report } from './findings.ts'
import { FINDINGS_MAX, Findings, RangeFindings } from './findings.ts'

const EDITED: Report = { code: 'edited', check: 'link', message: 'Changed.' }
const CLOCK: Report = { code: 'clock', check: 'time', message: 'Late.' }

describe('Findings', () => {
  it('counts all and keeps a thousand, faults before notices', () => {
    const findings = new Findings()
    for (let i = 0; i < FINDINGS_MAX; i++) findings.notice(CLOCK, { seq: i })
    for (let i = 0; i < FINDINGS_MAX + 1; i++) findings.fault(EDITED, { seq: i })
    expect(findings.counts()).toEqual({ clock: FINDINGS_MAX, edited: FINDINGS_MAX + 1 })
    const kept = findings.list()
    expect(kept).toHaveLength(FINDINGS_MAX)
    expect(new Set(kept.map(({ code }) => code))).toEqual(new Set(['edited']))
    expect(findings.faults).toBe(FINDINGS_MAX + 1)
  })

  it('tells faults of the records from those of what the caller brought along', () => {
    const findings = new Findings()
    findings.fault({ ...EDITED, code: 'unsigned', outside: true }, {})
    expect([findings.faults, findings.ownFaults]).toEqual([1, 0])
  })

  it('can call a finding something else once more is known', () => {
    const findings = new Findings()
    const finding = findings.fault({ ...EDITED, code: 'schema' }, { seq: 1 })
    findings.recode(finding, EDITED)
    expect(findings.counts()).toEqual({ edited: 1 })
    expect(findings.list()).toEqual([{ kind: 'fault', ...EDITED, seq: 1 }])
  })

  it('makes messages harmless and short', () => {
    const findings = new Findings()
    findings.fault({ ...EDITED, message: `\u001b[31m\u202e\ud800\n${'x'.repeat(9999)}` }, {})
    const [{ message } = { message: '' }] = findings.list()
    expect(message).toMatch(/^\\u001b\[31m\\u202e\ufffd\\u000ax+…$/)
    expect(message.length).toBeLessThan(700)
  })
})

describe('RangeFindings', () => {
  it('reports neighbours of one code as one finding', () => {
    const findings = new Findings()
    const ranges = new RangeFindings(findings)
    for (const seq of [3, 4, 5, 9]) ranges.fault(EDITED, { seq })
    ranges.fault({ ...EDITED, code: 'forked' }, { seq: 10 })
    expect(findings.list().map(({ code, seq, lastSeq }) => [code, seq, lastSeq])).toEqual([
      ['edited', 3, 5],
      ['edited', 9, undefined],
      ['forked', 10, undefined],
    ])
  })
})
