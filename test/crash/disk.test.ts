// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditRecord } from '@spanseal/core'
import type { EpochWriter } from '@spanseal/journal'
import { journalSource } from '@spanseal/journal'
import { createAudit } from '@spanseal/otel'
import { afterAll, expect, test } from 'vitest'
import { openAgentWriter } from './acking-agent.fixture.ts'
import type { Inspected } from './crash.fixture.ts'
import { aJournal, faultsOf, inspect, lostOf, reopen, startAgent } from './crash.fixture.ts'

/** Several processes start at once on a machine that has other work. */
const PATIENCE = { timeout: 60_000, interval: 10 }

/** A file system of 1 MiB, or undefined where this process may not mount one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-disk-'))
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
  if (mount.status === 0) return folder
  rmSync(folder, { recursive: true })
  return undefined
}

const disk = smallDisk()
const noDisk = disk === undefined ? ' (skipped: this process may not mount a tmpfs)' : ''
afterAll(() => {
  if (disk === undefined) return
  spawnSync('umount', [disk])
  rmSync(disk, { recursive: true, force: true })
})

function remount(options: string): void {
  const done = spawnSync('mount', ['-o', `remount,${options}`, disk ?? ''], { encoding: 'utf8' })
  expect(done).toMatchObject({ status: 0, stderr: '' })
}

/** Appends records of the log's own kind, which need nothing around them. */
class Appender {
  readonly acknowledged: string[] = []
  readonly codes: string[] = []
  readonly #writer: EpochWriter

  constructor(writer: EpochWriter) {
    this.#writer = writer
  }

  /** @returns whether it was written */
  append(): boolean {
    try {
      const detail = { observed: [] }
      const record = this.#writer.append(() => ({
        type: 'epoch.observed',
        severity: 'info',
        detail,
      }))
      this.acknowledged.push(`${record.epoch}/${record.seq}`)
      return true
    } catch (error) {
      this.codes.push((error as { code?: string }).code ?? String(error))
      return false
    }
  }
}

/** What the log itself says that it lacks: the gaps, in order of writing. */
function gapsOf({ records }: Inspected): AuditRecord[] {
  return [...records.values()].filter(({ type }) => type === 'gap')
}

test.skipIf(disk === undefined)(
  `a full disk loses nothing that was acknowledged, and the log says what it lacks${noDisk}`,
  async () => {
    const journal = join(disk ?? '', 'audit')
    const options = { retryMillis: 1, budget: { freeBytesMin: 0 } }
    const writer = openAgentWriter({ journal, options })
    const appender = new Appender(writer)
    for (let i = 0; i < 10_000 && appender.append(); i++);
    expect(appender.codes).toEqual(['JOURNAL_FAILED'])
    // Somebody makes room.
    remount('size=4m')
    await expect.poll(() => appender.append(), PATIENCE).toBe(true)
    writer.close()
    const found = await inspect(journal)
    expect(lostOf(found, appender.acknowledged)).toEqual([])
    expect(faultsOf(found).filter((fault) => !fault.startsWith('schema'))).toEqual([])
    const lost = appender.codes.length
    expect(gapsOf(found)).toMatchObject([
      { detail: { records: lost, reason: 'write_failed' }, severity: 'error' },
    ])
    rmSync(journal, { recursive: true })
  },
)

test.skipIf(disk === undefined)(
  `on a full disk a tool that writes is refused, one that reads runs, and a gap says so${noDisk}`,
  async () => {
    const journal = join(disk ?? '', 'agent')
    remount('size=1m')
    const audit = createAudit({
      service: { name: 'full' },
      journal,
      budget: { freeBytesMin: 0 },
    })
    const ran = { read: 0, write: 0 }
    const text = 'x'.repeat(900)
    const read = audit.tool({ name: 'look_up', risk: 'read' }, () => void ran.read++)
    const write = audit.tool({ name: 'refund', risk: 'write' }, (_text: string) => void ran.write++)
    let refusal: unknown
    for (let n = 0; n < 10_000 && refusal === undefined; n++) {
      try {
        write(text)
      } catch (error) {
        refusal = error
      }
    }
    expect(refusal).toMatchObject({ code: 'INTENT_NOT_DURABLE' })
    const written = ran.write
    for (let n = 0; n < 10; n++) read()
    expect(ran).toEqual({ read: 10, write: written })
    remount('size=4m')
    await expect
      .poll(() => {
        try {
          write(text)
        } catch {
          // Until the writer tries again.
        }
        return ran.write
      }, PATIENCE)
      .toBeGreaterThan(written)
    expect((await audit.shutdown()).openCalls).toBe(0)
    const found = await inspect(journal, { log: 'localhost/full' })
    expect(faultsOf(found)).toEqual([])
    const [gap] = gapsOf(found)
    // The refused call, and ten that ran unrecorded; more refused ones while it waited.
    expect(gap).toMatchObject({
      detail: { reason: 'write_failed', refused: expect.any(Number) as number },
    })
    expect(found.verdict.gaps.records).toBeGreaterThanOrEqual(11)
    const starts = [...found.records.values()].filter(({ type }) => type === 'tool.start')
    expect(starts.length).toBeGreaterThanOrEqual(ran.write)
  },
)

test.skipIf(disk === undefined)(
  `a journal on a disk that became read-only is refused, and goes on when it is writable${noDisk}`,
  async () => {
    const journal = join(disk ?? '', 'read-only')
    openAgentWriter({ journal }).close()
    remount('ro')
    expect(() => openAgentWriter({ journal })).toThrow(
      expect.objectContaining({ code: 'JOURNAL_UNUSABLE' }),
    )
    remount('rw')
    reopen(journal)
    const found = await inspect(journal)
    expect(faultsOf(found)).toEqual([])
    expect(found.verdict.ends.closed).toBe(2)
  },
)

const prlimit = spawnSync('prlimit', ['--nofile=64:64', 'true'])
const noLimit = prlimit.status === 0 ? '' : ' (skipped: no prlimit)'

test.skipIf(noLimit !== '')(
  `a process that runs out of descriptors loses nothing that was acknowledged${noLimit}`,
  async () => {
    const journal = aJournal()
    const options = { segmentBytesMax: 2_000, retryMillis: 1 }
    const settings = { journal, calls: 40, persists: true, hogsDescriptors: true, options }
    const agent = startAgent(settings, ['prlimit', '--nofile=64:64'])
    expect(await agent.ended).toMatchObject({ code: 0, signal: null })
    const found = await inspect(journal)
    const acknowledged = agent.acknowledged()
    // Some calls failed for want of a descriptor, and those after it did not.
    expect(acknowledged.length).toBeLessThan(80)
    expect(acknowledged.length).toBeGreaterThanOrEqual(50)
    expect(lostOf(found, acknowledged)).toEqual([])
    expect(faultsOf(found)).toEqual([])
    expect(gapsOf(found).length).toBeGreaterThan(0)
  },
)

test('a hundred open epochs of a killed process are observed and delivered', async () => {
  const journal = aJournal()
  const agent = startAgent({ journal, writers: 100, calls: 5, close: false, stays: true })
  await expect.poll(() => agent.acknowledged().length, PATIENCE).toBe(1_000)
  agent.process.kill('SIGKILL')
  await agent.ended
  reopen(journal)
  const found = await inspect(journal)
  expect(lostOf(found, agent.acknowledged())).toEqual([])
  expect(faultsOf(found)).toEqual([])
  expect(found.verdict.ends).toMatchObject({ crashed: 100, closed: 1 })
  const source = journalSource(journal, { sinkName: 'test' })
  const delivered = new Set<string>()
  for (;;) {
    const batch = await source.read({ recordCountMax: 500, bytesMax: 900_000 })
    if (batch === undefined) break
    for (const { epoch, seq } of batch.records) delivered.add(`${epoch}/${seq}`)
    await source.commit(batch)
  }
  expect(agent.acknowledged().filter((place) => !delivered.has(place))).toEqual([])
  expect(source.stuck()).toEqual([])
})

test('a clock that is set back and forth breaks neither chain nor order', async () => {
  const journal = aJournal()
  const jumps = [0, -3_600_000, 7_200_000, -86_400_000]
  let offsetMillis = 0
  const clock = {
    wallMillis: () => Date.now() + offsetMillis,
    monoNanos: () => process.hrtime.bigint(),
  }
  const appended: string[] = []
  for (const jump of jumps) {
    const writer = openAgentWriter({ journal, options: { clock, epochRecordsMax: 20 } })
    const appender = new Appender(writer)
    for (let i = 0; i < 30; i++) {
      if (i === 15) offsetMillis = jump
      expect(appender.append()).toBe(true)
    }
    writer.close()
    appended.push(...appender.acknowledged)
    await sleep(1)
  }
  const found = await inspect(journal)
  expect(lostOf(found, appended)).toEqual([])
  const faults = faultsOf(found).filter((fault) => !fault.startsWith('schema'))
  expect(faults).toEqual([])
  expect(found.verdict.findings.some(({ code }) => code === 'clock')).toBe(true)
})
