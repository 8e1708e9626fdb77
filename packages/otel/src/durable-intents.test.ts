// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, RecordSink } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import type { TestAudit, TestAuditOptions } from './audit.fixture.ts'
import { aFileSystem, anAudit } from './audit.fixture.ts'
import { FaultyDisk, TestClock } from './faulty-disk.fixture.ts'

const RETRY_MILLIS = 1_001

interface Scene extends TestAudit {
  readonly disk: FaultyDisk
  readonly clock: TestClock
}

function aScene(options: TestAuditOptions = {}): Scene {
  const disk = new FaultyDisk()
  const clock = new TestClock()
  return {
    ...anAudit({ fs: disk.fs, now: clock.now, monoNanos: clock.monoNanos, ...options }),
    disk,
    clock,
  }
}

const refused = expect.objectContaining({ code: 'INTENT_NOT_DURABLE' }) as Error

/** A sink that takes batches only when it is let. */
function aGate(name = 'far') {
  const taken: string[] = []
  let open = (): void => {}
  let gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const sink: RecordSink = {
    name,
    deliver: async ({ records }: Batch) => {
      await gate
      taken.push(...records.map(({ type }) => type))
    },
    close: async () => {},
  }
  return {
    sink,
    taken,
    let: () => open(),
    shut: () => {
      gate = new Promise<void>((resolve) => {
        open = resolve
      })
    },
  }
}

describe('by default', () => {
  it('what reads runs on a full disk, what writes or is critical does not', async () => {
    const { audit, disk } = aScene()
    disk.fail('write', 'ENOSPC')
    expect(await audit.tool({ name: 'r' }, async () => 1)()).toBe(1)
    for (const risk of ['write', 'critical'] as const) {
      await expect(audit.tool({ name: 'w', risk }, async () => 1)()).rejects.toEqual(refused)
      expect(() => audit.tool({ name: 'w', risk }, () => 1)()).toThrow(refused)
    }
    expect(audit.health()).toMatchObject({ ok: false, calls: { refused: 4, undurable: 1 } })
  })

  it('epoch.open says which classes are closed, and which wait for a sink', () => {
    const { ofType } = aScene({
      sinks: [aGate().sink],
      risks: { read: { failMode: 'closed' }, critical: { durability: 'remote' } },
      shutdownTimeoutMillis: 1,
    })
    expect(ofType('epoch.open')[0]?.detail.audit).toMatchObject({
      fail_closed: ['read', 'write', 'critical'],
      remote: ['critical'],
    })
  })
})

describe('a refusal', () => {
  it('says what failed and what to do, and no path', async () => {
    const { audit, disk, journal } = aScene()
    disk.fail('write', 'EDQUOT')
    const call = audit.tool({ name: 'refund', risk: 'critical' }, async () => 1)
    const error = await call().catch((thrown: unknown) => thrown as AuditError)
    expect(error).toBeInstanceOf(AuditError)
    const { message, cause } = error as AuditError
    expect(message).toBe(
      'tool "refund": did not run, since its intent could not be made durable: the journal cannot be ' +
        'written (EDQUOT); mend or empty the disk; audit.breakGlass() lets tools of risk critical run ' +
        'meanwhile, on record',
    )
    expect(message).not.toContain(journal)
    expect((cause as AuditError).code).toBe('JOURNAL_FAILED')
  })

  it('of a burst leaves each call with a denied end in the next epoch, and no gap', async () => {
    const { audit, disk, ofType } = aScene()
    const call = audit.tool({ name: 'probe', risk: 'write' }, async () => 1)
    await call()
    disk.fail('sync', 'EIO', 1)
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => call()))
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    const ends = ofType('tool.end').filter(({ invocation }) => invocation.status === 'denied')
    expect(ends).toHaveLength(50)
    expect(new Set(ends.map(({ invocation }) => invocation.start)).size).toBe(50)
    expect(ends.every(({ invocation }) => invocation.error?.code === 'INTENT_NOT_DURABLE')).toBe(
      true,
    )
    expect(ofType('gap')).toEqual([])
    expect(await call()).toBe(1)
    expect(audit.health().calls).toMatchObject({ open: 0, refused: 50 })
  })

  it('of a burst while nothing can be written is one gap', async () => {
    const { audit, disk, clock, ofType } = aScene()
    const call = audit.tool({ name: 'probe', risk: 'write' }, async () => 1)
    const look = audit.tool({ name: 'look' }, async () => 1)
    disk.fail('write', 'EIO')
    await Promise.allSettled(Array.from({ length: 50 }, () => [call(), look()]).flat())
    clock.pass(5_000)
    await Promise.allSettled([call(), look()])
    disk.mend()
    clock.pass(RETRY_MILLIS)
    await call()
    expect(ofType('gap').map(({ detail }) => detail)).toEqual([
      {
        first_at: '2026-11-21T09:30:00.000Z',
        last_at: '2026-11-21T09:30:05.000Z',
        reason: 'write_failed',
        records: 102,
        refused: 51,
        types: { 'tool.start': 102 },
      },
    ])
    expect(audit.health().journal).toMatchObject({ gaps: { records: 102, refused: 51, count: 1 } })
  })

  it('marks the span as denied and unrecorded', async () => {
    const { audit, disk, span } = aScene()
    disk.fail('write', 'EIO')
    await expect(audit.tool({ name: 'w', risk: 'write' }, async () => 1)()).rejects.toEqual(refused)
    expect(span('execute_tool w').attributes).toMatchObject({
      'spanseal.unrecorded': true,
      'invocation.status': 'denied',
      'error.type': 'AuditError',
    })
  })
})

it('one write that fails is made up for in a new epoch: nobody is refused, nothing is missing', async () => {
  const { audit, disk, ofType } = aScene()
  const call = audit.tool({ name: 'probe', risk: 'write' }, async () => 1)
  await call()
  disk.fail('write', 'EIO', 1)
  expect(await call()).toBe(1)
  expect(ofType('tool.end')).toHaveLength(2)
  expect(ofType('gap')).toEqual([])
})

it('under durability every the append syncs, and a sync that fails refuses', async () => {
  const { audit, disk, ofType } = aScene({ durability: 'every' })
  const call = audit.tool({ name: 'probe', risk: 'write' }, async () => 1)
  await call()
  disk.fail('sync', 'EIO', 1)
  await expect(call()).rejects.toEqual(refused)
  // The intent stands in the epoch that was given up; that the tool did not run is in the next one.
  const [first, start] = ofType('tool.start').map(({ chain }) => chain)
  const ends = ofType('tool.end')
  expect(ends).toHaveLength(2)
  const denied = ends.find(({ invocation }) => invocation.status === 'denied')
  expect(denied?.invocation).toMatchObject({
    error: { code: 'INTENT_NOT_DURABLE' },
    start: `${start?.epoch}/${start?.seq}`,
  })
  expect(start?.epoch).toBe(first?.epoch)
  expect(denied?.chain.epoch).not.toBe(start?.epoch)
  expect(ofType('gap')).toEqual([])
  expect(audit.health()).toMatchObject({
    ok: false,
    calls: { refused: 1 },
    journal: { recordsFailed: 1, failedEpochs: 1 },
  })
})

it('under durability every an open tool runs whose intent stands and is not synced', async () => {
  const { audit, disk, ofType } = aScene({ durability: 'every' })
  const call = audit.tool({ name: 'probe' }, () => 1)
  disk.fail('sync', 'EIO', 1)
  expect(call()).toBe(1)
  const [start] = ofType('tool.start')
  expect(ofType('tool.end').map(({ invocation }) => invocation)).toMatchObject([
    { status: 'success', start: `${start?.chain.epoch}/${start?.chain.seq}` },
  ])
  expect(ofType('gap')).toEqual([])
  expect(audit.health().calls).toMatchObject({ refused: 0, undurable: 1 })
})

it('under durability none only what cannot even be written is refused', async () => {
  const { audit, disk } = aScene({ durability: 'none' })
  const call = audit.tool({ name: 'probe', risk: 'write' }, async () => 1)
  disk.fail('sync', 'EIO')
  expect(await call()).toBe(1)
  disk.fail('write', 'EIO')
  await expect(call()).rejects.toEqual(refused)
})

it('a class that is closed and not synced runs while syncs fail', async () => {
  const { audit, disk } = aScene({ risks: { write: { durability: 'interval' } } })
  const call = audit.tool({ name: 'probe', risk: 'write' }, async () => 1)
  disk.fail('sync', 'EIO')
  expect(await call()).toBe(1)
})

it('after shutdown closed tools are refused, since nothing records them any more', async () => {
  const { audit } = aScene()
  await audit.shutdown()
  expect(await audit.tool({ name: 'r' }, async () => 1)()).toBe(1)
  const call = audit.tool({ name: 'w', risk: 'write' }, async () => 1)
  const error = await call().catch((thrown: unknown) => thrown as AuditError)
  expect(error).toMatchObject({ code: 'INTENT_NOT_DURABLE' })
  expect((error as AuditError).message).toContain('the audit was shut down')
  expect((error as AuditError).message).not.toContain('breakGlass')
})

it('tools of others, which say nothing of themselves, are closed', async () => {
  const { audit, disk } = aScene()
  disk.fail('write', 'EIO')
  const tool = audit.outsideTool({ name: 'theirs' })
  await expect(audit.call({ tool, args: [], async: true }, async () => 1)).rejects.toEqual(refused)
  expect(() => audit.call({ tool, args: [] }, () => 1)).toThrow(refused)
})

describe('durability remote', () => {
  const risks = { critical: { durability: 'remote' } } as const

  it('the tool runs only once the sink has its intent', async () => {
    const gate = aGate()
    const { audit } = aScene({ sinks: [gate.sink], risks })
    let seen: string[] = []
    const call = audit.tool({ name: 'probe', risk: 'critical' }, async () => {
      seen = [...gate.taken]
    })
    const done = call()
    gate.let()
    await done
    expect(seen).toEqual(['epoch.open', 'tool.start'])
  })

  it('waits for the sink that is named, and for no other', async () => {
    const near = aGate('near')
    const far = aGate('far')
    near.let()
    const { audit } = aScene({
      sinks: [far.sink, near.sink],
      remoteSink: 'near',
      risks,
      shutdownTimeoutMillis: 1,
    })
    const call = audit.tool({ name: 'probe', risk: 'critical' }, async () => [...far.taken])
    expect(await call()).toEqual([])
  })

  it('many calls share batches, and each is at the sink before it runs', async () => {
    const gate = aGate()
    gate.let()
    const { audit, ofType } = aScene({ sinks: [gate.sink], risks })
    const call = audit.tool({ name: 'probe', risk: 'critical' }, async (n: number) => n)
    const numbers = Array.from({ length: 200 }, (_, n) => n)
    expect(await Promise.all(numbers.map((n) => call(n)))).toEqual(numbers)
    expect(ofType('tool.end').every(({ invocation }) => invocation.status === 'success')).toBe(true)
  })

  it('a sink that refuses for good refuses at once, whatever the time-out', async () => {
    const sink: RecordSink = {
      name: 'far',
      deliver: () => Promise.reject(new AuditError('DELIVERY_REFUSED', 'no')),
      close: async () => {},
    }
    const { audit } = aScene({ sinks: [sink], risks, remoteTimeoutMillis: 2 ** 31 - 1 })
    const call = audit.tool({ name: 'probe', risk: 'critical' }, async () => 1)
    await expect(call()).rejects.toMatchObject({
      code: 'INTENT_NOT_DURABLE',
      message: expect.stringContaining('takes no records any more') as string,
    })
    await expect(call()).rejects.toEqual(refused)
  })

  it('a sink that is late says for how long, and the next call goes through', async () => {
    const gate = aGate()
    const { audit, ofType } = aScene({ sinks: [gate.sink], risks, remoteTimeoutMillis: 1 })
    const call = audit.tool({ name: 'probe', risk: 'critical' }, async () => 1)
    await expect(call()).rejects.toMatchObject({
      message: expect.stringContaining('has not acknowledged the record within 1 ms') as string,
    })
    gate.let()
    await audit.forceFlush()
    expect(gate.taken).toContain('tool.end')
    expect(ofType('gap')).toEqual([])
  })

  it('a function that cannot wait is refused where it is wrapped', () => {
    const { audit } = aScene({ sinks: [aGate().sink], risks, shutdownTimeoutMillis: 1 })
    const wrap = (): unknown => audit.tool({ name: 'probe', risk: 'critical' }, () => 1)
    expect(wrap).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        details: { option: 'tool.async' },
      }) as Error,
    )
    expect(audit.tool({ name: 'probe', risk: 'write' }, () => 1)()).toBe(1)
  })

  it('needs no disk under durability none', async () => {
    const gate = aGate()
    gate.let()
    const syncs: number[] = []
    const fs = aFileSystem({
      fdatasyncSync: (fd) => void syncs.push(fd),
      fdatasync: (fd, done) => {
        syncs.push(fd)
        done(null)
      },
    })
    const { audit } = anAudit({ fs, durability: 'none', sinks: [gate.sink], risks })
    expect(await audit.tool({ name: 'p', risk: 'critical' }, async () => 1)()).toBe(1)
    expect(syncs).toEqual([])
  })
})

describe('a function that is not known to return a promise', () => {
  it('is refused by exception until it has returned one, then by rejection', async () => {
    const { audit, disk, clock } = aScene()
    const call = audit.tool({ name: 'w', risk: 'write' }, (): unknown => Promise.resolve(1))
    disk.fail('write', 'ENOSPC')
    expect(() => call()).toThrow(refused)
    disk.mend()
    clock.pass(RETRY_MILLIS)
    expect(await call()).toBe(1)
    disk.fail('write', 'ENOSPC')
    await expect(call()).rejects.toEqual(refused)
    // Another tool is another function.
    expect(() => audit.tool({ name: 'w', risk: 'write' }, () => 1)()).toThrow(refused)
  })

  it('is refused by rejection from the first call on where its definition says `async`', async () => {
    const { audit, disk } = aScene()
    const probe = { name: 'w', risk: 'write', async: true } as const
    disk.fail('write', 'ENOSPC')
    await expect(audit.tool(probe, () => Promise.resolve(1))()).rejects.toEqual(refused)
  })

  it('is refused by exception where what it returns is more than a promise', async () => {
    class Query extends Promise<number> {
      withMore(): this {
        return this
      }
    }
    const { audit, disk } = aScene()
    const call = audit.tool({ name: 'w', risk: 'write' }, () => new Query((done) => done(1)))
    expect(await call().withMore()).toBe(1)
    disk.fail('write', 'ENOSPC')
    expect(() => call().withMore()).toThrow(refused)
  })

  it('is denied by rejection, too', async () => {
    let decision: 'granted' | 'denied' = 'granted'
    const { audit } = aScene({ authorize: () => ({ decision }) })
    const call = audit.tool({ name: 'w', risk: 'write' }, () => Promise.resolve(1))
    expect(await call()).toBe(1)
    decision = 'denied'
    await expect(call()).rejects.toMatchObject({ code: 'AUTHORIZATION_DENIED' })
  })
})
