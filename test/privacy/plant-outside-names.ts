// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { context, propagation, trace } from '@opentelemetry/api'
import { foreignSpan } from './plant-foreign-spans.ts'
import type { Planted, Planter } from './planting.ts'
import { isId } from './planting.ts'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/**
 * Names and ids stand in clear. Those that the program itself gives are its own affair; these come
 * from outside (a model, a server, a caller, another instrumentation), so what patterns find in them
 * must not show.
 */
export const outsideNames: Readonly<
  Record<string, (planter: Planter, secret: Planted) => Promise<void>>
> = {
  async 'the name and the server of a tool from outside'({ audit }, { redacted }) {
    const tool = audit.outsideTool({ name: redacted, server: redacted })
    await audit.call({ tool, args: [], async: true }, async () => 'done')
  },

  async 'the id that a framework gives a call'({ audit }, { redacted }) {
    const tool = audit.outsideTool({ name: 'search' })
    await audit.call({ tool, args: [], async: true, externalId: redacted }, async () => 'done')
  },

  async 'the tool, agent and call id of a foreign span'(_, { redacted }) {
    for (const operation of ['execute_tool', 'invoke_agent']) {
      const attributes = {
        'gen_ai.operation.name': operation,
        'gen_ai.tool.name': redacted,
        'gen_ai.agent.name': redacted,
        'gen_ai.tool.call.id': redacted,
      }
      foreignSpan(operation, attributes, () => {})
    }
  },

  async 'the name of a foreign span that names no tool and no agent'(_, { redacted }) {
    for (const operation of ['execute_tool', 'invoke_agent']) {
      const attributes = { 'gen_ai.operation.name': operation }
      foreignSpan(`${operation} ${redacted}`, attributes, () => {})
    }
  },

  async 'a task id that a carrier brings'({ audit }, { redacted }) {
    if (!isId(redacted)) return
    const baggage = `spanseal.task.id=${encodeURIComponent(redacted)}`
    const carrier = { traceparent: TRACEPARENT, baggage }
    await audit.task({ name: 'carried', from: carrier }, () => {})
    await audit.below(carrier, () => audit.tool({ name: 'below' }, async () => {})())
  },

  async 'a trace state from outside'({ audit }, { redacted }) {
    if (!isTraceStateValue(redacted)) return
    const headers = { traceparent: TRACEPARENT, tracestate: `acme=${redacted}` }
    await context.with(propagation.extract(context.active(), headers), async () => {
      foreignSpan('incoming', {}, (span) => span.addLink({ context: span.spanContext() }))
      await audit.task({ name: 'incoming' }, () => audit.tool({ name: 'inside' }, async () => {})())
    })
    await audit.task({ name: 'carried', from: headers }, () => {})
  },

  async 'what a tool writes over the name and the attributes of its span'({ audit }, secret) {
    audit.tool({ name: 'scribble' }, () => {
      const span = trace.getActiveSpan()
      span?.updateName(`step ${secret.redacted}`)
      for (const name of OWN_TEXTS) span?.setAttribute(name, secret.redacted)
    })()
  },
}

/** Attributes that wrappers write themselves, and others write as well. */
const OWN_TEXTS = [
  'agent.id',
  'gen_ai.agent.id',
  'gen_ai.agent.name',
  'gen_ai.conversation.id',
  'gen_ai.tool.name',
  'task.id',
  'tool.name',
]

/** W3C Trace Context §3.3: printable ASCII but for comma and equals sign. */
function isTraceStateValue(text: string): boolean {
  return /^[\x21-\x2b\x2d-\x3c\x3e-\x7e]{1,256}$/.test(text)
}
