// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { hash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SpanKind } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { commit, digestValue } from '@spanseal/core'
import { openKeyring } from '@spanseal/keys'
import { createAudit } from '@spanseal/otel'
import { observeValue } from '../packages/otel/src/redact/observe.ts'
import { createRedactor } from '../packages/otel/src/redact/redact.ts'

/**
 * What auditing one awaited tool call costs (start record, end record, span to a batch processor),
 * against a bare OpenTelemetry span that carries the same values as JSON attributes to the same kind
 * of processor; then the stages apart. The call is fixed in `reference-call.json`: 2 KB in, 2 KB out.
 *
 *     npm run bench -- tool-call
 */

/** `DURABILITY=none` leaves the disk out. */
const DURABILITY = process.env['DURABILITY'] === 'none' ? 'none' : 'interval'
const ROUNDS = 21
const CALLS = 500
const STAGE_CALLS = 2_000
const KIBIBYTE = 1024

interface ReferenceCall {
  readonly input: object
  readonly output: object
}

const call = JSON.parse(
  readFileSync(join(import.meta.dirname, 'reference-call.json'), 'utf8'),
) as ReferenceCall

/** Takes spans and forgets them: both sides pay for the span and the queue, neither for a network. */
const nowhere: SpanExporter = {
  export: (_spans: ReadableSpan[], done) => done({ code: 0 }),
  shutdown: async () => {},
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

async function benchCall(folder: string): Promise<void> {
  const journal = join(folder, 'journal')
  const audit = createAudit({ service: { name: 'bench' }, journal, durability: DURABILITY })
  const ours = new NodeTracerProvider({
    spanProcessors: [audit.processor, new BatchSpanProcessor(nowhere)],
  })
  ours.register()
  const bare = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(nowhere)] })
  const bareTracer = bare.getTracer('bench')
  const work = async (_input: object): Promise<object> => call.output
  const tool = audit.tool({ name: 'refund_order', version: '2.1.0' }, work)
  const bareCall = async (input: object): Promise<object> => {
    const attributes = { 'gen_ai.tool.name': 'refund_order', input: JSON.stringify(input) }
    const span = bareTracer.startSpan('execute_tool refund_order', {
      kind: SpanKind.INTERNAL,
      attributes,
    })
    const output = await work(input)
    span.setAttribute('output', JSON.stringify(output))
    span.end()
    return output
  }
  const nothing = async (input: object): Promise<object> => work(input)
  const kinds = { 'no tracing': nothing, 'bare OTel span': bareCall, 'audited call': tool }
  const times = new Map(Object.keys(kinds).map((name) => [name, [] as number[]]))
  await audit.task({ name: 'bench', user: 'u-1' }, async () => {
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, run] of Object.entries(kinds)) {
        const start = process.hrtime.bigint()
        for (let i = 0; i < CALLS; i++) await run(call.input)
        const micros = Number(process.hrtime.bigint() - start) / 1_000 / CALLS
        if (round > 2) times.get(name)?.push(micros) // the first rounds warm up
        await Promise.all([ours.forceFlush(), bare.forceFlush()])
      }
    }
  })
  const { records } = await audited(journal, () => audit.shutdown())
  const base = median(times.get('bare OTel span') ?? [])
  const rows = [...times].map(([what, micros]) => ({
    what,
    'µs a call, median': median(micros).toFixed(1),
    'against bare OTel': (median(micros) / base).toFixed(2),
  }))
  const size = (value: unknown): string => `${Buffer.byteLength(JSON.stringify(value))} B`
  console.log(
    `\nOne awaited call, input ${size(call.input)}, output ${size(call.output)}; ${records}`,
  )
  console.table(rows)
}

/** Sizes of the two records of a call, as text. */
async function audited(
  journal: string,
  close: () => Promise<unknown>,
): Promise<{ records: string }> {
  await close()
  const { readJournal } = await import('@spanseal/journal')
  const sizes = new Map<string, number>()
  for await (const epoch of readJournal(journal)) {
    for await (const segment of epoch.segments()) {
      let text = ''
      for await (const chunk of segment.chunks())
        text = `${text.slice(-4 * KIBIBYTE)}${Buffer.from(chunk).toString()}`
      for (const line of text.split('\n')) {
        const type = /"type":"(tool\.\w+)","v":1}$/.exec(line)?.[1]
        if (type !== undefined) sizes.set(type, Buffer.byteLength(line))
      }
    }
  }
  return { records: [...sizes].map(([type, bytes]) => `${type} ${bytes} B`).join(', ') }
}

function benchStages(folder: string): void {
  const keyring = openKeyring({ log: 'localhost/bench', journal: join(folder, 'stages') })
  const keys = keyring.commitKeys()
  const digest = digestValue(call.input)
  const place = {
    epoch: '01a1fd9a-df82-7c35-98ad-e45f5260b2cf',
    seq: 1234,
    pointer: '/invocation/input',
  }
  const redactor = createRedactor({})
  const text = JSON.stringify(call.input)
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(nowhere)] })
  const tracer = provider.getTracer('bench')
  const stages: Record<string, () => unknown> = {
    'JSON.stringify + SHA-256 (reference)': () => hash('sha256', JSON.stringify(call.input), 'hex'),
    'encoding + digest': () => digestValue(call.input),
    'commitment (salt, blinded digest, eq)': () => commit(digest, place, keys),
    'flags and shape': () => observeValue(call.input, digest.bytes),
    'redaction of 2 KB of text': () => redactor.text(text),
    'span with 12 attributes': () => {
      const span = tracer.startSpan('execute_tool refund_order')
      for (let i = 0; i < 12; i++) span.setAttribute(`a${i}`, 'value')
      span.end()
    },
  }
  const times = new Map(Object.keys(stages).map((name) => [name, [] as number[]]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(stages)) {
      const start = process.hrtime.bigint()
      for (let i = 0; i < STAGE_CALLS; i++) run()
      const micros = Number(process.hrtime.bigint() - start) / 1_000 / STAGE_CALLS
      if (round > 2) times.get(name)?.push(micros)
    }
  }
  const base = median(times.get('JSON.stringify + SHA-256 (reference)') ?? [])
  console.log(
    `\nStages on the same 2 KB value; ${ROUNDS} rounds of ${STAGE_CALLS}. Line, hash and append: npm run bench -- journal`,
  )
  console.table(
    [...times].map(([stage, micros]) => ({
      stage,
      'µs, median': median(micros).toFixed(2),
      'against the reference': (median(micros) / base).toFixed(2),
    })),
  )
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'))
try {
  await benchCall(folder)
  benchStages(folder)
} finally {
  rmSync(folder, { recursive: true })
}
