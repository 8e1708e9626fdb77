// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { metrics } from '@opentelemetry/api'
import type { RecordSink } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { TestAudit } from './audit.fixture.ts'
import { aFileSystem, anAudit } from './audit.fixture.ts'
import type { AuditHealth } from './health.ts'
import { someMeters } from './metrics.fixture.ts'
import { AuditMetrics } from './metrics.ts'
import { AUDIT_METRICS } from './metrics-table.ts'
import { anOtlpReceiver } from './otlp-receiver.fixture.ts'

const LOG = 'example.com/agents'

/** A sink that does with each batch what `behave` says. */
function aSink(behave: () => Promise<void> = () => Promise.resolve()): RecordSink {
  return { name: 'kept', deliver: behave, close: () => Promise.resolve() }
}

/** What `health()` says in the words of the metrics. */
function told(health: AuditHealth): Readonly<Record<string, Readonly<Record<string, number>>>> {
  const all: Record<string, Record<string, number>> = {}
  for (const { name, read } of AUDIT_METRICS) {
    for (const { value, attributes } of read(health)) {
      const sorted = Object.entries({ ...attributes, log: LOG }).sort(([a], [b]) =>
        a < b ? -1 : 1,
      )
      const values = (all[name] ??= {})
      values[JSON.stringify(Object.fromEntries(sorted))] = value
    }
  }
  return all
}

/** The vitals of an audit's one epoch. */
function vitalsOf({ journal, records }: TestAudit): Partial<AuditHealth> {
  const epoch = records()[0]?.chain.epoch ?? ''
  const state = JSON.parse(readFileSync(join(journal, epoch, 'writer.json'), 'utf8')) as {
    vitals: Partial<AuditHealth>
  }
  return state.vitals
}

describe('the metrics of an audit', () => {
  it('are all there, with kind, unit and description', async () => {
    const meters = someMeters()
    const { url } = await anOtlpReceiver()
    const options = { sinks: [aSink()], otlp: url, vault: true, log: LOG }
    anAudit({ ...options, meterProvider: meters.provider })
    const collected = await meters.collect()
    const described = AUDIT_METRICS.map(({ name, kind, unit, description }) => [
      name,
      { kind, unit, description },
    ])
    expect(collected).toMatchObject(Object.fromEntries(described))
    expect(Object.keys(collected)).toHaveLength(AUDIT_METRICS.length)
  })

  it('say what health() says, and writer.json too', async () => {
    const meters = someMeters()
    const partly = await anOtlpReceiver(
      (r) => void r.writeHead(200).end('{"partialSuccess":{"rejectedSpans":"1"}}'),
    )
    let failures = 2
    const sink = aSink(async () => {
      if (failures-- > 0) throw new Error('not now')
    })
    const test = anAudit({
      sinks: [sink],
      otlp: partly.url,
      log: LOG,
      meterProvider: meters.provider,
    })
    await test.audit.tool({ name: 'probe' }, async () => 1)()
    await new Promise<void>((resolve) => test.audit.exporter.export(test.spans(), () => resolve()))
    await test.audit.forceFlush()
    const collected = await meters.collect()
    const health = test.audit.health()
    const values = Object.fromEntries(
      Object.entries(collected).map(([name, metric]) => [name, metric.values]),
    )
    expect(values).toEqual(told(health))
    expect(health).toMatchObject({
      journal: { produced: 3, durable: 3 },
      view: { holes: 1 },
      sinks: [{ delivered: 3, pending: 0, lagMillis: 0, retries: 2, deadLetters: 0 }],
    })
    expect(values['spanseal.journal.records']).toEqual({
      [`{"log":"${LOG}","watermark":"produced"}`]: 3,
      [`{"log":"${LOG}","watermark":"durable"}`]: 3,
    })
    await test.audit.shutdown()
    const vitals = vitalsOf(test)
    expect(vitals).toMatchObject({ calls: health.calls, view: { holes: 1 } })
    const [{ pending, lastError, ...progress } = { pending: 0, lastError: '' }] = health.sinks
    expect({ pending, lastError }).toEqual({ pending: 0, lastError: undefined })
    expect(vitals.sinks).toEqual([progress])
  })

  it('say what is lost and refused while the disk is full, and go on afterwards', async () => {
    const meters = someMeters()
    let isFull = false
    const noRoom = (): never => {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    }
    const fs = aFileSystem()
    const test = anAudit({
      log: LOG,
      meterProvider: meters.provider,
      fs: {
        ...fs,
        writeSync: (...args) => (isFull ? noRoom() : fs.writeSync(...args)),
        openSync: (...args) => (isFull ? noRoom() : fs.openSync(...args)),
      },
    })
    const read = test.audit.tool({ name: 'look' }, async () => 1)
    const write = test.audit.tool({ name: 'pay', risk: 'write' }, async () => 1)
    await read()
    isFull = true
    await read()
    await expect(write()).rejects.toMatchObject({ code: 'INTENT_NOT_DURABLE' })
    const value = async (name: string): Promise<number | undefined> =>
      (await meters.collect())[name]?.values[`{"log":"${LOG}"}`]
    const lost = (await value('spanseal.records.lost')) ?? 0
    expect(lost).toBeGreaterThan(0)
    expect(lost).toBe(test.audit.health().journal.gap?.records)
    expect(await value('spanseal.calls.refused')).toBe(1)
    expect(await value('spanseal.calls.undurable')).toBe(1)
    expect(await value('spanseal.ok')).toBe(0)
    isFull = false
    await vi.waitFor(
      async () => {
        await read()
        expect(test.ofType('gap')).toHaveLength(1)
      },
      { timeout: 10_000, interval: 100 },
    )
    const [gap] = test.ofType('gap')
    expect(await value('spanseal.records.lost')).toBe(gap?.detail.records)
    expect(test.audit.health().journal).not.toHaveProperty('gap')
  })

  it('never call records durable whose epoch was given up before they were synced', async () => {
    const meters = someMeters()
    let fails = false
    const fs = aFileSystem()
    const test = anAudit({
      log: LOG,
      meterProvider: meters.provider,
      fs: {
        ...fs,
        fdatasync: (fd, done) => (fails ? done(new Error('EIO')) : fs.fdatasync(fd, done)),
      },
    })
    const call = test.audit.tool({ name: 'probe' }, async () => 1)
    const journal = (): AuditHealth['journal'] => test.audit.health().journal
    await call()
    await test.audit.forceFlush()
    expect(journal()).toMatchObject({ produced: 3, durable: 3 })
    fails = true
    await call()
    await test.audit.forceFlush()
    fails = false
    expect(journal()).toMatchObject({ produced: 5, durable: 3, failedEpochs: 1 })
    await vi.waitFor(
      async () => {
        await call()
        await test.audit.forceFlush()
        expect(journal().durable).toBeGreaterThan(3)
      },
      { timeout: 10_000, interval: 100 },
    )
    const { produced, durable } = journal()
    expect(produced - durable).toBe(2)
    const { 'spanseal.journal.records': records } = await meters.collect()
    expect(records?.values[`{"log":"${LOG}","watermark":"durable"}`]).toBe(durable)
  })

  it('show a sink that stopped, and how old its oldest record is', async () => {
    const meters = someMeters()
    let now = Date.parse('2026-11-21T09:30:00.000Z')
    const test = anAudit({
      log: LOG,
      meterProvider: meters.provider,
      now: () => now,
      sinks: [aSink(() => Promise.reject(new AuditError('DELIVERY_REFUSED', 'no')))],
    })
    const values = async (): Promise<readonly (number | undefined)[]> => {
      const collected = await meters.collect()
      return ['stopped', 'lag', 'lag.age', 'acknowledged'].map(
        (name) => collected[`spanseal.sink.${name}`]?.values[`{"log":"${LOG}","sink":"kept"}`],
      )
    }
    await vi.waitFor(async () => expect((await values())[0]).toBe(1), { timeout: 10_000 })
    now += 90_000
    expect(await values()).toEqual([1, 1, 90, 0])
    expect(test.audit.health().sinks[0]).toMatchObject({ lagMillis: 90_000, pending: 1 })
  })

  it('and vitals give away no secret of an address, a header or a failing sink', async () => {
    const meters = someMeters()
    const secrets = ['hunter2', 'of-the-header', 'of-the-address']
    const refusing = await anOtlpReceiver((r) => {
      r.writeHead(400).end(`Authorization: Bearer ${secrets[1]} is wrong, password=${secrets[0]}`)
    })
    const { host } = new URL(refusing.url)
    const failing = new Error(`SASL: user=shipper password=${secrets[0]} refused`)
    const test = anAudit({
      log: LOG,
      meterProvider: meters.provider,
      otlp: {
        url: `http://user:${secrets[2]}@${host}`,
        headers: { authorization: `Bearer ${secrets[1]}` },
      },
      sinks: [aSink(() => Promise.reject(failing))],
      shutdownTimeoutMillis: 200,
    })
    await test.audit.tool({ name: 'probe' }, async () => 1)()
    await new Promise<void>((resolve) => test.audit.exporter.export(test.spans(), () => resolve()))
    await vi.waitFor(() => expect(test.audit.health().view.holes).toBe(1), { timeout: 10_000 })
    await vi.waitFor(() => expect(test.audit.health().sinks[0]?.retries).toBeGreaterThan(0), {
      timeout: 10_000,
    })
    const collected = JSON.stringify(await meters.collect())
    const health = JSON.stringify(test.audit.health())
    await test.audit.shutdown()
    const told = [collected, health, JSON.stringify(vitalsOf(test))]
    for (const text of told) {
      expect(text).toContain('kept')
      for (const secret of secrets) expect(text).not.toContain(secret)
    }
  })

  it('show break-glass while it is open', async () => {
    const meters = someMeters()
    const test = anAudit({ log: LOG, meterProvider: meters.provider })
    const isOpen = async (): Promise<number | undefined> =>
      (await meters.collect())['spanseal.breakglass.open']?.values[`{"log":"${LOG}"}`]
    expect(await isOpen()).toBe(0)
    const glass = test.audit.breakGlass({ reason: 'the disk is being replaced' })
    expect(await isOpen()).toBe(1)
    expect(test.audit.health().breakglass).toMatchObject({ id: glass.id, calls: 0 })
    glass.close()
    expect(await isOpen()).toBe(0)
    expect(test.audit.health()).not.toHaveProperty('breakglass')
  })

  it('of two audits in one process are told apart by their logs', async () => {
    const meters = someMeters()
    const logs = ['example.com/one', 'example.com/two']
    for (const log of logs) anAudit({ log, meterProvider: meters.provider })
    const { 'spanseal.ok': ok } = await meters.collect()
    expect(ok?.values).toEqual(Object.fromEntries(logs.map((log) => [`{"log":"${log}"}`, 1])))
  })

  it('stay as they were at the end once the audit is shut down', async () => {
    const meters = someMeters()
    const test = anAudit({ log: LOG, meterProvider: meters.provider, sinks: [aSink()] })
    await test.audit.tool({ name: 'probe' }, async () => 1)()
    await test.audit.shutdown()
    const first = await meters.collect()
    expect(first['spanseal.sink.acknowledged']?.values).toEqual({
      [`{"log":"${LOG}","sink":"kept"}`]: 4,
    })
    await test.audit.tool({ name: 'probe' }, async () => 1)()
    expect(await meters.collect()).toEqual(first)
  })
})

describe('the provider', () => {
  it('is the global one, however late it comes', async () => {
    const meters = someMeters()
    const test = anAudit({ log: LOG })
    const observing = new AuditMetrics({
      provider: undefined,
      log: LOG,
      health: () => test.audit.health(),
      onFault: (error) => expect.unreachable(String(error)),
      lookMillis: 5,
    })
    onTestFinished(() => observing.close())
    expect(await meters.collect()).toEqual({})
    metrics.setGlobalMeterProvider(meters.provider)
    onTestFinished(() => metrics.disable())
    await vi.waitFor(
      async () => expect(await meters.collect()).toHaveProperty(['spanseal.journal.records']),
      { timeout: 10_000 },
    )
  })

  it('that throws is told, and costs the audit nothing else', async () => {
    const test = anAudit({
      meterProvider: {
        getMeter() {
          throw new Error('no meters here')
        },
      },
    })
    expect(await test.audit.tool({ name: 'probe' }, async () => 1)()).toBe(1)
    expect(test.audit.health()).toMatchObject({ internalErrors: 1 })
  })

  it('that is none is refused', () => {
    const meterProvider = {} as NonNullable<Parameters<typeof anAudit>[0]>['meterProvider']
    expect(() => anAudit({ ...(meterProvider && { meterProvider }) })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})
