// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes, Span } from '@opentelemetry/api'
import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Planted, Planter } from './planting.ts'

/** Attributes that carry content in one convention or another. */
const CONTENT = [
  'gen_ai.input.messages',
  'gen_ai.output.messages',
  'gen_ai.system_instructions',
  'gen_ai.tool.call.arguments',
  'gen_ai.tool.call.result',
  'gen_ai.tool.definitions',
  'gen_ai.prompt.0.content',
  'input.value',
  'output.value',
  'llm.input_messages.0.message.content',
  'traceloop.entity.input',
  'langfuse.observation.output',
  'ai.prompt.messages',
  'ai.toolCall.args',
  'exception.message',
  'exception.stacktrace',
  'db.statement',
  'db.query.text',
  'db.query.parameter.0',
  'http.request.body',
  'url.query',
  'graphql.document',
  'acme.request.payload',
]

/** Names that say that a secret stands under them. */
const SECRET_NAMES = [
  'http.request.header.authorization',
  'http.request.header.cookie',
  'db.user.password',
  'db.connection_string',
  'acme.apiKey',
  'x-api-key',
  'acme.client_secret',
  'user.ssn',
]

/** Others, in which patterns are masked. */
const REDACTED = ['acme.note', 'http.route', 'url.path', 'enduser.id', 'gen_ai.agent.description']

const TOOL = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' }
const AGENT = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'planner' }

/** What instrumentations of others write on spans of their own. */
export async function plantForeignSpans({ audit }: Planter, secret: Planted): Promise<void> {
  plantHttp(secret)
  plantTools(secret)
  await audit.task({ name: 'plant-around' }, async () => {
    plantHttp(secret)
    plantTools(secret)
    foreignSpan('invoke_agent planner', AGENT, (span) => fail(span, secret))
  })
}

function plantHttp(secret: Planted): void {
  const attributes = {
    ...attributesOf(CONTENT, secret.anywhere),
    ...attributesOf(SECRET_NAMES, secret.named),
    ...attributesOf(REDACTED, secret.redacted),
    'acme.list': [secret.redacted, '--password', secret.named],
    [secret.redacted]: true,
    ...(isNumber(secret.redacted) && {
      'acme.number': Number(secret.redacted),
      'acme.numbers': [1, Number(secret.redacted)],
    }),
    'url.full': `https://host.example/${secret.redacted}?q=${secret.anywhere}`,
    'http.target': `/orders?q=${encodeURIComponent(secret.anywhere)}`,
  }
  foreignSpan(`GET ${secret.redacted}`, attributes, (span) => fail(span, secret))
}

/** A card number that may be a number as well. */
function isNumber(text: string): boolean {
  return /^\d{13,16}$/.test(text)
}

function plantTools(secret: Planted): void {
  const content = {
    'gen_ai.tool.call.arguments': JSON.stringify({ note: secret.anywhere, [secret.named]: 1 }),
    'gen_ai.tool.call.result': secret.anywhere,
  }
  foreignSpan(`execute_tool ${secret.redacted}`, { ...TOOL, ...content }, (span) => {
    fail(span, secret)
    span.setAttributes({ 'error.type': secret.redacted, 'gen_ai.agent.name': secret.redacted })
  })
}

function fail(span: Span, secret: Planted): void {
  const error = new Error(secret.anywhere)
  span.recordException(error)
  span.recordException({ code: secret.redacted, message: secret.anywhere, name: secret.redacted })
  span.addEvent(`sent ${secret.redacted}`, { ...attributesOf(CONTENT, secret.anywhere) })
  span.addEvent('note', { 'acme.note': secret.redacted, password: secret.named })
  const attributes = { 'acme.note': secret.redacted, 'acme.password': secret.named }
  span.addLink({ context: span.spanContext(), attributes })
  span.setStatus({ code: SpanStatusCode.ERROR, message: secret.redacted })
}

function attributesOf(names: readonly string[], value: string): Attributes {
  return Object.fromEntries(names.map((name) => [name, value]))
}

export function foreignSpan(name: string, attributes: Attributes, run: (span: Span) => void): void {
  const span = trace.getTracer('acme-instrumentation', '1.0.0').startSpan(name, { attributes })
  try {
    context.with(trace.setSpan(context.active(), span), () => run(span))
  } finally {
    span.end()
  }
}

/** What callers from outside send along. */
export async function plantCarriers({ audit }: Planter, secret: Planted): Promise<void> {
  const baggage = [
    `user=${encodeURIComponent(secret.anywhere)}`,
    `${encodeURIComponent(secret.named)}=1`,
    `spanseal.task=${encodeURIComponent(secret.named)}`,
  ]
  const headers = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    baggage: baggage.join(),
  }
  await audit.task({ name: 'plant-from', from: headers }, () => foreignSpan('below', {}, () => {}))
  await audit.below(headers, () => audit.tool({ name: 'below' }, async () => {})())
  const extracted = propagation.extract(context.active(), headers)
  await context.with(extracted, async () => {
    foreignSpan('incoming', {}, () => {})
    await audit.task({ name: 'plant-incoming' }, async () => {
      await audit.tool({ name: 'inside' }, async () => {})()
    })
  })
}
