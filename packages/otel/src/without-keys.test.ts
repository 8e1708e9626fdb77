// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { renameSync, rmSync, writeFileSync } from 'node:fs'
import type { AuditRecord } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import type { TestAudit } from './audit.fixture.ts'
import { anAudit, endOf } from './audit.fixture.ts'
import type { AuthorizeHook } from './authorize.ts'
import { FaultyDisk, TestClock } from './faulty-disk.fixture.ts'
import type { AuditScope } from './scope.ts'

const RETRY_MILLIS = 1_001
/** The keys of a period serve for 90 days. */
const NEXT_PERIOD = Date.UTC(2027, 5, 1)

interface Scene extends TestAudit {
  readonly clock: TestClock
  readonly disk: FaultyDisk
  /** No key can be read or made any more, of nobody and for no period. */
  readonly breakKeys: () => void
  readonly mendKeys: () => void
}

const byName: AuthorizeHook = ({ tool }) => ({
  decision: tool.name === 'no' ? 'denied' : 'granted',
  reason: 'because',
})

function aScene(): Scene {
  const [clock, disk] = [new TestClock(), new FaultyDisk()]
  const { now, monoNanos } = clock
  const test = anAudit({ authorize: byName, now, monoNanos, fs: disk.fs, durability: 'none' })
  const keys = `${test.journal}.keys`
  return {
    ...test,
    clock,
    disk,
    breakKeys: () => {
      renameSync(keys, `${keys}.away`)
      writeFileSync(keys, 'no folder')
    },
    mendKeys: () => {
      rmSync(keys)
      renameSync(`${keys}.away`, keys)
    },
  }
}

const typesOf = (records: readonly AuditRecord[]): string[] =>
  records.map(({ type }) => type).filter((type) => !type.startsWith('epoch.'))

const someone = { subjects: (person: string) => [person] }

describe('where the key of a person cannot be made', () => {
  it('what the hook decided is recorded all the same, without its reason', async () => {
    const { audit, breakKeys, mendKeys, records, ofType } = aScene()
    const yes = audit.tool({ name: 'yes', ...someone }, async (person: string) => person)
    const no = audit.tool({ name: 'no', ...someone }, async (person: string) => person)
    await yes('alice')
    breakKeys()
    expect(await yes('bob')).toBe('bob')
    await expect(no('carol')).rejects.toMatchObject({ code: 'AUTHORIZATION_DENIED' })
    mendKeys()
    const call = ['authz.granted', 'tool.start', 'tool.end']
    const denied = ['authz.denied', 'tool.start', 'tool.end']
    expect(typesOf(records())).toEqual([...call, ...call, ...denied])
    const [alice, bob] = ofType('authz.granted')
    expect(alice?.detail?.reason).toMatchObject({ alg: 'blinded-sha256' })
    expect(bob).not.toHaveProperty('detail')
    expect(ofType('authz.denied')[0]).not.toHaveProperty('detail')
    expect(audit.health()).toMatchObject({ ok: false, journal: { recordsFailed: 0 } })
    expect(await audit.drain()).toEqual({ ok: true, pending: {} })
  })

  it('a task keeps its steps, their texts empty', async () => {
    const { audit, breakKeys, mendKeys, ofType } = aScene()
    await audit.task({ name: 't', id: 'task-1', subjects: ['alice'] }, async (task) => {
      await task.output('to alice')
    })
    breakKeys()
    await audit.task({ name: 't', id: 'task-2', subjects: ['bob'] }, async (task) => {
      await task.output('to bob')
    })
    mendKeys()
    const [alice, bob] = ofType('agent.output').map(({ detail }) => detail.content)
    expect(alice).toMatchObject({ alg: 'blinded-sha256' })
    expect(bob).toBe('')
  })
})

describe('where not even the key of the period can be made', () => {
  it('a call that fails has its outcome', async () => {
    const { audit, clock, breakKeys, mendKeys, records } = aScene()
    const failing = audit.tool({ name: 'yes' }, async (): Promise<void> => {
      clock.set(NEXT_PERIOD)
      breakKeys()
      throw new TypeError('of the tool')
    })
    await expect(failing()).rejects.toThrow('of the tool')
    mendKeys()
    const { error, status } = endOf(records(), 'yes').invocation
    expect([status, error?.type, error?.fingerprint]).toEqual([
      'error',
      'TypeError',
      '0'.repeat(16),
    ])
  })

  it('broken glass is on record, without its reason', () => {
    const { audit, clock, breakKeys, mendKeys, ofType } = aScene()
    clock.set(NEXT_PERIOD)
    breakKeys()
    const glass = audit.breakGlass({ reason: 'the volume is full' })
    mendKeys()
    const { id, until } = glass
    expect(ofType('breakglass.open').map(({ detail }) => detail)).toEqual([{ id, until }])
  })

  it('broken glass that could not be recorded at once is recorded later', () => {
    const { audit, clock, disk, breakKeys, mendKeys, ofType } = aScene()
    const filler = audit.tool({ name: 'yes' }, () => 1)
    disk.freeBytes = 0
    while (!audit.health().journal.full) filler()
    const { id, until } = audit.breakGlass({ reason: 'the volume is full' })
    expect(ofType('breakglass.open')).toEqual([])
    clock.pass(RETRY_MILLIS)
    clock.set(NEXT_PERIOD)
    breakKeys()
    disk.mend()
    filler()
    mendKeys()
    expect(ofType('breakglass.open').map(({ detail }) => detail)).toEqual([{ id, until }])
    // Its time is over meanwhile, which may be found while its beginning is being written.
    expect(audit.health()).not.toHaveProperty('breakglass')
    const ends = ofType('breakglass.close').map(({ detail }) => detail)
    expect(ends).toEqual([{ calls: 0, id, reason: 'expired' }])
  })
})

it('whatever keeps a record from being made, the next gap counts it', async () => {
  const { audit, ofType } = aScene()
  const scope = {} as AuditScope
  const trace = { trace_id: '1'.repeat(32), span_id: '2'.repeat(16), synthetic: true } as const
  const note = (build: () => never): unknown =>
    audit.processor.recorder.note('agent.output', { scope, trace }, build)
  const fails = (): never => {
    throw new TypeError('of our own')
  }
  expect(note(fails)).toBeUndefined()
  expect(
    note((() => ({ severity: 'info', detail: { bytes: Number.NaN } })) as never),
  ).toBeUndefined()
  expect(audit.health().journal).toMatchObject({
    recordsFailed: 2,
    gap: { records: 1 },
    gaps: { records: 1 },
  })
  expect(await audit.drain()).toMatchObject({
    ok: false,
    failure: expect.stringContaining('1 records could not be written') as string,
  })
  await audit.shutdown()
  const one = { reason: 'write_failed', records: 1, types: { 'agent.output': 1 } }
  expect(ofType('gap').map(({ detail }) => detail)).toMatchObject([one, one])
})
