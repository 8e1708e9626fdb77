// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

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
