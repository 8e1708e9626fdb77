// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { parseVkey, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'
import { expect, it } from 'vitest'
import { anAudit } from './audit.fixture.ts'

it('one task with a reasoned tool call is a trace in the view and a chain in the journal', async () => {
  const { audit, records, span } = anAudit({ agent: { id: 'support-1', name: 'support' } })
  const refund = audit.tool(
    { name: 'refund_order', version: '2.1.0', risk: 'write' },
    async (input: { order: string }) => ({ refunded: input.order }),
  )
  await audit.task({ name: 'refund', user: 'u-17' }, async (task) => {
    await task.reasoning({ thought: 'Order is late', confidence: 0.9 }, async () => {
      expect(await refund({ order: 'A-1' })).toEqual({ refunded: 'A-1' })
    })
  })
  await audit.shutdown()
  expect(records().map((r) => r.type)).toEqual([
    'epoch.open',
    'task.start',
    'agent.reasoning',
    'tool.start',
    'tool.end',
    'task.end',
    'epoch.close',
  ])
  const task = span('invoke_agent support')
  const reasoning = span('reasoning')
  const tool = span('execute_tool refund_order')
  expect(reasoning.parentSpanContext?.spanId).toBe(task.spanContext().spanId)
  expect(tool.parentSpanContext?.spanId).toBe(reasoning.spanContext().spanId)
  expect(tool.spanContext().traceId).toBe(task.spanContext().traceId)
})

it('everything that an audit writes verifies under its issuer key', async () => {
  const test = anAudit({
    authorize: ({ tool }) => ({ decision: tool.name === 'no' ? 'denied' : 'granted' }),
  })
  const { audit, journal } = test
  const subjects = (n: number): string[] => [`person-${n}`]
  const call = audit.tool({ name: 'probe', subjects }, async (n: number) => {
    if (n % 3 === 0) throw new TypeError(`no ${n}`)
    return { n }
  })
  const denied = audit.tool({ name: 'no' }, async () => 1)
  const never = audit.tool({ name: 'never' }, () => new Promise(() => {}))
  await audit.task({ name: 't', user: 'u', classifications: ['pii'] }, async (task) => {
    await task.userInput('hello')
    await task.reasoning({ thought: 'x', plan: ['y'], confidence: 1 / 3 }, async () => {
      await Promise.allSettled(Array.from({ length: 9 }, (_, n) => call(n)))
    })
    await task.handoff({ to: 'other', summary: 's' }, (from) =>
      audit.task({ name: 'theirs', from, agent: { id: 'other' } }, () => denied().catch(() => {})),
    )
    void never()
    await task.output('bye')
  })
  await audit.shutdown()
  const keys = openKeyring({ log: 'localhost/support-agent', journal }).issuerVkeys()
  const verdict = await verify(readJournal(journal), {
    keys: keys.map(({ vkey }) => parseVkey(vkey)),
  })
  expect(verdict.findings.filter(({ kind }) => kind === 'fault')).toEqual([])
  expect(verdict).toMatchObject({ ok: true, level: 2, checked: test.records().length })
})
