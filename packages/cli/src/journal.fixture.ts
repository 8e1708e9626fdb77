// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallStatus, RecordDraft, RecordSink } from '@spanseal/core'
import { block, commit, digestValue, pump } from '@spanseal/core'
import type { EpochWriter, WriterOptions } from '@spanseal/journal'
import { journalSource, openWriter } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import { openKeyring } from '@spanseal/keys'
import { onTestFinished } from 'vitest'

export const LOG = 'example.com/support'
export const TRACE = '0af7651916cd43dd8448eb211c80319c'

/** An empty folder that is removed when the test has finished. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A journal at work, in a folder of its own, its keyring beside it. */
export interface TestJournal {
  readonly folder: string
  readonly keyring: Keyring
  readonly writer: EpochWriter
  /** The key that verifiers pin. */
  readonly vkey: string
}

export function aJournal(options: Partial<WriterOptions> = {}): TestJournal {
  const folder = options.journal ?? join(emptyFolder(), 'audit')
  const keyring = openKeyring({ log: LOG, journal: folder })
  const writer = openWriter({
    log: LOG,
    keys: keyring,
    service: { name: 'support-agent', version: '1.4.0' },
    deployment: { environment: 'test' },
    audit: { redaction: 'test/1', sdk: 'test', fail_closed: [] },
    durability: 'none',
    ...options,
    journal: folder,
  })
  onTestFinished(() => writer.close())
  return { folder, keyring, writer, vkey: keyring.issuer.vkey }
}

/** Delivers everything that is there to a sink that takes it all, as one of that name. */
export async function deliverAll(folder: string, sinkName: string): Promise<void> {
  const sink: RecordSink = {
    name: sinkName,
    deliver: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  const source = journalSource(folder, { sinkName })
  await pump(source, sink, { signal: new AbortController().signal, untilDrained: true })
  await source.close()
}

const ACTOR = block({
  agent: { id: 'support-1', name: 'support' },
  user: { ref: 'p1:1c2d3e4f50617283' },
})
const CONTEXT = block({ data_classifications: [], environment: 'test', task_id: 'task-1' })
const NOT_REQUIRED = block({
  decision: 'not_required' as const,
  method: 'none' as const,
  permissions_denied: [],
  permissions_used: [],
})

/** What a call of the test is like. */
export interface CallSketch {
  readonly name?: string
  readonly trace?: string
  /** Numbers the span. */
  readonly span: number
  readonly parent?: number
  readonly status?: Exclude<CallStatus, 'started'>
}

function spanId(n: number): string {
  return n.toString(16).padStart(16, '0')
}

/** The journal's hand: starts, ends and notes, committed as the real recorder does it. */
export class TestAgent {
  readonly #journal: TestJournal
  readonly #actor: NonNullable<RecordDraft['actor']>

  /** @param spoken session and conversation as records have them */
  constructor(journal: TestJournal, spoken: { session?: string; conversation?: string } = {}) {
    this.#journal = journal
    this.#actor = block({ ...ACTOR.value, ...spoken })
  }

  startTool(call: CallSketch): string {
    return this.#append('tool.start', call, () => ({ status: 'started' }))
  }

  endTool(call: CallSketch, start: string): void {
    const { status = 'success' } = call
    const error = { fingerprint: '0011223344556677', message: 'order is gone', type: 'TypeError' }
    this.#append('tool.end', call, () => ({
      duration_ns: '412345678',
      ...(status === 'error' ? { error } : {}),
      start,
      status,
    }))
  }

  startTask(call: CallSketch): string {
    return this.#append('task.start', call, () => ({ status: 'started' }))
  }

  endTask(call: CallSketch, start: string): void {
    const { status = 'success' } = call
    this.#append('task.end', call, () => ({ duration_ns: '1250000000', start, status }))
  }

  /** A whole task with one tool call. */
  task(trace: string = TRACE, tool: string = 'refund_order'): void {
    const task = { name: 'refund', trace, span: 1 }
    const call = { name: tool, trace, span: 2, parent: 1 }
    const start = this.startTask(task)
    this.endTool(call, this.startTool(call))
    this.endTask(task, start)
  }

  #append(
    type: 'task.end' | 'task.start' | 'tool.end' | 'tool.start',
    call: CallSketch,
    rest: () => Omit<NonNullable<RecordDraft['invocation']>, 'input'>,
  ): string {
    const { keyring, writer } = this.#journal
    const { name = 'refund_order', parent, span, trace = TRACE } = call
    const isTool = type.startsWith('tool.')
    const invocation = rest()
    const { epoch, seq } = writer.append((at) => {
      const [startEpoch = at.epoch, startSeq = String(at.seq)] = invocation.start?.split('/') ?? []
      const place = { epoch: startEpoch, seq: Number(startSeq), pointer: '/invocation/input' }
      const input = commit(digestValue({ order: 'A-1' }), place, keyring.commitKeys())
      return {
        type,
        severity: 'info',
        actor: this.#actor,
        context: CONTEXT,
        ...(isTool ? { authorization: NOT_REQUIRED, tool: toolBlock(name) } : { detail: { name } }),
        invocation: { ...invocation, input },
        trace: {
          ...(parent === undefined ? {} : { parent_span_id: spanId(parent) }),
          span_id: spanId(span),
          trace_id: trace,
        },
      }
    })
    return `${epoch}/${seq}`
  }
}

function toolBlock(name: string): NonNullable<RecordDraft['tool']> {
  return block({
    name,
    publisher: 'shop.example',
    trust_level: 'verified',
    type: 'function',
    version: '2.1.0',
  })
}
