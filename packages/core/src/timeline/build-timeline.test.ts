// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { validateRecord } from '../validate-record.ts'
import { buildTimeline, buildTimelines } from './build-timeline.ts'
import type { TimelineEntry } from './timeline.ts'
import { aRecord, aTask, EPOCH, spanId, TRACE } from './traced-record.fixture.ts'

/** `kind name status` with its children, for comparing a whole tree. */
function outline(entries: readonly TimelineEntry[]): unknown[] {
  return entries.map(({ kind, name, status, children }) =>
    children.length === 0
      ? `${kind} ${name} ${status}`
      : [`${kind} ${name} ${status}`, outline(children)],
  )
}

const toolStart = (seq: number, span: number, parent: number) =>
  aRecord({ type: 'tool.start', seq, span, parent, invocation: { status: 'started' } })

function toolEnd(seq: number, span: number, start: string) {
  const invocation = { duration_ns: '5', start, status: 'success' }
  return aRecord({ type: 'tool.end', seq, span, parent: 1, invocation })
}

describe('buildTimeline', () => {
  it('is fed with records that the schema accepts', () => {
    for (const record of aTask()) expect(validateRecord(record)).toBe(true)
  })

  it('makes a tree of task, thoughts, calls, hand-overs and outputs', () => {
    expect(outline(buildTimeline(aTask()).roots)).toEqual([
      [
        'task refund success',
        [
          'input input recorded',
          [
            'reasoning reasoning recorded',
            ['tool refund_order error', 'tool refund_order success'],
          ],
          [
            'handoff support → billing recorded',
            ['authorization refund_order denied', 'tool refund_order open'],
          ],
          'output output recorded',
        ],
      ],
    ])
  })

  it('gives the same tree whatever the order of the records', () => {
    expect(buildTimeline(aTask().reverse())).toEqual(buildTimeline(aTask()))
  })

  it('sums up what the trace is about', () => {
    const { roots: _, ...head } = buildTimeline(aTask())
    expect(head).toEqual({
      traceId: TRACE,
      taskIds: ['task-1'],
      environments: ['test'],
      dataClassifications: [],
      from: '2026-11-21T09:15:02.123Z',
      to: '2026-11-21T09:15:03.373Z',
      records: 12,
      epochs: [EPOCH],
      toolCalls: { error: 1, success: 1, open: 1 },
    })
  })

  it('joins start and end, and takes outcome, sizes, error and retry from them', () => {
    const reasoning = buildTimeline(aTask()).roots[0]?.children[1]
    expect(reasoning?.children[0]).toMatchObject({
      records: [`${EPOCH}/4`, `${EPOCH}/5`],
      offsetMillis: 4,
      durationNanos: '412345678',
      error: { type: 'TypeError', code: 'E_BUSY', fingerprint: '0011223344556677' },
      flags: ['sql_injection'],
      committed: [{ field: 'input', bytes: 64 }, { field: 'message' }],
    })
    expect(reasoning?.children[1]).toMatchObject({ attempt: 2, recovery: 'retry' })
  })

  it('leaves out the log’s own records and those of other traces', () => {
    const other = aRecord({
      type: 'user.input',
      seq: 13,
      trace: 'f'.repeat(32),
      detail: { bytes: 1, content: 'x' },
    })
    expect(buildTimeline([...aTask(), other])).toEqual(buildTimeline(aTask()))
    expect(buildTimeline([...aTask(), other], 'f'.repeat(32)).records).toBe(1)
  })

  it('counts a record that is there twice once', () => {
    expect(buildTimeline([...aTask(), ...aTask()])).toEqual(buildTimeline(aTask()))
  })

  it('joins an end in a later epoch to its start', () => {
    const start = toolStart(1, 2, 1)
    const end = aRecord({
      type: 'tool.end',
      seq: 1,
      span: 2,
      parent: 1,
      epoch: '019aa500-0000-7000-8000-000000000002',
      after: 9,
      invocation: { duration_ns: '8', start: `${EPOCH}/1`, status: 'success' },
    })
    const { roots, epochs } = buildTimeline([end, start])
    expect(outline(roots)).toEqual(['tool refund_order success'])
    expect(epochs).toHaveLength(2)
  })

  it('lets the first end win and shows a second one by itself', () => {
    const { roots } = buildTimeline([
      toolStart(1, 2, 1),
      toolEnd(2, 2, `${EPOCH}/1`),
      toolEnd(3, 2, `${EPOCH}/1`),
    ])
    expect(roots[0]?.records).toEqual([`${EPOCH}/1`, `${EPOCH}/2`])
    expect(roots[0]?.children[0]).toMatchObject({ records: [`${EPOCH}/3`], startMissing: true })
  })

  it('shows an end without its start', () => {
    expect(buildTimeline([toolEnd(3, 2, `${EPOCH}/1`)]).roots).toMatchObject([
      { status: 'success', startMissing: true },
    ])
  })

  it('joins a decision to the call of its span, before and after', () => {
    const authz = (seq: number) =>
      aRecord({
        type: 'authz.granted',
        seq,
        span: 2,
        parent: 1,
        detail: { reason: 'in office hours' },
      })
    for (const records of [
      [authz(1), toolStart(2, 2, 1)],
      [toolStart(1, 2, 1), authz(2)],
    ]) {
      const { roots } = buildTimeline(records)
      expect(roots).toHaveLength(1)
      expect(roots[0]).toMatchObject({ kind: 'tool', clear: { reason: 'in office hours' } })
      expect(roots[0]?.records).toEqual([`${EPOCH}/1`, `${EPOCH}/2`])
    }
  })

  it('keeps the order of seq where the clock ran backwards', () => {
    const inputs = [50, 10, 60].map((after, i) =>
      aRecord({
        type: 'user.input',
        seq: i + 1,
        span: i + 1,
        after,
        detail: { bytes: 1, content: 'x' },
      }),
    )
    const spans = buildTimeline(inputs).roots.map((entry) => entry.spanId)
    expect(spans).toEqual([spanId(1), spanId(2), spanId(3)])
  })

  it('cuts parents that lead back to their children', () => {
    const ring = [toolStart(1, 1, 3), toolStart(2, 2, 1), toolStart(3, 3, 2), toolStart(4, 4, 4)]
    const { roots, records } = buildTimeline(ring)
    const count = (entries: readonly TimelineEntry[]): number =>
      entries.reduce((sum, { children }) => sum + 1 + count(children), 0)
    expect(records).toBe(4)
    expect(count(roots)).toBe(4)
  })

  it('says nothing about a trace without records', () => {
    expect(buildTimeline([])).toMatchObject({ traceId: '', records: 0, roots: [], from: '' })
  })
})

describe('what the log says of itself', () => {
  const gap = (seq: number, first: string, last: string) =>
    aRecord({
      type: 'gap',
      seq,
      detail: {
        first_at: `2026-11-21T${first}Z`,
        last_at: `2026-11-21T${last}Z`,
        reason: 'journal_full',
        records: 3,
        types: { 'tool.end': 3 },
      },
    })
  const id = '00f067aa0ba902b7'
  const glass = (type: 'breakglass.open' | 'breakglass.close', seq: number, detail: object) =>
    aRecord({ type, seq, after: seq, detail: { id, ...detail } })
  const until = '2026-11-21T09:30:00.000Z'
  const closed = aTask().filter(({ chain }) => chain.seq !== 10)

  it('is a gap, where it falls into the time of the trace', () => {
    const during = gap(13, '09:15:03.000', '09:15:09.000')
    const before = gap(14, '09:15:01.000', '09:15:02.000')
    const after = gap(15, '09:16:00.000', '09:17:00.000')
    const { gaps } = buildTimeline([...closed, during, before, after, during])
    expect(gaps).toEqual([
      {
        record: `${EPOCH}/13`,
        from: '2026-11-21T09:15:03.000Z',
        to: '2026-11-21T09:15:09.000Z',
        reason: 'journal_full',
        records: 3,
        refused: 0,
        types: { 'tool.end': 3 },
      },
    ])
  })

  it('is any later gap, while a call has no end', () => {
    const after = gap(15, '09:16:00.000', '09:17:00.000')
    expect(buildTimeline([...aTask(), after]).gaps).toHaveLength(1)
    expect(buildTimeline([...closed, after]).gaps).toBeUndefined()
  })

  it('is a gap whose clock was set back meanwhile', () => {
    const { gaps } = buildTimeline([...closed, gap(13, '09:15:03.000', '08:00:00.000')])
    expect(gaps).toMatchObject([
      { from: '2026-11-21T08:00:00.000Z', to: '2026-11-21T09:15:03.000Z' },
    ])
  })

  it('is the time in which glass was broken, opening and closing as one', () => {
    const open = glass('breakglass.open', 13, { by: 'p1:1c2d3e4f50617283', until })
    const close = glass('breakglass.close', 14, { calls: 2, reason: 'closed' })
    const from = '2026-11-21T09:15:02.136Z'
    const opening = { id, record: `${EPOCH}/13`, from, until, by: 'p1:1c2d3e4f50617283' }
    expect(buildTimeline([close, ...closed, open]).breakglass).toEqual([
      { ...opening, to: '2026-11-21T09:15:02.137Z', calls: 2, reason: 'closed' },
    ])
    expect(buildTimeline([...closed, open]).breakglass).toEqual([opening])
    expect(buildTimeline([...closed, close]).breakglass).toEqual([
      { id, record: `${EPOCH}/14`, to: '2026-11-21T09:15:02.137Z', calls: 2, reason: 'closed' },
    ])
    const early = glass('breakglass.open', -60_000, { until: '2026-11-21T09:15:00.000Z' })
    expect(buildTimeline([...closed, early]).breakglass).toBeUndefined()
  })
})

describe('buildTimelines', () => {
  it('gives one timeline a trace, in the order in which they begin', () => {
    const trace = `${'0'.repeat(31)}1`
    const detail = { bytes: 1, content: 'x' }
    const late = aRecord({ type: 'user.input', seq: 20, after: 9_000, trace, detail })
    expect(buildTimelines([late, ...aTask()]).map((t) => t.traceId)).toEqual([TRACE, trace])
  })
})
