// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import type { TestAudit } from './audit.fixture.ts'
import { anAudit, journalBytes } from './audit.fixture.ts'
import type { BreakGlassOptions } from './break-glass.ts'
import { FaultyDisk, TestClock } from './faulty-disk.fixture.ts'

const RETRY_MILLIS = 1_001
const MINUTE_MILLIS = 60_000

interface Scene extends TestAudit {
  readonly disk: FaultyDisk
  readonly clock: TestClock
  readonly write: () => Promise<number>
}

function aScene(): Scene {
  const disk = new FaultyDisk()
  const clock = new TestClock()
  const test = anAudit({ fs: disk.fs, now: clock.now, monoNanos: clock.monoNanos })
  const write = test.audit.tool({ name: 'probe', risk: 'write' }, async () => 1)
  return { ...test, disk, clock, write }
}

const refused = expect.objectContaining({ code: 'INTENT_NOT_DURABLE' }) as Error

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof AuditError) return `${error.code} ${error.details.option ?? ''}`.trim()
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('break-glass', () => {
  it('stands in the log with who, why and until when, none of it in clear', async () => {
    const { audit, clock, ofType, journal } = aScene()
    const glass = audit.breakGlass({
      reason: 'the volume is full',
      minutes: 30,
      by: 'kim@example.com',
    })
    expect(glass.until).toBe('2026-11-21T10:00:00.000Z')
    expect(audit.health().breakglass).toEqual({ id: glass.id, until: glass.until, calls: 0 })
    clock.pass(MINUTE_MILLIS)
    glass.close()
    glass.close()
    const [opened, ...more] = ofType('breakglass.open')
    expect(more).toEqual([])
    expect(opened).toMatchObject({
      severity: 'critical',
      time: { at: '2026-11-21T09:30:00.000Z' },
      detail: {
        id: glass.id,
        until: glass.until,
        by: expect.stringMatching(/^p1:[0-9a-f]{16}$/) as string,
        reason: { alg: 'blinded-sha256' },
      },
    })
    expect(ofType('breakglass.close').map(({ detail }) => detail)).toEqual([
      { calls: 0, id: glass.id, reason: 'closed' },
    ])
    expect(audit.health()).not.toHaveProperty('breakglass')
    expect(journalBytes(journal)).not.toMatch(/volume is full|kim@example/)
  })

  it('ends by itself, and closed tools are refused again', async () => {
    const { audit, disk, clock, write, ofType } = aScene()
    const glass = audit.breakGlass({ reason: 'x' })
    disk.fail('write', 'ENOSPC')
    expect(await write()).toBe(1)
    clock.pass(15 * MINUTE_MILLIS - 1)
    expect(await write()).toBe(1)
    clock.pass(1)
    await expect(write()).rejects.toEqual(refused)
    expect(audit.health()).not.toHaveProperty('breakglass')
    disk.mend()
    clock.pass(RETRY_MILLIS)
    expect(await write()).toBe(1)
    glass.close()
    const ends = ofType('breakglass.close')
    expect(ends.map(({ detail }) => detail)).toEqual([
      { calls: 2, id: glass.id, reason: 'expired' },
    ])
    expect(audit.health().calls).toMatchObject({ refused: 1, undurable: 2 })
  })

  it('is not prolonged by setting the clock back', async () => {
    const { audit, disk, clock, write } = aScene()
    audit.breakGlass({ reason: 'x' })
    disk.fail('write', 'ENOSPC')
    clock.pass(15 * MINUTE_MILLIS)
    clock.set(Date.UTC(2026, 10, 21, 8))
    await expect(write()).rejects.toEqual(refused)
  })

  it('broken while nothing can be written is recorded as soon as it can, behind the gap and before all else', async () => {
    const { audit, disk, clock, write, records } = aScene()
    await write()
    disk.fail('write', 'ENOSPC')
    await expect(write()).rejects.toEqual(refused)
    const first = audit.breakGlass({ reason: 'first' })
    expect(await write()).toBe(1)
    clock.pass(MINUTE_MILLIS)
    first.close()
    await expect(write()).rejects.toEqual(refused)
    const second = audit.breakGlass({ reason: 'second' })
    expect(second.id).not.toBe(first.id)
    clock.pass(RETRY_MILLIS)
    disk.mend()
    expect(await write()).toBe(1)
    const all = records()
    const last = all.slice(all.findIndex(({ type }) => type === 'gap'))
    expect(last.map(({ type }) => type)).toEqual([
      'gap',
      'breakglass.open',
      'breakglass.close',
      'breakglass.open',
      'tool.start',
      'tool.end',
    ])
    expect(last[0]).toMatchObject({
      detail: { records: 3, refused: 2, types: { 'tool.start': 3 } },
    })
    expect(last[1]).toMatchObject({
      time: { event_at: '2026-11-21T09:30:00.000Z', at: '2026-11-21T09:31:01.001Z' },
    })
    expect(last[2]).toMatchObject({ detail: { id: first.id, calls: 1 } })
    // Written although one was open: its intent was durable, so it needed no glass.
    expect(audit.health().breakglass).toMatchObject({ id: second.id, calls: 0 })
  })

  it('one is open at a time: another waits until it is closed', () => {
    const { audit } = aScene()
    const outer = audit.breakGlass({ reason: 'outer' })
    expect(codeOf(() => audit.breakGlass({ reason: 'inner' }))).toBe('ALREADY_RUNNING')
    expect(audit.health().breakglass?.id).toBe(outer.id)
    outer.close()
    const next = audit.breakGlass({ reason: 'inner' })
    // Whoever holds the old one cannot end the new one.
    outer.close()
    expect(audit.health().breakglass?.id).toBe(next.id)
  })

  it('is ended by shutdown, and cannot be broken after it', async () => {
    const { audit, ofType } = aScene()
    const { id } = audit.breakGlass({ reason: 'x' })
    await audit.shutdown()
    expect(ofType('breakglass.close').map(({ detail }) => detail)).toEqual([
      { calls: 0, id, reason: 'shutdown' },
    ])
    expect(codeOf(() => audit.breakGlass({ reason: 'x' }))).toBe('JOURNAL_CLOSED')
  })

  it('that could not be recorded to the end is counted by the gap that shutdown writes', async () => {
    const { audit, disk, write, ofType } = aScene()
    await write()
    disk.fail('write', 'ENOSPC')
    audit.breakGlass({ reason: 'x' })
    expect(await write()).toBe(1)
    // Too early for another try, but the writer's last one, at its end, is for the gap.
    disk.mend()
    await audit.shutdown()
    expect(ofType('breakglass.open')).toEqual([])
    expect(ofType('gap').map(({ detail }) => detail.types)).toEqual([
      { 'breakglass.close': 1, 'breakglass.open': 1, 'tool.start': 1 },
    ])
  })

  it('does not lift a refusal of the authorize hook', async () => {
    const test = anAudit({ authorize: () => ({ decision: 'denied' }) })
    test.audit.breakGlass({ reason: 'x' })
    const call = test.audit.tool({ name: 'probe', risk: 'write' }, async () => 1)
    await expect(call()).rejects.toMatchObject({ code: 'AUTHORIZATION_DENIED' })
  })

  it.each([
    ['breakGlass.reason', { reason: ' ' }],
    ['breakGlass.reason', {}],
    ['breakGlass.minutes', { reason: 'x', minutes: 0 }],
    ['breakGlass.minutes', { reason: 'x', minutes: 1_441 }],
    ['breakGlass.minutes', { reason: 'x', minutes: Number.NaN }],
    ['breakGlass.by', { reason: 'x', by: '' }],
    ['breakGlass.minute', { reason: 'x', minute: 1 }],
  ])('refuses %s of %j', (option, options) => {
    const { audit } = aScene()
    expect(codeOf(() => audit.breakGlass(options as BreakGlassOptions))).toBe(
      `INVALID_OPTION ${option}`,
    )
  })
})
