// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { SpanStatusCode, trace } from '@opentelemetry/api'
import type { Planted, Planter } from './planting.ts'

/** Plants in everything that the wrappers of tools are given, give back, throw and are told. */
export async function plantCalls(planter: Planter, secret: Planted): Promise<void> {
  const { audit } = planter
  await audit.task({ name: 'plant' }, async (task) => {
    await task.userInput(secret.anywhere)
    const step = { thought: secret.anywhere, plan: [secret.anywhere, secret.named] }
    await task.reasoning(step, async () => {
      await plantInputs(planter, secret)
      await plantOutputs(planter, secret)
    })
    await plantErrors(planter, secret)
    await plantJudgements(planter, secret)
    await plantDecisions(planter, secret)
    await plantOnOwnSpans(planter, secret)
    await task.handoff({ to: 'other-agent', summary: secret.anywhere })
    await task.output(secret.anywhere)
  })
  const failing = audit.task({ name: 'plant-failing', ...clientOf(secret) }, () => {
    throw new Error(secret.inErrors, { cause: secret.anywhere })
  })
  await failing.catch(() => {})
}

/** A program's name has at most 256 bytes of a line. */
function clientOf({ redacted }: Planted): { client?: { userAgent: string } } {
  const fits = redacted !== '' && !redacted.includes('\n') && redacted.length <= 200
  return fits ? { client: { userAgent: redacted } } : {}
}

/** Under plain names, under names of secrets, as names, and in all kinds of objects. */
function valueWith({ anywhere, named }: Planted): object {
  return {
    note: anywhere,
    list: [anywhere, { deeper: [{ note: named }] }],
    password: named,
    credentials: { api_key: named, token: [named] },
    [named]: anywhere,
    names: { [anywhere]: { [named]: 1 } },
    bytes: Buffer.from(anywhere),
    map: new Map([[named, anywhere]]),
    set: new Set([anywhere]),
    error: new Error(anywhere, { cause: named }),
    get read() {
      return anywhere
    },
    run: () => anywhere,
    symbol: Symbol(anywhere),
  }
}

async function plantInputs({ audit }: Planter, secret: Planted): Promise<void> {
  const take = audit.tool({ name: 'take' }, async (..._args: unknown[]) => 'taken')
  await take(secret.anywhere)
  await take(secret.named)
  await take(secret.named, Buffer.from(secret.anywhere))
  await take(valueWith(secret))
  const write = audit.tool({ name: 'write', risk: 'write' }, (_value: unknown) => undefined)
  write({ arguments: JSON.stringify({ note: secret.anywhere, password: secret.named }) })
}

async function plantOutputs({ audit }: Planter, secret: Planted): Promise<void> {
  const summary = ['note', 'password', 'credentials', 'list', 'missing', 'count']
  const give = audit.tool({ name: 'give', summary }, async () => ({
    ...valueWith(secret),
    note: secret.redacted,
    count: numberIn(secret.redacted),
    hidden: secret.anywhere,
  }))
  await give()
  for (const text of [secret.anywhere, secret.named]) {
    await audit.tool({ name: 'give-text' }, async () => text)()
  }
  const items = audit.tool({ name: 'items' }, function* () {
    yield secret.anywhere
    yield { note: secret.named }
  })
  for (const _ of items()) void _
  const stream = audit.tool({ name: 'stream' }, () =>
    ReadableStream.from([secret.anywhere, Buffer.from(secret.named)]),
  )
  for await (const _ of stream()) void _
}

/** A card number as a number. */
function numberIn(text: string): number {
  return /^\d{13,16}$/.test(text) ? Number(text) : 0
}

async function plantErrors({ audit }: Planter, secret: Planted): Promise<void> {
  const fail = audit.tool({ name: 'fail' }, async (thrown: unknown) => {
    throw thrown
  })
  const error = new Error(secret.inErrors, { cause: new Error(secret.anywhere) })
  error.stack += secret.anywhere
  // The words of a type and a code stand in clear where they have the form of one.
  const named = Object.assign(new Error(secret.inErrors), {
    name: secret.redacted,
    code: secret.redacted,
    config: { headers: { authorization: secret.named } },
  })
  const thrown: readonly unknown[] = [
    error,
    named,
    new AggregateError([new Error(secret.anywhere)], secret.inErrors),
    secret.inErrors,
    { message: secret.inErrors, [secret.named]: secret.anywhere },
    [secret.anywhere],
    { name: 'AbortError', message: secret.inErrors, stack: secret.anywhere },
  ]
  for (const value of thrown) await fail(value).catch(() => {})
}

/** As instrumentations do: names of their own and failures that come back as values. */
async function plantJudgements({ audit }: Planter, secret: Planted): Promise<void> {
  const tool = audit.outsideTool({ name: 'search', server: 'index' })
  const failure = { isError: true, content: [{ type: 'text', text: secret.anywhere }] }
  await audit.call(
    {
      tool,
      args: [{ arguments: secret.anywhere }],
      async: true,
      spanName: `tools/call ${secret.redacted}`,
      attributes: {
        'app.note': secret.redacted,
        'app.password': secret.named,
        [secret.redacted]: 1,
        'gen_ai.tool.call.arguments': secret.anywhere,
      },
      judge: () => ({ status: 'error', errorType: secret.redacted, message: secret.inErrors }),
    },
    async () => failure,
  )
  const broken = { tool, args: [], judge: () => fails(secret), judgeError: () => fails(secret) }
  audit.call(broken, () => failure)
  try {
    audit.call(broken, () => fails(secret))
  } catch {
    // What the tool threw.
  }
}

function fails(secret: Planted): never {
  throw new RangeError(secret.inErrors)
}

async function plantDecisions({ audit, said }: Planter, secret: Planted): Promise<void> {
  for (const name of ['approved', 'refused', 'waiting', 'unasked', 'misasked']) {
    const tool = audit.tool({ name }, async (_asked: object) => 'done')
    for (const approver of secret.ids.slice(0, 1)) {
      try {
        await tool({ reason: secret.anywhere, approver })
      } catch (error) {
        const { message, stack } = error as Error
        said.push(`${message}\n${stack}\n${JSON.stringify(error)}`)
      }
    }
  }
}

/** What the code inside a tool, or an instrumentation of it, writes on the span of the wrapper. */
async function plantOnOwnSpans({ audit }: Planter, secret: Planted): Promise<void> {
  const scribble = audit.tool({ name: 'scribble' }, () => {
    const span = trace.getActiveSpan()
    span?.setAttributes({
      'app.note': secret.redacted,
      'app.password': secret.named,
      'input.value': secret.anywhere,
      'spanseal.end.hash': secret.redacted,
    })
    span?.recordException(new Error(secret.anywhere))
    span?.addEvent(secret.redacted, { 'message.content': secret.anywhere, note: secret.redacted })
    span?.setStatus({ code: SpanStatusCode.ERROR, message: secret.redacted })
    if (span) span.addLink({ context: span.spanContext(), attributes: { note: secret.redacted } })
  })
  scribble()
}
