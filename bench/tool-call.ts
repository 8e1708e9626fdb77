// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { hash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SpanKind } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import type { CommitKeys, CommitPlace, RecordDraft } from '@spanseal/core'
import { block, commit, digestValue, EpochChain, recordLine } from '@spanseal/core'
import { openWriter } from '@spanseal/journal'
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

interface Stage {
  readonly name: string
  /** How often one call goes through it. */
  readonly times: number
  readonly run: () => unknown
}

/** A record of a call's end as it is before its line is written. */
function endDraft(keys: CommitKeys, place: CommitPlace): RecordDraft {
  const input = commit(digestValue(call.input), place, keys)
  const observed = { flags: [], input_bytes: 2048, input_shape: '0'.repeat(16), output_bytes: 2048 }
  const tool = { name: 'refund_order', publisher: 'unattributed', trust_level: 'unverified' }
  const none = { permissions_denied: [], permissions_used: [] }
  return {
    type: 'tool.end',
    severity: 'info',
    actor: block({ agent: { id: 'bench' }, user: { ref: 'p1:0123456789abcdef' } }),
    authorization: block({ decision: 'not_required', method: 'none', ...none }),
    context: block({ data_classifications: [], environment: 'unspecified', task_id: 'task-1' }),
    tool: block({ ...tool, type: 'function', version: '2.1.0' }),
    trace: { parent_span_id: 'a'.repeat(16), span_id: 'b'.repeat(16), trace_id: 'c'.repeat(32) },
    invocation: {
      duration_ns: '123456',
      input,
      observed,
      output: input,
      start: `${place.epoch}/${place.seq}`,
      status: 'success',
    },
  }
}

function stagesOf(folder: string): Stage[] {
  const log = 'localhost/bench'
  const keyring = openKeyring({ log, journal: join(folder, 'stages') })
  const keys = keyring.commitKeys()
  const digest = digestValue(call.input)
  const epoch = '01a1fd9a-df82-7c35-98ad-e45f5260b2cf'
  const place = { epoch, seq: 1234, pointer: '/invocation/input' }
  const draft = endDraft(keys, place)
  const chain = { log, epoch, seq: 1234, prev: 'd'.repeat(64) }
  const time = { at: '2026-11-21T09:30:00.000Z', mono_ns: '123456789012' }
  const line = recordLine(draft, chain, time)
  const frames = new EpochChain(log, epoch)
  const writer = openWriter({
    journal: join(folder, 'stages'),
    log,
    keys: keyring,
    durability: 'none',
    service: { name: 'bench' },
    deployment: { environment: 'bench' },
    audit: { fail_closed: [], redaction: 'bench', sdk: 'bench' },
  })
  const redactor = createRedactor({})
  const text = JSON.stringify(call.input)
  const batch = new BatchSpanProcessor(nowhere)
  const tracer = new NodeTracerProvider({ spanProcessors: [batch] }).getTracer('bench')
  const before = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`before.${i}`, 'value']))
  const after = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`after.${i}`, 'value']))
  return [
    { name: REFERENCE, times: 0, run: () => hash('sha256', JSON.stringify(call.input), 'hex') },
    { name: 'encoding + digest', times: 2, run: () => digestValue(call.input) },
    { name: 'commitment (salt, c, eq)', times: 2, run: () => commit(digest, place, keys) },
    { name: 'flags and shape', times: 1, run: () => observeValue(call.input, digest.bytes) },
    { name: 'redaction of the input as text', times: 0, run: () => redactor.text(text) },
    { name: 'line from blocks', times: 2, run: () => recordLine(draft, chain, time) },
    { name: 'bytes and leaf hash', times: 2, run: () => frames.frame(line) },
    { name: 'append, its line and hash included', times: 2, run: () => writer.append(() => draft) },
    {
      name: 'span of 21 attributes',
      times: 1,
      run: () => {
        const span = tracer.startSpan('execute_tool refund_order', { attributes: before })
        span.setAttributes(after)
        span.end()
      },
    },
  ]
}

const REFERENCE = 'JSON.stringify + SHA-256 (reference)'

function benchStages(folder: string): void {
  const stages = stagesOf(folder)
  const times = new Map(stages.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { name, run } of stages) {
      const start = process.hrtime.bigint()
      for (let i = 0; i < STAGE_CALLS; i++) run()
      const micros = Number(process.hrtime.bigint() - start) / 1_000 / STAGE_CALLS
      if (round > 2) times.get(name)?.push(micros)
    }
  }
  const base = median(times.get(REFERENCE) ?? [])
  console.log(`\nStages on the same value; ${ROUNDS} rounds of ${STAGE_CALLS}`)
  console.table(
    stages.map(({ name, times: count }) => {
      const micros = median(times.get(name) ?? [])
      return {
        stage: name,
        'µs, median': micros.toFixed(2),
        'against the reference': (micros / base).toFixed(2),
        'times a call': count,
        'µs a call': (micros * count).toFixed(1),
      }
    }),
  )
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'))
try {
  await benchCall(folder)
  benchStages(folder)
} finally {
  rmSync(folder, { recursive: true })
}
