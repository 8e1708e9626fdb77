// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { leafHash } from '@spanseal/core'
import { expect } from 'vitest'
import type { OtlpSpan } from './otlp-receiver.ts'
import { attributesOf } from './otlp-receiver.ts'
import { runCommand } from './run-command.ts'

/** The spans of `audited-agent.ts`, each under its parent. */
export const AUDITED_TREE: readonly string[] = [
  'invoke_agent support',
  '  reasoning',
  '    execute_tool look_up_order',
  '    execute_tool refund_order',
  '  handoff',
  '    invoke_agent billing',
  '      execute_tool notify',
]

/** Number of spans in the trace of `audited-agent.ts`. */
export const AUDITED_SPANS: number = AUDITED_TREE.length

/** Runs the agent to its end, its spans going to the OTLP endpoint; returns its trace id. */
export async function runAuditedAgent(otlpHttp: string, journal: string): Promise<string> {
  const agent = join(import.meta.dirname, 'audited-agent.ts')
  const args = ['--conditions=spanseal-source', agent, otlpHttp, journal]
  const { stdout } = await runCommand(process.execPath, args)
  return (JSON.parse(stdout) as { traceId: string }).traceId
}

/** Works through the example agent's tasks, its spans going to the OTLP endpoint. */
export async function runExampleAgent(otlpHttp: string, out: string): Promise<void> {
  const example = join(import.meta.dirname, '../../examples/support-agent/src/main.ts')
  const args = ['--conditions=spanseal-source', example, '--otlp', otlpHttp, '--out', out]
  await runCommand(process.execPath, args)
}

/** Ids of all spans that a journal's records speak of. */
export function spanIdsOf(journal: string): Set<string> {
  const ids = new Set<string>()
  for (const line of linesOf(journal).values()) {
    const { trace } = JSON.parse(line.toString()) as { trace?: { span_id?: string } }
    if (trace?.span_id !== undefined) ids.add(trace.span_id)
  }
  return ids
}

/** The spans as an indented list, brothers in the order of their start. */
export function treeOf(spans: readonly OtlpSpan[]): string[] {
  const known = new Set(spans.map((span) => span.spanId))
  const byStart = spans.toSorted((a, b) =>
    Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)),
  )
  const below = (parent: string | undefined, indent: string): string[] =>
    byStart
      .filter(
        (span) => (known.has(span.parentSpanId ?? '') ? span.parentSpanId : undefined) === parent,
      )
      .flatMap((span) => [`${indent}${span.name}`, ...below(span.spanId, `${indent}  `)])
  return below(undefined, '')
}

/** Checks tree, names, attributes and pointers of the agent's trace against its journal. */
export function expectAuditedTrace(spans: readonly OtlpSpan[], journal: string): void {
  expect(treeOf(spans)).toEqual(AUDITED_TREE)
  expect(new Set(spans.map((span) => span.traceId)).size).toBe(1)

  const lookUp = attributesOf(named(spans, 'execute_tool look_up_order'))
  expect(lookUp).toMatchObject({
    'gen_ai.operation.name': { stringValue: 'execute_tool' },
    'gen_ai.tool.name': { stringValue: 'look_up_order' },
    'tool.name': { stringValue: 'look_up_order' },
    'tool.version': { stringValue: '1.0.0' },
    'tool.publisher': { stringValue: 'shop' },
    'tool.trust_level': { stringValue: 'verified' },
    'agent.id': { stringValue: 'support-1' },
    'invocation.status': { stringValue: 'success' },
  })
  for (const key of ['task.id', 'input.hash', 'output.hash']) {
    expect(lookUp[key]?.['stringValue']).toMatch(/^[\w:.-]{16,}$/)
  }
  expect(Object.keys(lookUp)).toContain('invocation.duration_ms')
  const failed = named(spans, 'execute_tool refund_order')
  expect(failed.status?.code).toBe(2)
  expect(attributesOf(failed)).toMatchObject({
    'data.classification': { stringValue: 'payment' },
    'invocation.status': { stringValue: 'error' },
    'error.type': { stringValue: 'RangeError' },
  })
  expect(attributesOf(named(spans, 'execute_tool notify'))['agent.id']).toEqual({
    stringValue: 'billing-1',
  })
  expectSpansOfJournal(spans, journal)
}

/**
 * Checks that the spans are those of the journal: each span that a record speaks of is there, and
 * what each span points to is in the journal.
 */
export function expectSpansOfJournal(spans: readonly OtlpSpan[], journal: string): void {
  const lines = linesOf(journal)
  expect(new Set(spans.map((span) => span.spanId))).toEqual(spanIdsOf(journal))
  for (const span of spans) expectPointer(span, lines)
}

/** The record that each of the span's pointers names has the hash that stands beside it. */
function expectPointer(span: OtlpSpan, lines: ReadonlyMap<string, Buffer>): void {
  const attributes = attributesOf(span)
  const text = (key: string): string | undefined => attributes[key]?.['stringValue'] as string
  const ends = ['start', 'end'].filter((end) => attributes[`spanseal.${end}.seq`] !== undefined)
  // A step of reasoning and a handover have one record, all others two.
  expect(ends).toEqual(/^(reasoning|handoff)$/.test(span.name) ? ['start'] : ['start', 'end'])
  for (const end of ends) {
    const epoch = text(`spanseal.${end}.epoch`) ?? text('spanseal.epoch')
    const place = `${epoch}/${attributes[`spanseal.${end}.seq`]?.['intValue'] as string}`
    const line = lines.get(place)
    if (!line) throw new Error(`${span.name}: the journal has no line ${place}`)
    expect(text(`spanseal.${end}.hash`)).toBe(leafHash(line))
    const trace = { trace_id: span.traceId, span_id: span.spanId }
    expect(JSON.parse(line.toString())).toMatchObject({ trace })
  }
}

function named(spans: readonly OtlpSpan[], name: string): OtlpSpan {
  const span = spans.find((candidate) => candidate.name === name)
  if (!span) throw new Error(`no span ${name}`)
  return span
}

/** All lines of a journal, without their line feeds, by `<epoch>/<seq>`. */
function linesOf(journal: string): Map<string, Buffer> {
  const files = readdirSync(journal, { recursive: true, encoding: 'utf8' })
  const lines = new Map<string, Buffer>()
  for (const file of files.filter((name) => name.endsWith('.jsonl'))) {
    for (const text of readFileSync(join(journal, file), 'latin1').split('\n')) {
      if (text === '') continue
      const line = Buffer.from(text, 'latin1')
      const { chain } = JSON.parse(line.toString()) as { chain: { epoch: string; seq: number } }
      lines.set(`${chain.epoch}/${chain.seq}`, line)
    }
  }
  return lines
}
