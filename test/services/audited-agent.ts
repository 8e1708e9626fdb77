// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// node --conditions=spanseal-source audited-agent.ts OTLP_URL JOURNAL: one audited task with
// reasoning, a call that succeeds, one that fails and a handover; prints the trace id.

import { register } from '@spanseal/otel'

const [otlp, journal] = process.argv.slice(2) as [string, string]

const audit = register({
  service: { name: 'support-agent', version: '1.4.0' },
  agent: { id: 'support-1', name: 'support' },
  journal,
  otlp,
  // All spans must have gone out before the end is told, on a busy machine too.
  shutdownTimeoutMillis: 60_000,
})

const lookUp = audit.tool(
  {
    name: 'look_up_order',
    version: '1.0.0',
    publisher: 'shop',
    trustLevel: 'verified',
    risk: 'read',
  },
  async (order: { id: string }) => ({ ...order, state: 'delayed' }),
)
const refund = audit.tool(
  { name: 'refund_order', version: '2.1.0', risk: 'write', classifications: ['payment'] },
  async (order: { id: string }) => {
    throw new RangeError(`no payment for ${order.id}`)
  },
)
const notify = audit.tool({ name: 'notify', risk: 'write' }, async (text: string) => text.length)

const traceId = await audit.task({ name: 'refund', user: 'u-17' }, async (task) => {
  await task.userInput('Where is my order?')
  await task.reasoning({ thought: 'Look before paying', confidence: 0.9 }, async () => {
    await lookUp({ id: 'A-1' })
    await refund({ id: 'A-1' }).catch(() => {})
  })
  await task.handoff({ to: 'billing-1' }, (carrier) =>
    audit.task(
      { name: 'tell', from: carrier, agent: { id: 'billing-1', name: 'billing' } },
      async () => notify('Your refund needs a look by billing'),
    ),
  )
  await task.output('Billing will write to you')
  return task.traceId
})

const report = await audit.shutdown()
console.log(JSON.stringify({ traceId, report }))
