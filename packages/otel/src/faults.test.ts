// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync, writeSync } from 'node:fs'
import type { DiagLogger } from '@opentelemetry/api'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import type { AuditError } from '@spanseal/core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { aFileSystem, anAudit, endOf, ofType, readRecords } from './audit.fixture.ts'
import { TestClock } from './faulty-disk.fixture.ts'

/** What was said through OpenTelemetry's `diag`. */
function said(): string[] {
  const lines: string[] = []
  const note = (text: string): void => void lines.push(text)
  const logger: DiagLogger = { error: note, warn: note, info: note, debug: note, verbose: note }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  onTestFinished(() => diag.disable())
  return lines
}

const full = (): never => {
  throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
}

it('on a full disk tools work on; it is counted, said once, and seen in health()', async () => {
  const lines = said()
  let isFull = false
  const fs = aFileSystem({
    writeSync: (...args) => (isFull ? full() : writeSync(...args)),
    openSync: (...args) => (isFull ? full() : aFileSystem().openSync(...args)),
  })
  const test = anAudit({ fs })
  const call = test.audit.tool({ name: 'probe' }, async (n: number) => n)
  await call(1)
  isFull = true
  const error = new Error('of the tool')
  const failing = test.audit.tool({ name: 'failing' }, async () => {
    throw error
  })
  await test.audit.task({ name: 't' }, async (task) => {
    expect(await task.reasoning({ thought: 'x' }, () => call(2))).toBe(2)
    await task.output('done')
    await expect(failing()).rejects.toBe(error)
  })
  const health = test.audit.health()
  expect(health.ok).toBe(false)
  expect(health.journal).toMatchObject({ recordsWritten: 2, failedEpochs: 1 })
  expect(health.journal.recordsFailed).toBeGreaterThanOrEqual(5)
  expect(health.journal.failure).toContain('ENOSPC')
  expect(health.journal).not.toHaveProperty('epoch')
  expect(lines.filter((line) => line.includes('a record could not be written'))).toHaveLength(1)
  const unrecorded = test.spans().filter((span) => span.attributes['spanseal.unrecorded'] === true)
  expect(unrecorded.map((span) => span.name)).toContain('execute_tool probe')
})

it('when there is room again a new epoch takes the records', async () => {
  let isFull = false
  const fs = aFileSystem({ writeSync: (...args) => (isFull ? full() : writeSync(...args)) })
  const clock = new TestClock()
  const test = anAudit({ fs, now: clock.now, monoNanos: clock.monoNanos })
  const call = test.audit.tool({ name: 'probe' }, async (n: number) => n)
  await call(1)
  isFull = true
  expect(await call(2)).toBe(2)
  isFull = false
  clock.pass(1_001)
  expect(await call(3)).toBe(3)
  expect(ofType(readRecords(test.journal), 'tool.end')).toHaveLength(2)
  expect(test.audit.health().journal).toMatchObject({ failedEpochs: 1 })
})

it('a sync that fails does not reach a tool that waited for it', async () => {
  const lines = said()
  let fails = false
  const fs = aFileSystem({
    fdatasync: (fd, done) => (fails ? done(new Error('EIO')) : aFileSystem().fdatasync(fd, done)),
    fdatasyncSync: (fd) => (fails ? full() : aFileSystem().fdatasyncSync(fd)),
  })
  const test = anAudit({ fs, durability: 'group' })
  fails = true
  expect(await test.audit.tool({ name: 'a' }, async () => 1)()).toBe(1)
  expect(test.audit.tool({ name: 'b' }, () => 2)()).toBe(2)
  expect(test.audit.health()).toMatchObject({ ok: false })
  expect(lines.some((line) => line.includes('could not be synced'))).toBe(true)
})

it('a journal folder that was removed is noticed; tools work on', async () => {
  const test = anAudit()
  const call = test.audit.tool({ name: 'probe', risk: 'write' }, async () => 1)
  const outcome = (): Promise<string> =>
    call().then(String, (error: unknown) => (error as AuditError).code)
  await call()
  rmSync(test.journal, { recursive: true })
  rmSync(`${test.journal}.keys`, { recursive: true })
  // Its intent is in a file that is nowhere any more: what the next sync notices, it is refused for.
  expect(['1', 'INTENT_NOT_DURABLE']).toContain(await outcome())
  expect(test.audit.tool({ name: 'p', subjects: () => ['new person'] }, () => 2)()).toBe(2)
  expect(
    await test.audit.task({ name: 't', user: 'another new person', session: 's' }, () => call()),
  ).toBe(1)
  await vi.waitFor(() => expect(test.audit.health().ok).toBe(false), { timeout: 8_000 })
  expect(await call()).toBe(1)
  await expect(test.audit.shutdown()).resolves.toBeDefined()
})

it('after shutdown tools and tasks still work, unrecorded', async () => {
  const test = anAudit()
  const call = test.audit.tool({ name: 'probe' }, async () => 1)
  await test.audit.shutdown()
  expect(await test.audit.task({ name: 't' }, () => call())).toBe(1)
  expect(test.audit.health().journal.recordsFailed).toBe(2)
  expect(test.ofType('tool.start')).toEqual([])
})

it('shutdown twice is one shutdown', async () => {
  const test = anAudit()
  expect(test.audit.shutdown()).toBe(test.audit.shutdown())
  await test.audit.shutdown()
  expect(test.ofType('epoch.close')).toHaveLength(1)
})

it('arguments that change while the tool runs are committed as they were passed', async () => {
  const test = anAudit({ commitments: 'sha256' })
  const call = test.audit.tool({ name: 'probe' }, async (input: { list: number[] }) => {
    input.list.push(2)
    return input
  })
  await call({ list: [1] })
  const { input, output } = endOf(test.records(), 'probe').invocation
  expect(input?.c).not.toBe(output?.c)
})

it('an argument whose getters have effects is read once', () => {
  let reads = 0
  const input = {
    get counted() {
      reads++
      return reads
    },
  }
  const test = anAudit()
  const seen = test.audit.tool({ name: 'probe' }, (arg: { counted: number }) => arg.counted)(input)
  expect(seen).toBe(2) // once for the commitment, once by the tool
})

it('health() answers with everything in place', async () => {
  const test = anAudit()
  await test.audit.tool({ name: 'probe' }, async () => 1)()
  expect(test.audit.health()).toEqual({
    ok: true,
    journal: {
      folder: test.journal,
      epoch: test.records()[0]?.chain.epoch,
      produced: 3,
      durable: expect.any(Number) as number,
      recordsWritten: 2,
      recordsFailed: 0,
      failedEpochs: 0,
      bytes: expect.any(Number) as number,
      spoolBytes: expect.any(Number) as number,
      full: false,
      gaps: { records: 0, refused: 0, count: 0 },
    },
    calls: { open: 0, denied: 0, refused: 0, undurable: 0 },
    view: { holes: 0 },
    spans: {
      provider:
        'built by the user: put audit.processor first, and audit.exporter behind a batch processor',
      exported: 0,
      endpoints: [],
    },
    foreign: { recorded: 0, ignored: 0, sampler: true },
    sinks: [],
    internalErrors: 0,
  })
})
