// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import type { GapDetail } from '../record.ts'
import type { EpochBuilder } from './a-journal.fixture.ts'
import { aJournal, anEpoch, pinned, START_MILLIS } from './a-journal.fixture.ts'
import type { Finding, Verdict } from './verdict.ts'
import { verify, verifyToHead } from './verify.ts'

const options = { keys: pinned(aJournal().tenant), now: () => START_MILLIS + 86_400_000 }
const BREAKGLASS_ID = '00f067aa0ba902b7'

function check(...epochs: EpochBuilder[]): Promise<Verdict> {
  return verify(
    epochs.map((epoch) => epoch.bytes()),
    options,
  )
}

function findingsOf({ findings }: Verdict, code: Finding['code']): Finding[] {
  return findings.filter((one) => one.code === code)
}

function aGap(changes: Partial<GapDetail> = {}): EpochBuilder {
  return anEpoch({ calls: 1 }).gap(changes).close()
}

describe('a gap', () => {
  it('is said, counted, and no fault', async () => {
    const epoch = anEpoch({ calls: 1 })
      .gap()
      .gap({
        first_at: '2026-11-20T19:00:00.000Z',
        last_at: '2026-11-20T19:00:00.000Z',
        reason: 'sync_failed',
        records: 1,
        types: { 'agent.output': 1 },
        refused: 4,
      })
      .close()
    const verdict = await check(epoch)
    expect(verdict).toMatchObject({
      ok: true,
      level: 2,
      gaps: { count: 2, records: 3, refused: 5 },
      counts: { gap: 2 },
    })
    expect(
      findingsOf(verdict, 'gap').map(({ kind, message, seq }) => [kind, seq, message]),
    ).toEqual([
      [
        'notice',
        3,
        '2 records could not be written, and 1 call was not made between 2026-11-20T18:40:01.000Z ' +
          'and 2026-11-20T18:40:02.500Z, as the journal was full: the log says so itself. ' +
          'They were 1 tool.end, 1 tool.start.',
      ],
      [
        'notice',
        4,
        '1 record could not be written, and 4 calls were not made at 2026-11-20T19:00:00.000Z, ' +
          'as a sync failed: the log says so itself. They were 1 agent.output.',
      ],
    ])
  })

  it('may speak of calls alone', async () => {
    const verdict = await check(aGap({ records: 0, types: {}, refused: 2 }))
    expect(verdict).toMatchObject({ ok: true, gaps: { count: 1, records: 0, refused: 2 } })
    expect(findingsOf(verdict, 'gap')[0]?.message).toMatch(/^2 calls were not made between /)
  })

  it.each<[string, Partial<GapDetail>]>([
    ['more by type than it counts', { records: 1 }],
    ['fewer by type than it counts', { records: 9 }],
    ['no types for what it counts', { types: {} }],
  ])('with %s is forged', async (_, changes) => {
    const verdict = await check(aGap(changes))
    expect(verdict).toMatchObject({ ok: false, counts: { forged: 1, gap: 1 } })
  })

  it('that counts nothing is forged', async () => {
    const epoch = anEpoch({ calls: 1 })
    const detail = { first_at: '2026-11-20T18:40:01.000Z', last_at: '2026-11-20T18:40:01.000Z' }
    epoch.append({
      type: 'gap',
      severity: 'error',
      detail: { ...detail, reason: 'write_failed', records: 0, types: {} },
    })
    expect(await check(epoch.close())).toMatchObject({ ok: false, counts: { forged: 1, gap: 1 } })
  })

  it('does not explain starts without an end', async () => {
    const epoch = anEpoch({ calls: 1 })
      .start()
      .gap({ records: 1, types: { 'tool.end': 1 } })
      .close()
    expect(await check(epoch)).toMatchObject({ ok: false, counts: { unanswered: 1, gap: 1 } })
  })

  it('that breaks the schema is a fault, and not counted', async () => {
    const epoch = aGap().edit(3, (line) => line.replace('"tool.end"', '"tool.eNd"'))
    epoch.relink(4)
    const verdict = await check(epoch)
    expect(verdict.counts).toMatchObject({ schema: 1 })
    expect(verdict.gaps.count).toBe(0)
  })

  it('is read with care where the revision is newer', async () => {
    const strange = (line: string): string =>
      line
        .replace('"rev":0', '"rev":1')
        .replace('"types":{"tool.end":1,"tool.start":1}', '"types":7')
        .replace('"reason":"journal_full"', '"reason":"\\u001b[2J"')
        .replace('"records":2', '"records":-2')
        .replace(/"first_at":"[^"]*"/, '"first_at":{"toString":1}')
        .replace('"refused":1', '"refused":"1"')
    const epoch = aGap()
    for (let seq = 0; seq < epoch.lines.length; seq++) epoch.edit(seq, strange)
    epoch.relink(0)
    epoch.notes = []
    epoch.note(epoch.lines.length, epoch.root())
    const verdict = await check(epoch)
    expect(verdict).toMatchObject({ gaps: { count: 1, records: 0, refused: 0 } })
    expect(verdict.counts).toEqual({ newer_rev: 1, gap: 1, forged: 1 })
    for (const { message } of verdict.findings) expect(message).not.toContain('\u001b')
  })

  it('behind a head is told, one that the head stands for is not told again', async () => {
    const epoch = anEpoch({ calls: 1 }).gap().checkpoint()
    const { head } = await verifyToHead([epoch.bytes()], { ...options, live: true })
    if (head === undefined) throw new Error('no head')
    epoch.call().gap({ records: 5, types: { 'tool.end': 5 } })
    const { verdict } = await verifyToHead([epoch.bytes()], { ...options, live: true, since: head })
    expect(verdict.heldByHead).toBe(4)
    expect(verdict.gaps.records).toBe(5)
  })
})

describe('break-glass', () => {
  it('is counted, opened and closed', async () => {
    const epoch = anEpoch({ calls: 1 })
    const until = '2026-11-20T19:00:00.000Z'
    epoch.append({
      type: 'breakglass.open',
      severity: 'critical',
      detail: { by: 'p1:0123456789abcdef', id: BREAKGLASS_ID, until },
    })
    epoch.call()
    epoch.append({
      type: 'breakglass.close',
      severity: 'critical',
      detail: { calls: 3, id: BREAKGLASS_ID, reason: 'closed' },
    })
    epoch.append({
      type: 'breakglass.open',
      severity: 'critical',
      detail: { id: BREAKGLASS_ID, until },
    })
    const verdict = await check(epoch.close())
    expect(verdict).toMatchObject({
      ok: true,
      breakglass: { opened: 2, closed: 1, calls: 3 },
      findings: [],
    })
  })
})
