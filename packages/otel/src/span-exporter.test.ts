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
    ...options,
  })
  onTestFinished(async () => void (await audit.shutdown()))
  return audit
}

const RETRY_SOON = { 'retry-after': '1' }
const RETRY_LATE = { 'retry-after': '3600' }
const PATIENTLY = { timeout: 10_000 }

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
    ['answers 500', async () => (await anOtlpReceiver((r) => void r.writeHead(500).end())).url],
    ['hangs', async () => (await anOtlpReceiver(() => {})).url],
    [
      'answers 503, so that the exporter tries again',
      async () => (await anOtlpReceiver((r) => void r.writeHead(503).end())).url,
    ],
    [
      'answers 429 and asks for a second',
      async () => (await anOtlpReceiver((r) => void r.writeHead(429, RETRY_SOON).end())).url,
    ],
    [
      'answers 429 and asks for an hour',
      async () => (await anOtlpReceiver((r) => void r.writeHead(429, RETRY_LATE).end())).url,
    ],
    [
      'begins an answer and stalls',
      async () => (await anOtlpReceiver((r) => void r.writeHead(200).write('{'))).url,
    ],
  ])('that %s delays and fails no other, batch after batch', async (_, sickUrl) => {
    const well = await anOtlpReceiver()
    const audit = registered({ otlp: [await sickUrl(), well.url], shutdownTimeoutMillis: 300 })
    for (let batch = 1; batch <= 3; batch++) {
      await called(audit)
      await audit.forceFlush()
      await vi.waitFor(() => expect(well.spanNames()).toHaveLength(batch), PATIENTLY)
    }
    await vi.waitFor(() => {
      const healthy = audit.health().spans.endpoints[1]
      expect(healthy).toMatchObject({ exported: 3, failed: 0, rejected: 0, dropped: 0, pending: 0 })
    }, PATIENTLY)
    const [sick] = audit.health().spans.endpoints
    expect(sick).toMatchObject({ exported: 0, rejected: 0, dropped: 0 })
    expect((sick?.failed ?? 0) + (sick?.pending ?? 0)).toBe(3)
    const { undelivered } = await audit.shutdown()
    expect(undelivered).toEqual({})
  })

  it('that asks to be tried again in a second gets the same spans then', async () => {
    let refusals = 1
    const busy = await anOtlpReceiver((r) =>
      refusals-- > 0 ? r.writeHead(429, RETRY_SOON).end() : r.writeHead(200).end('{}'),
    )
    const audit = registered({ otlp: busy.url, shutdownTimeoutMillis: 10_000 })
    await called(audit)
    await audit.forceFlush()
    expect(audit.health().spans.endpoints).toMatchObject([{ exported: 1, failed: 0, pending: 0 }])
    expect(busy.spanNames()).toEqual(['execute_tool probe', 'execute_tool probe'])
  })

  it('holds no more spans than its queue, and counts the rest', async () => {
    const hanging = await anOtlpReceiver(() => {})
    const test = anAudit({ otlp: hanging.url, shutdownTimeoutMillis: 100 })
    await test.audit.tool({ name: 'probe' }, async () => 1)()
    const [span] = test.spans()
    const batch = Array.from({ length: 1_000 }, () => span as NonNullable<typeof span>)
    for (let i = 0; i < 10; i++) test.audit.exporter.export(batch, () => {})
    const health = test.audit.health()
    expect(health.spans.endpoints).toMatchObject([{ pending: 8_000, failed: 0, dropped: 2_000 }])
    expect(health).toMatchObject({ ok: true, view: { holes: 2_000 } })
  })
})

describe('an endpoint that takes a batch in part', () => {
  const answering = (answer: unknown) =>
    anOtlpReceiver((r) => void r.writeHead(200).end(JSON.stringify(answer)))

  it.each([
    ['as a number', { partialSuccess: { rejectedSpans: 2, errorMessage: 'too old' } }],
    [
      'as the text of an int64',
      { partialSuccess: { rejectedSpans: '2', errorMessage: 'too old' } },
    ],
    ['in snake case', { partial_success: { rejected_spans: '2', error_message: 'too old' } }],
  ])('is believed, whether it says so %s', async (_, answer) => {
    const [partial, well] = [await answering(answer), await anOtlpReceiver()]
    const audit = registered({ otlp: [partial.url, well.url] })
    for (let i = 0; i < 3; i++) await called(audit)
    await audit.forceFlush()
    const health = audit.health()
    expect(health.spans.endpoints).toMatchObject([
      { exported: 1, rejected: 2, failed: 0, pending: 0, lastError: 'too old' },
      { exported: 3, rejected: 0, failed: 0, pending: 0, lastError: undefined },
    ])
    expect(health).toMatchObject({ ok: true, view: { holes: 2 } })
  })

  it('with a word and no number only warns; the next whole batch clears it', async () => {
    let answer: object = { partialSuccess: { errorMessage: 'use /v2, jane.doe@example.com' } }
    const warning = await anOtlpReceiver((r) => void r.writeHead(200).end(JSON.stringify(answer)))
    const audit = registered({ otlp: warning.url })
    await called(audit)
    await audit.forceFlush()
    const [first] = audit.health().spans.endpoints
    expect(first).toMatchObject({ exported: 1, rejected: 0 })
    expect(first?.lastError).toMatch(/^use \/v2/)
    expect(first?.lastError).not.toContain('jane')
    answer = {}
    await called(audit)
    await audit.forceFlush()
    expect(audit.health().spans.endpoints).toMatchObject([{ exported: 2, lastError: undefined }])
  })

  it.each([
    ['no JSON', 'taken, thanks'],
    ['null', 'null'],
    ['a partial success of another form', '{"partialSuccess":[1]}'],
    ['less than nothing', '{"partialSuccess":{"rejectedSpans":-1,"errorMessage":"x"}}'],
    ['half a span', '{"partialSuccess":{"rejectedSpans":0.5}}'],
    ['an empty one', '{"partialSuccess":{}}'],
    ['zero and no word', '{"partialSuccess":{"rejectedSpans":"0"}}'],
  ])('answers with %s: then all counts as taken', async (_, answer) => {
    const strange = await anOtlpReceiver((r) => void r.writeHead(200).end(answer))
    const audit = registered({ otlp: strange.url })
    await called(audit)
    await audit.forceFlush()
    expect(audit.health()).toMatchObject({
      view: { holes: 0 },
      spans: { endpoints: [{ exported: 1, rejected: 0, failed: 0, lastError: undefined }] },
    })
  })

  it('refuses no more than it was given', async () => {
    const boasting = await answering({ partialSuccess: { rejectedSpans: 1_000 } })
    const audit = registered({ otlp: boasting.url })
    await called(audit)
    await audit.forceFlush()
    expect(audit.health().spans.endpoints).toMatchObject([{ exported: 0, rejected: 1 }])
  })
})

describe('the result of an export', () => {
  const exported = (audit: Audit, spans: Parameters<Audit['exporter']['export']>[0]) =>
    new Promise<ExportResult>((resolve) => audit.exporter.export(spans, resolve))

  it('is success once the records that the spans point to are on disk', async () => {
    let release: (() => void) | undefined
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
    await vi.waitFor(() => expect(release).toBeDefined(), PATIENTLY)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(result).toBe(undefined)
    release?.()
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
