// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordSink } from '@spanseal/core'
import { expect, it, vi } from 'vitest'
import { aFileSystem, anAudit } from './audit.fixture.ts'
import { FaultyDisk, TestClock } from './faulty-disk.fixture.ts'

function aSink(name = 'kept'): RecordSink & { types: string[]; hang: boolean } {
  const sink = {
    name,
    types: [] as string[],
    hang: false,
    deliver: async ({ records }: Parameters<RecordSink['deliver']>[0]) => {
      if (sink.hang) await new Promise(() => {})
      sink.types.push(...records.map(({ type }) => type))
    },
    close: async () => {},
  }
  return sink
}

it('what was recorded is on disk and at every sink, and the audit goes on', async () => {
  const [one, two] = [aSink('one'), aSink('two')]
  const syncs: number[] = []
  const real = aFileSystem()
  const fs = aFileSystem({
    fdatasync: (fd, done) => {
      syncs.push(fd)
      real.fdatasync(fd, done)
    },
  })
  const { audit } = anAudit({ sinks: [one, two], fs })
  const call = audit.tool({ name: 'probe' }, async () => 1)
  await call()
  syncs.length = 0
  expect(await audit.drain()).toEqual({ ok: true, pending: {} })
  expect(syncs.length).toBeGreaterThan(0)
  const once = ['epoch.open', 'tool.start', 'tool.end']
  expect([one.types, two.types]).toEqual([once, once])
  await call()
  expect(await audit.drain()).toEqual({ ok: true, pending: {} })
  expect(two.types).toEqual([...once, 'tool.start', 'tool.end'])
})

it('where nothing is pending nothing is synced or delivered again', async () => {
  const sink = aSink()
  let syncs = 0
  const real = aFileSystem()
  const fs = aFileSystem({
    fdatasync: (fd, done) => {
      syncs++
      real.fdatasync(fd, done)
    },
  })
  const { audit } = anAudit({ sinks: [sink], fs })
  await audit.tool({ name: 'probe' }, async () => 1)()
  await audit.drain()
  const before = [syncs, sink.types.length]
  for (let i = 0; i < 100; i++) expect(await audit.drain()).toEqual({ ok: true, pending: {} })
  expect([syncs, sink.types.length]).toEqual(before)
})

it('says how much each sink has not taken, after the time-out and no later', async () => {
  const [well, sick] = [aSink('well'), aSink('sick')]
  sick.hang = true
  const { audit } = anAudit({ sinks: [well, sick], shutdownTimeoutMillis: 1 })
  await audit.tool({ name: 'probe' }, async () => 1)()
  await vi.waitFor(() => expect(well.types).toHaveLength(3), { timeout: 8_000 })
  expect(await audit.drain(20)).toMatchObject({ ok: false, pending: { sick: 3 } })
})

it('says why records are not on disk, and that some were not written', async () => {
  const disk = new FaultyDisk()
  const clock = new TestClock()
  const { audit } = anAudit({ fs: disk.fs, now: clock.now, monoNanos: clock.monoNanos })
  const call = audit.tool({ name: 'probe' }, async () => 1)
  await call()
  disk.fail('sync', 'EIO')
  const unsynced = await audit.drain()
  const failure = expect.stringContaining('EIO') as string
  expect(unsynced).toEqual({ ok: false, pending: {}, failure })
  await call()
  disk.mend()
  // Too early for the writer to try again: the call is in no epoch so far.
  expect(await audit.drain()).toMatchObject({ ok: false })
  clock.pass(1_001)
  await call()
  expect(await audit.drain()).toEqual({ ok: true, pending: {} })
})

it('says what a sink does not get because an epoch is damaged, and so do health() and shutdown()', async () => {
  const sink = aSink()
  const clock = new TestClock()
  const { audit, journal } = anAudit({ sinks: [sink], now: clock.now, shutdownTimeoutMillis: 500 })
  const call = audit.tool({ name: 'probe' }, async () => 1)
  await call()
  expect(await audit.drain(8_000)).toEqual({ ok: true, pending: {} })
  sink.hang = true
  for (let i = 0; i < 5; i++) await call()
  damage(journal, audit.health().journal.epoch, 4)
  sink.hang = false
  const failure = expect.stringMatching(
    /^sink kept .* cannot be read from record [45] on: /,
  ) as string
  await vi.waitFor(
    async () => {
      const pending = expect.objectContaining({ kept: expect.any(Number) as number }) as object
      expect(await audit.drain(50)).toMatchObject({ ok: false, failure, pending })
    },
    { timeout: 8_000 },
  )
  clock.pass(60_000)
  expect(audit.health()).toMatchObject({
    ok: false,
    sinks: [{ stuckEpochs: 1, lagMillis: 60_000 }],
  })
  const report = await audit.shutdown()
  expect(report).toMatchObject({ failure })
  // What is behind the damage, and the `epoch.close`.
  expect(report.undelivered['kept']).toBeGreaterThanOrEqual(9)
})

/** Overwrites the first byte of a record in the newest segment. */
function damage(journal: string, epoch: string | undefined, seq: number): void {
  const folder = join(journal, `${epoch}`)
  const segments = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
  const path = join(folder, segments.sort().at(-1) ?? '')
  const text = readFileSync(path, 'utf8')
  const at = text.lastIndexOf('\n', text.indexOf(`"seq":${seq}}`)) + 1
  writeFileSync(path, `${text.slice(0, at)}#${text.slice(at + 1)}`)
}

it('after shutdown only what came too late is missing, and no gap waits for it', async () => {
  const { audit } = anAudit()
  const read = audit.tool({ name: 'r' }, async () => 1)
  const write = audit.tool({ name: 'w', risk: 'write' }, async () => 1)
  await read()
  await audit.shutdown()
  expect(await audit.drain()).toEqual({ ok: true, pending: {} })
  await expect(write()).rejects.toMatchObject({ code: 'INTENT_NOT_DURABLE' })
  expect(await read()).toBe(1)
  expect(audit.health().journal).not.toHaveProperty('gap')
  expect(audit.health().calls).toMatchObject({ refused: 1 })
  expect(await audit.drain()).toEqual({
    ok: false,
    pending: {},
    failure: '2 records came after the audit was shut down',
  })
})

it('says how many calls were refused that no gap tells so far', async () => {
  const [disk, clock] = [new FaultyDisk(), new TestClock()]
  const { audit } = anAudit({ fs: disk.fs, now: clock.now, monoNanos: clock.monoNanos })
  const call = audit.tool({ name: 'w', risk: 'write' }, async () => 1)
  disk.fail('write', 'ENOSPC')
  await expect(call()).rejects.toMatchObject({ code: 'INTENT_NOT_DURABLE' })
  expect(await audit.drain()).toMatchObject({ ok: false })
  disk.mend()
  // Nothing fails any more, but nothing was written since.
  clock.pass(1_001)
  const { failure } = await audit.drain()
  expect(failure).toContain('ENOSPC')
  await call()
  expect(await audit.drain()).toEqual({ ok: true, pending: {} })
})

it('refuses a time-out that is none', () => {
  const { audit } = anAudit()
  expect(() => audit.drain(0)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error)
})
