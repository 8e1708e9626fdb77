// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AUDITED_SPANS, expectAuditedTrace, runAuditedAgent } from '../services/audited-trace.ts'
import type { Collector } from '../services/collector.ts'
import { startCollector } from '../services/collector.ts'
import { needsGo } from '../services/go-binaries.ts'
import { removeScratchFolder, scratchFolder } from '../services/guard.ts'
import type { Jaeger } from '../services/jaeger.ts'
import { startJaeger } from '../services/jaeger.ts'
import type { OtlpSpan, OtlpTraces } from '../services/otlp-receiver.ts'
import { spansOf } from '../services/otlp-receiver.ts'

const missing =
  process.env['SLOW'] === '1'
    ? ((await needsGo('jaeger')) ?? (await needsGo('otelcol')))
    : 'set SLOW=1: the first build of Jaeger takes minutes'
if (missing) console.warn(`skipped: ${missing}`)

describe.skipIf(missing)('a trace that went through the Collector to Jaeger', () => {
  let jaeger: Jaeger
  let collector: Collector
  let folder: string

  beforeAll(async () => {
    jaeger = await startJaeger()
    // One viewer is enough here; the queue for the other one fills and that holds up nobody.
    const targets = { jaeger: jaeger.otlpHttp, tempo: 'http://127.0.0.1:1' }
    collector = await startCollector({ targets })
    folder = scratchFolder('journal')
  }, 1_800_000)

  afterAll(async () => {
    await collector?.stop()
    await jaeger?.stop()
    if (folder) removeScratchFolder(folder)
  })

  it('comes back by its id with tree, names, attributes and the pointers into the journal', async () => {
    const journal = join(folder, 'by-id')
    const traceId = await runAuditedAgent(collector.otlpHttp, journal)
    await expect.poll(() => spansById(traceId), POLL).toHaveLength(AUDITED_SPANS)
    expectAuditedTrace(await spansById(traceId), journal)
  })

  it('is found by the name of a tool', async () => {
    const traceId = await runAuditedAgent(collector.otlpHttp, join(folder, 'by-tool'))
    await expect.poll(() => tracesByTag('tool.name', 'refund_order'), POLL).toContain(traceId)
    expect(await tracesByTag('tool.name', 'no_such_tool')).toEqual([])
  })

  it('is delivered after Jaeger was down and the Collector killed', async () => {
    await jaeger.kill('SIGKILL')
    const journal = join(folder, 'after-kill')
    const traceId = await runAuditedAgent(collector.otlpHttp, journal)
    await collector.kill('SIGKILL')
    await jaeger.restart()
    await collector.restart()
    await expect.poll(() => spansById(traceId), POLL).toHaveLength(AUDITED_SPANS)
    expectAuditedTrace(await spansById(traceId), journal)
  })

  /** Empty as long as Jaeger does not know the trace. */
  async function spansById(traceId: string): Promise<OtlpSpan[]> {
    const trace = (await answer(`/api/v3/traces/${traceId}`)) as { result: OtlpTraces } | undefined
    return trace ? spansOf(trace.result) : []
  }

  /**
   * Ids of traces, by the search of Jaeger's own pages: that of `/api/v3` passes over
   * `query.attributes` in this version (its http_gateway.go does not read it).
   */
  async function tracesByTag(key: string, value: string): Promise<string[]> {
    const search = new URLSearchParams({
      service: 'support-agent',
      tags: JSON.stringify({ [key]: value }),
      limit: '100',
      lookback: '1h',
    })
    const { data } = (await answer(`/api/traces?${search.toString()}`)) as {
      data: { traceID: string }[]
    }
    return data.map((trace) => trace.traceID)
  }

  /** Undefined where there is nothing. */
  async function answer(path: string): Promise<unknown> {
    const response = await fetch(`${jaeger.query}${path}`)
    const text = await response.text()
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`Jaeger answers ${response.status}: ${text}`)
    return JSON.parse(text)
  }
})

const POLL = { timeout: 180_000, interval: 100 }
