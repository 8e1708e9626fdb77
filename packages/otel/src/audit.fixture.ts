// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import * as fs from 'node:fs'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { context, trace } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import type { AuditRecord, EventType, ToolEnd } from '@spanseal/core'
import { isCanonicalText, isEpochId, leafHash, NO_PREV, schemaViolation } from '@spanseal/core'
import type { JournalFs } from '@spanseal/journal'
import { onTestFinished } from 'vitest'
import type { Audit } from './audit.ts'
import { createAudit } from './audit.ts'
import type { AuditOptions } from './options.ts'
import { agentSampler } from './sampler.ts'

/** A folder that is removed when the test has ended. */
export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-otel-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The real file system, with some calls of the test's own. */
export function aFileSystem(own: Partial<JournalFs> = {}): JournalFs {
  return {
    openSync: fs.openSync,
    writeSync: fs.writeSync,
    fdatasync: fs.fdatasync,
    fdatasyncSync: fs.fdatasyncSync,
    fsyncSync: fs.fsyncSync,
    closeSync: fs.closeSync,
    mkdirSync: (path, mode) => fs.mkdirSync(path, { mode }),
    renameSync: fs.renameSync,
    ...own,
  }
}

export interface TestAudit {
  readonly audit: Audit
  readonly journal: string
  readonly exporter: InMemorySpanExporter
  /** Spans that have ended, as they were exported. */
  readonly spans: () => ReadableSpan[]
  readonly span: (name: string) => ReadableSpan
  readonly records: () => AuditRecord[]
  /** The records of these types, without the log's own. */
  readonly ofType: <T extends EventType>(type: T) => Extract<AuditRecord, { type: T }>[]
}

export interface TestAuditOptions extends Partial<AuditOptions> {
  /** Processors of others, behind ours. */
  readonly processors?: readonly SpanProcessor[]
  /** Before ours. */
  readonly first?: readonly SpanProcessor[]
}

/** An audit with a real journal, in a provider whose spans stay in memory. */
export function anAudit({
  processors = [],
  first = [],
  ...options
}: TestAuditOptions = {}): TestAudit {
  // The one before, where a test opens several: its audit keeps its tracer.
  trace.disable()
  context.disable()
  const journal = options.journal ?? join(aFolder(), 'audit')
  const audit = createAudit({
    service: { name: 'support-agent', version: '1.4.0' },
    ...options,
    journal,
  })
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({
    sampler: agentSampler({ shouldSample: () => ({ decision: 2 }), toString: () => 'on' }),
    spanProcessors: [...first, audit.processor, ...processors, new SimpleSpanProcessor(exporter)],
  })
  provider.register()
  onTestFinished(async () => {
    await audit.shutdown()
    await provider.shutdown().catch(() => {})
    trace.disable()
    context.disable()
  })
  return {
    audit,
    journal,
    exporter,
    spans: () => exporter.getFinishedSpans(),
    span(name) {
      const found = exporter.getFinishedSpans().filter((span) => span.name === name)
      if (found.length !== 1) throw new Error(`${found.length} spans are named ${name}`)
      return found[0] as ReadableSpan
    },
    records: () => readRecords(journal),
    ofType: <T extends EventType>(type: T) => ofType(readRecords(journal), type),
  }
}

export function ofType<T extends EventType>(
  records: readonly AuditRecord[],
  type: T,
): Extract<AuditRecord, { type: T }>[] {
  return records.filter((r): r is Extract<AuditRecord, { type: T }> => r.type === type)
}

/** Every record of a journal by epoch and place; throws where a line is not sound. */
export function readRecords(journal: string): AuditRecord[] {
  return readdirSync(journal)
    .filter(isEpochId)
    .sort()
    .flatMap((epoch) => readEpoch(join(journal, epoch)))
}

/** Every byte that was written to a journal, as latin1. */
export function journalBytes(journal: string): string {
  const files = readdirSync(journal, { recursive: true, withFileTypes: true }).filter((e) =>
    e.isFile(),
  )
  return files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('\n')
}

function readEpoch(folder: string): AuditRecord[] {
  const segments = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
  const lines = segments.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1),
  )
  let prev = NO_PREV
  return lines.map((line, seq) => {
    const record = JSON.parse(line) as AuditRecord
    const wrong = schemaViolation(record)
    if (wrong !== undefined) throw new Error(`record ${seq}: ${JSON.stringify(wrong)}\n${line}`)
    if (!isCanonicalText(line, record)) throw new Error(`record ${seq} is not canonical`)
    if (record.chain.seq !== seq || record.chain.prev !== prev)
      throw new Error(`record ${seq} does not link`)
    prev = leafHash(Buffer.from(line))
    return record
  })
}

/** The one end of a journal, whose call is named by `start`. */
export function endOf(records: readonly AuditRecord[], tool: string): ToolEnd {
  const ends = ofType(records, 'tool.end').filter((end) => end.tool.name === tool)
  if (ends.length !== 1) throw new Error(`${ends.length} ends of ${tool}`)
  return ends[0] as ToolEnd
}
