// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { context, trace } from '@opentelemetry/api'
import type { ExportResult } from '@opentelemetry/core'
import { ExportResultCode } from '@opentelemetry/core'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { aFileSystem, aFolder, anAudit } from './audit.fixture.ts'
import type { Audit } from './audit.ts'
import { register } from './audit.ts'
import type { AuditOptions } from './options.ts'
import { anOtlpReceiver } from './otlp-receiver.fixture.ts'

beforeEach(() => {
  trace.disable()
  context.disable()
})

function registered(options: Partial<AuditOptions>): Audit {
  const audit = register({
    service: { name: 'support-agent', version: '1.4.0', instance: 'host-1' },
    deployment: { environment: 'prod', cluster: 'c-1' },
    journal: join(aFolder(), 'audit'),
    shutdownTimeoutMillis: 2_000,
    ...options,
  })
  onTestFinished(async () => void (await audit.shutdown()))
  return audit
}

const called = (audit: Audit): Promise<number> => audit.tool({ name: 'probe' }, async () => 1)()

describe('spans reach every endpoint', () => {
  it('with the resource of the service and the headers of each endpoint', async () => {
    const [one, two] = [await anOtlpReceiver(), await anOtlpReceiver()]
    const audit = registered({
      otlp: [one.url, { url: `${two.url}/base`, headers: { authorization: 'Bearer of-two' } }],
    })
    await called(audit)
    await audit.forceFlush()
    expect(one.spanNames()).toEqual(['execute_tool probe'])
    expect(two.spanNames()).toEqual(['execute_tool probe'])
    expect(one.paths).toEqual(['/v1/traces'])
    expect(two.paths).toEqual(['/base/v1/traces'])
    expect(one.headers[0]).not.toHaveProperty('authorization')
    expect(two.headers[0]).toHaveProperty('authorization', 'Bearer of-two')
    for (const text of ['support-agent', '1.4.0', 'host-1', 'prod', 'c-1'])
      expect(one.bodies[0]).toContain(text)
    expect(audit.health().spans).toMatchObject({
      exported: 1,
      endpoints: [
        { name: one.url, exported: 1, failed: 0, pending: 0 },
        { name: two.url, exported: 1, failed: 0, pending: 0 },
      ],
    })
    expect(JSON.stringify(audit.health())).not.toContain('of-two')
  })

  it('an exact address is used as it stands', async () => {
    const receiver = await anOtlpReceiver()
    const audit = registered({ otlp: { url: `${receiver.url}/custom`, exact: true } })
    await called(audit)
    await audit.forceFlush()
    expect(receiver.paths).toEqual(['/custom'])
  })

  it('shutdown sends what is left', async () => {
    const receiver = await anOtlpReceiver()
    const audit = registered({ otlp: receiver.url })
    await called(audit)
    await audit.shutdown()
    expect(receiver.spanNames()).toEqual(['execute_tool probe'])
  })
})

describe('a sick endpoint', () => {
  it.each([
    ['refuses connections', async () => 'http://127.0.0.1:9'],
    [
      'answers 400',
      async () => (await anOtlpReceiver((response) => void response.writeHead(400).end('no'))).url,
    ],
    ['hangs', async () => (await anOtlpReceiver(() => {})).url],
    [
      'answers 500, so that the exporter tries again',
      async () => (await anOtlpReceiver((r) => void r.writeHead(503).end())).url,
    ],
  ])('that %s delays and fails no other, batch after batch', async (_, sickUrl) => {
    const well = await anOtlpReceiver()
    const audit = registered({ otlp: [await sickUrl(), well.url], shutdownTimeoutMillis: 300 })
    for (let batch = 1; batch <= 3; batch++) {
      await called(audit)
      await audit.forceFlush()
      await vi.waitFor(() => expect(well.spanNames()).toHaveLength(batch), { timeout: 300 })
    }
    const [sick, healthy] = audit.health().spans.endpoints
    expect(healthy).toMatchObject({ exported: 3, failed: 0, pending: 0 })
    expect(sick?.exported).toBe(0)
    expect((sick?.failed ?? 0) + (sick?.pending ?? 0)).toBe(3)
    const { undelivered } = await audit.shutdown()
    expect(undelivered).toEqual({})
  })

  it('holds no more spans than its queue, and counts the rest', async () => {
    const hanging = await anOtlpReceiver(() => {})
    const test = anAudit({ otlp: hanging.url, shutdownTimeoutMillis: 100 })
    await test.audit.tool({ name: 'probe' }, async () => 1)()
    const [span] = test.spans()
    const batch = Array.from({ length: 1_000 }, () => span as NonNullable<typeof span>)
    for (let i = 0; i < 10; i++) test.audit.exporter.export(batch, () => {})
    expect(test.audit.health().spans.endpoints[0]).toMatchObject({ pending: 8_000, failed: 2_000 })
  })
})

describe('the result of an export', () => {
  const exported = (audit: Audit, spans: Parameters<Audit['exporter']['export']>[0]) =>
    new Promise<ExportResult>((resolve) => audit.exporter.export(spans, resolve))

  it('is success once the records that the spans point to are on disk', async () => {
    let release: () => void = () => {}
    let holds = false
    const fs = aFileSystem({
      fdatasync: (fd, done) => {
        if (!holds) return aFileSystem().fdatasync(fd, done)
        release = () => aFileSystem().fdatasync(fd, done)
      },
    })
    const test = anAudit({ fs })
    await test.audit.tool({ name: 'probe' }, async () => 1)()
    holds = true
    let result: ExportResult | undefined
    const done = exported(test.audit, test.spans()).then((r) => (result = r))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(result).toBe(undefined)
    release()
    expect((await done).code).toBe(ExportResultCode.SUCCESS)
  })

  it('is failure when they are not', async () => {
    let fails = false
    const fs = aFileSystem({
      fdatasync: (fd, done) => (fails ? done(new Error('EIO')) : aFileSystem().fdatasync(fd, done)),
    })
    const test = anAudit({ fs })
    await test.audit.tool({ name: 'probe' }, async () => 1)()
    fails = true
    expect(await exported(test.audit, test.spans())).toMatchObject({
      code: ExportResultCode.FAILED,
    })
  })

  it('does not depend on endpoints, whose failures stand in health()', async () => {
    const test = anAudit({ otlp: 'http://127.0.0.1:9', shutdownTimeoutMillis: 100 })
    await test.audit.tool({ name: 'probe' }, async () => 1)()
    expect(await exported(test.audit, test.spans())).toMatchObject({
      code: ExportResultCode.SUCCESS,
    })
  })

  it('is failure after shutdown', async () => {
    const test = anAudit()
    await test.audit.exporter.shutdown()
    expect(await exported(test.audit, [])).toMatchObject({ code: ExportResultCode.FAILED })
  })
})

describe('what others wrote on spans', () => {
  it('is withheld or masked in what is sent, and stays as it was for other processors', async () => {
    const receiver = await anOtlpReceiver()
    const test = anAudit({ otlp: receiver.url })
    const tracer = trace.getTracer('x')
    const link = {
      context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 },
      attributes: { note: 'ssn 536-90-4399' },
    }
    tracer.startActiveSpan('lookup of 4111 1111 1111 1111', { links: [link] }, (span) => {
      span.setAttribute('gen_ai.input.messages', '[{"role":"user","content":"my pin is 1234"}]')
      span.setAttribute('db.user.password', 'hunter2')
      span.setAttribute('note', 'mail jane.doe@example.com')
      span.setAttribute('count', 7)
      span.recordException(new Error('jane.doe@example.com is unknown'))
      span.setStatus({ code: 2, message: 'jane.doe@example.com is unknown' })
      span.end()
    })
    test.audit.tool({ name: 'probe' }, () => {
      trace.getActiveSpan()?.setAttributes({ 'db.user.password': 'hunter2', mine: 'kept' })
    })()
    await new Promise<void>((resolve) => test.audit.exporter.export(test.spans(), () => resolve()))
    await test.audit.exporter.forceFlush()
    const sent = receiver.bodies.join('')
    expect(sent).not.toMatch(/jane\.doe|hunter2|my pin|536-90-4399|4111 1111/)
    expect(sent).toContain('"count"')
    expect(sent).toContain('kept')
    for (const name of ['input.hash', 'spanseal.end.hash', 'tool.trust_level'])
      expect(sent).toContain(name)
    const [end] = test.ofType('tool.end')
    const { input } = end?.invocation ?? {}
    expect(sent).toContain(input?.c)
    expect(sent).toContain(end?.chain.prev)
    expect(test.spans()[0]?.attributes['note']).toBe('mail jane.doe@example.com')
  })
})
