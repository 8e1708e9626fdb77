// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordSink } from '@spanseal/core'
import { isEpochId } from '@spanseal/core'
import { expect, it, vi } from 'vitest'
import { anAudit } from './audit.fixture.ts'

/** `writer.json` of the one epoch of a journal. */
function writerState(journal: string): Readonly<Record<string, unknown>> {
  const [epoch = ''] = readdirSync(journal).filter(isEpochId)
  const text = readFileSync(join(journal, epoch, 'writer.json'), 'utf8')
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

it('a writer leaves its vitals when it ends', async () => {
  const test = anAudit()
  await test.audit.tool({ name: 'probe' }, async () => 1)()
  await test.audit.shutdown()
  expect(writerState(test.journal)).toMatchObject({
    ended: 'closed',
    vitals: {
      calls: { open: 0, denied: 0, refused: 0, undurable: 0 },
      view: { holes: 0, endpoints: [] },
      sinks: [],
      errors: 0,
    },
  })
})

it('vitals fit, however many endpoints and sinks fail in however many words', async () => {
  const complaint = '€'.repeat(1_000)
  const sinks = Array.from({ length: 30 }, (_, n): RecordSink => {
    const name = `${'s'.repeat(60)}-${n}`
    return {
      name,
      deliver: () => Promise.reject(new Error(complaint)),
      close: () => Promise.resolve(),
    }
  })
  const otlp = Array.from({ length: 30 }, (_, n) => `http://${'a'.repeat(60)}-${n}.invalid`)
  const test = anAudit({ sinks, otlp, shutdownTimeoutMillis: 100 })
  const retried = (): boolean => test.audit.health().sinks.every(({ retries }) => retries > 0)
  await vi.waitFor(() => expect(retried()).toBe(true), { timeout: 10_000 })
  await test.audit.shutdown()
  const state = writerState(test.journal)
  expect(state).not.toHaveProperty('vitals_too_large')
  const vitals = state['vitals'] as {
    readonly sinks: readonly { readonly lastError: string }[]
    readonly view: { readonly endpoints: readonly unknown[] }
  }
  expect(vitals.sinks).toHaveLength(8)
  expect(vitals.view.endpoints).toHaveLength(8)
  expect(vitals.sinks.map(({ lastError }) => lastError)).toEqual(
    Array.from({ length: 8 }, () => '€'.repeat(120)),
  )
})
