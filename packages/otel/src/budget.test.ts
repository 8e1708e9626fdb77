// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordSink } from '@spanseal/core'
import { tendSpool } from '@spanseal/journal'
import { expect, it } from 'vitest'
import { anAudit } from './audit.fixture.ts'
import { TestClock } from './faulty-disk.fixture.ts'

const BYTES_MAX = 1024 * 1024
const RETRY_MILLIS = 1_001
/** A call leaves some 2 KB. */
const CALLS = 1_200

/** Keeps how many records of each kind came, and what gaps said. */
function aSink() {
  const counts: Record<string, number> = {}
  const gaps: unknown[] = []
  const sink: RecordSink = {
    name: 'archive',
    deliver: async ({ records }) => {
      for (const { type, line } of records) {
        counts[type] = (counts[type] ?? 0) + 1
        if (type === 'gap')
          gaps.push((JSON.parse(Buffer.from(line).toString()) as { detail: unknown }).detail)
      }
    },
    close: async () => {},
  }
  return { sink, counts, gaps }
}

/** Bytes of all segments. */
function bytesOf(journal: string): number {
  const files = readdirSync(journal, { recursive: true, encoding: 'utf8' })
  return files
    .filter((name) => /\.jsonl/.test(name))
    .reduce((sum, name) => sum + statSync(join(journal, name)).size, 0)
}

it('policy refuse: a full journal takes nothing more until delivered segments are removed', async () => {
  const clock = new TestClock()
  const { sink, gaps } = aSink()
  const { audit, journal } = anAudit({
    now: clock.now,
    monoNanos: clock.monoNanos,
    budget: { bytesMax: BYTES_MAX, freeBytesMin: 0 },
    sinks: [sink],
  })
  const look = audit.tool({ name: 'look' }, async () => 1)
  const pay = audit.tool({ name: 'pay', risk: 'write' }, async () => 1)
  for (let i = 0; i < CALLS && !audit.health().journal.full; i++) await look()
  expect(audit.health().journal.full).toBe(true)
  expect(await look()).toBe(1)
  await expect(pay()).rejects.toMatchObject({
    code: 'INTENT_NOT_DURABLE',
    message: expect.stringContaining('used up its budget') as string,
    cause: { code: 'JOURNAL_FULL' },
  })
  expect(bytesOf(journal)).toBeLessThanOrEqual(BYTES_MAX)
  await audit.drain()
  // Everything was delivered, but nobody has removed it.
  await expect(pay()).rejects.toMatchObject({ code: 'INTENT_NOT_DURABLE' })
  clock.pass(RETRY_MILLIS)
  await tendSpool(journal, { sinks: ['archive'], deleteAfterMillis: 0, now: clock.now })
  expect(await pay()).toBe(1)
  await audit.drain()
  expect(gaps).toMatchObject([{ reason: 'journal_full', refused: 2 }])
})

it('policy make-room: what every sink has is removed, and nobody is refused', async () => {
  const { sink, counts } = aSink()
  const { audit, journal } = anAudit({
    budget: { bytesMax: BYTES_MAX, freeBytesMin: 0, policy: 'make-room' },
    sinks: [sink],
  })
  const look = audit.tool({ name: 'look' }, async () => 1)
  for (let i = 0; i < CALLS; i++) {
    await look()
    if (i % 100 === 0) await audit.drain()
  }
  expect(await audit.drain()).toEqual({ ok: true, pending: {} })
  expect(audit.health()).toMatchObject({ ok: true, journal: { recordsFailed: 0, full: false } })
  expect(counts).toMatchObject({ 'tool.start': CALLS, 'tool.end': CALLS })
  expect(bytesOf(journal)).toBeLessThanOrEqual(BYTES_MAX)
})

it('policy make-room: what a sink lacks is never removed', async () => {
  const { sink, counts } = aSink()
  const { audit, ofType } = anAudit({
    budget: { bytesMax: BYTES_MAX, freeBytesMin: 0, policy: 'make-room', sinks: ['elsewhere'] },
    sinks: [sink],
  })
  const look = audit.tool({ name: 'look' }, async () => 1)
  for (let i = 0; i < CALLS && !audit.health().journal.full; i++) {
    await look()
    if (i % 100 === 0) await audit.drain()
  }
  expect(audit.health().journal.full).toBe(true)
  await audit.drain()
  expect(ofType('tool.end').length).toBe(counts['tool.end'])
})
