// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { buildTimeline } from './build-timeline.ts'
import { textColumns } from './printable.ts'
import { renderTimeline } from './render-timeline.ts'
import { aRecord, aTask } from './traced-record.fixture.ts'

const lines = (text: string): string[] => text.split('\n')

describe('renderTimeline', () => {
  it('shows time, distance, place, outcome and duration in a line', () => {
    const text = lines(renderTimeline(buildTimeline(aTask())))
    expect(text.slice(0, 4)).toEqual([
      'Trace 0af7651916cd43dd8448eb211c80319c',
      '2026-11-21 09:15:02.123 UTC, 1.25 s · 12 records in 1 epoch',
      '3 tool calls: 1 error, 1 success, 1 open · agent support (support-1)',
      'user p1:1c2d3e4f50617283 · task task-1 · environment test',
    ])
    for (const line of [
      '09:15:02.123    +0 ms ✓ task refund                            success    1.25 s',
      '09:15:02.127    +4 ms │  ├─ ✗ refund_order 2.1.0               error      412 ms',
      '09:15:02.540  +417 ms │  └─ ✓ refund_order 2.1.0               success     82 ms',
      '09:15:02.624  +501 ms ├─ · handoff support → billing',
      '09:15:02.643  +520 ms │  └─ … refund_order 2.1.0               open',
    ]) {
      expect(text).toContain(line)
    }
  })

  it('shows who, decisions, errors, flags and commitments', () => {
    const text = renderTimeline(buildTimeline(aTask()), { width: 100 })
    for (const part of [
      'agent   billing (billing-2)',
      'auth    denied by policy refunds@4, without data_access:write',
      'error  TypeError E_BUSY, fingerprint 0011223344556677',
      '       blinded-sha256:3fa9…:eeeeeeee… json',
      'flags  sql_injection',
      'output   blinded-sha256:3fa9…:ffffffff… json, 1.4\u00a0kB',
      'confidence  0.9',
      'end    not recorded',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('keeps to the width, with any names', () => {
    const long = aRecord({
      type: 'agent.handoff',
      seq: 13,
      parent: 2,
      span: 9,
      detail: { from: '返'.repeat(80), summary: 'word '.repeat(300), to: 'x'.repeat(200) },
    })
    for (const width of [60, 80, 133]) {
      for (const line of lines(renderTimeline(buildTimeline([...aTask(), long]), { width }))) {
        expect(textColumns(line)).toBeLessThanOrEqual(width)
      }
    }
  })

  it('lets no name, message or identity of a record act on the terminal', () => {
    const evil = '\u001b]0;owned\u0007\u202e\n\u009b2J'
    const records = [
      aRecord({
        type: 'task.start',
        seq: 1,
        detail: { name: evil },
        invocation: { status: 'started' },
      }),
      aRecord({
        type: 'tool.start',
        seq: 2,
        span: 2,
        parent: 1,
        actor: { agent: { id: evil, name: evil }, user: { ref: evil, role: evil } },
        authorization: {
          approver: evil,
          decision: 'denied',
          method: 'policy',
          permissions_denied: [evil],
          permissions_used: [],
          policy: { id: evil, version: evil },
        },
        context: { data_classifications: [evil], environment: evil, task_id: evil },
        invocation: {
          error: { code: evil, fingerprint: evil, message: evil, type: evil },
          observed: { flags: [evil], input_bytes: 1, input_shape: '' },
          status: 'started',
          summary: { fields: { [evil]: evil }, truncated: false },
        },
        tool: { name: evil, version: evil },
      }),
    ]
    const timeline = { ...buildTimeline(records), traceId: evil }
    const text = renderTimeline(timeline, { width: 200 })
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    expect(text).toContain('\\u{1b}]0;owned\\u{7}\\u{202e}\\n\\u{9b}2J')
  })

  it('shows gaps, broken glass and erasures under the tree, wrapped', () => {
    const gap = aRecord({
      type: 'gap',
      seq: 13,
      detail: {
        first_at: '2026-11-21T09:15:03.000Z',
        last_at: '2026-11-21T09:15:04.000Z',
        reason: 'sync_failed',
        records: 2,
        refused: 1,
        types: { 'agent.output': 1, 'tool.end': 1 },
      },
    })
    const open = aRecord({
      type: 'breakglass.open',
      seq: 14,
      detail: { by: 'p1:\u001b[2J', id: '00'.repeat(8), until: '2026-11-21T09:30:00.000Z' },
    })
    const close = aRecord({
      type: 'breakglass.close',
      seq: 15,
      detail: { calls: 1, id: '00'.repeat(8), reason: 'expired' },
    })
    const timeline = buildTimeline([...aTask(), gap, open, close])
    const text = renderTimeline(timeline, { width: 80 })
    expect(text).not.toContain('\u001b')
    expect(Math.max(...lines(text).map((line) => textColumns(line)))).toBeLessThanOrEqual(80)
    expect(renderTimeline(timeline, { width: 400 })).toContain(
      'gap 2026-11-21 09:15:03.000 to 2026-11-21 09:15:04.000 (sync_failed): 2 records not written: ' +
        '1 agent.output, 1 tool.end, 1 call not made; some may belong here ' +
        `(${gap.chain.epoch}/13)\nbreak-glass from 2026-11-21 09:15:02.137 to ` +
        '2026-11-21 09:15:02.138 (expired), 1 tool ran not durable, by p1:\\u{1b}[2J ' +
        `(${gap.chain.epoch}/14)`,
    )
  })

  it('colours only when asked', () => {
    expect(renderTimeline(buildTimeline(aTask()))).not.toContain('\u001b')
    expect(renderTimeline(buildTimeline(aTask()), { color: true })).toContain('\u001b[31merror')
  })

  it('stays in reach when calls nest without end', () => {
    const deep = Array.from({ length: 20_000 }, (_, i) =>
      aRecord({
        type: 'tool.start',
        seq: i + 1,
        span: i + 1,
        ...(i === 0 ? {} : { parent: i }),
        invocation: { status: 'started' },
      }),
    )
    const text = lines(renderTimeline(buildTimeline(deep), { width: 80 }))
    expect(text.filter((line) => line.includes('refund_order'))).toHaveLength(20_000)
    expect(Math.max(...text.map((line) => textColumns(line)))).toBeLessThanOrEqual(80)
  })

  it('says so when there are no records', () => {
    expect(renderTimeline(buildTimeline([]))).toBe('Trace \nNo records.\n')
  })
})
