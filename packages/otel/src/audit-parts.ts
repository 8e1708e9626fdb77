// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { ATTR_SPANSEAL_END_EPOCH, ATTR_SPANSEAL_END_SEQ, ATTR_SPANSEAL_EPOCH } from '@spanseal/core'
import type { EpochWriter, WriterOptions } from '@spanseal/journal'
import { FolderSize, journalSource, makeRoom, openWriter } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import { defaultVaultFolder, openKeyring, openVault } from '@spanseal/keys'
import { Committer } from './commitments.ts'
import { Counters } from './counters.ts'
import { ForeignSpans } from './foreign-spans.ts'
import { auditHealth } from './health.ts'
import { KnownTools } from './known-tools.ts'
import { AuditMetrics } from './metrics.ts'
import type { ResolvedOptions } from './options.ts'
import { otlpExporters } from './otlp-exporter.ts'
import { OutsideNames } from './outside-names.ts'
import { RecordWriter } from './record-writer.ts'
import { Recorder } from './recorder.ts'
import type { Redactor } from './redact/redact.ts'
import { createRedactor } from './redact/redact.ts'
import { classesWhere } from './risk-policies.ts'
import { Runtime, rootScope } from './runtime.ts'
import { Scopes } from './scope.ts'
import { Shipping } from './shipping.ts'
import { AuditSpanExporter } from './span-exporter.ts'
import { AuditSpanProcessor } from './span-processor.ts'
import { spanRedactor } from './span-redaction.ts'
import { VaultIntake } from './vault-intake.ts'
import { SDK_VERSION } from './version.ts'
import { auditVitals } from './vitals.ts'

/** What an audit is made of. */
export interface AuditParts {
  readonly runtime: Runtime
  readonly tools: KnownTools
  readonly exporter: AuditSpanExporter
  readonly shippings: readonly Shipping[]
  /** The folder's bytes. */
  readonly spool: FolderSize
  readonly metrics: AuditMetrics
}

interface Evidence {
  readonly options: ResolvedOptions
  readonly redactor: Redactor
  readonly counters: Counters
  readonly keyring: Keyring
  readonly vault: VaultIntake | undefined
  readonly writer: EpochWriter
}

/**
 * Opens keyring, journal and sinks.
 *
 * @throws AuditError as `register` says; nothing stays open then
 */
export function openParts(options: ResolvedOptions): AuditParts {
  const redactor = createRedactor(options.redaction ?? {})
  const counters = new Counters(redactor)
  const keyring = openKeyring({
    log: options.log,
    journal: options.journal,
    now: options.now,
    ...(options.toolFolders !== undefined && { refuseInside: options.toolFolders }),
    ...(options.keys !== undefined && { folder: options.keys }),
  })
  const vault = openIntake(options, keyring, counters)
  let parts: AuditParts | undefined
  const vitals = (): ReturnType<typeof auditVitals> => (parts && auditVitals(parts)) ?? {}
  const writer = openJournal({ options, redactor, counters, keyring, vitals })
  try {
    parts = wire({ options, redactor, counters, keyring, vault, writer })
    return parts
  } catch (error) {
    writer.close()
    throw error
  }
}

const DEFAULT_VALUE_BYTES_MAX = 16 * 1024 * 1024
const DEFAULT_QUEUE_BYTES_MAX = 64 * 1024 * 1024

function openIntake(
  { journal, now, toolFolders, vault }: ResolvedOptions,
  keyring: Keyring,
  counters: Counters,
): VaultIntake | undefined {
  if (vault === undefined || vault === false) return undefined
  const {
    folder = defaultVaultFolder(journal),
    master,
    valueBytesMax = DEFAULT_VALUE_BYTES_MAX,
    queueBytesMax = DEFAULT_QUEUE_BYTES_MAX,
    retryMillis = 1_000,
  } = vault === true ? {} : vault
  const opened = openVault({
    keyring,
    folder,
    journal,
    now,
    valueBytesMax,
    ...(toolFolders !== undefined && { refuseInside: toolFolders }),
    ...(master !== undefined && { master }),
  })
  return new VaultIntake(opened, { valueBytesMax, queueBytesMax, retryMillis, counters })
}

function openJournal({
  options,
  redactor,
  counters,
  keyring,
  vitals,
}: Omit<Evidence, 'vault' | 'writer'> & Pick<WriterOptions, 'vitals'>): EpochWriter {
  return openWriter({
    journal: options.journal,
    log: options.log,
    keys: keyring,
    durability: options.durability,
    refuseInside: options.toolFolders ?? [],
    service: options.service,
    deployment: { ...options.deployment, environment: options.environment },
    audit: auditProfile(options, redactor),
    clock: { wallMillis: options.now, monoNanos: options.monoNanos },
    ...budgetOf(options),
    ...(vitals !== undefined && { vitals }),
    onProblem: (error) => {
      counters.journalProblems++
      counters.warnOnce('journal', error.message)
    },
    ...(options.fs !== undefined && { fs: options.fs }),
  })
}

/** What `epoch.open` says of the audit itself. */
function auditProfile({ policies }: ResolvedOptions, { revision }: Redactor) {
  const remote = classesWhere(policies, ({ waitsForSink }) => waitsForSink)
  return {
    fail_closed: classesWhere(policies, ({ failMode }) => failMode === 'closed'),
    redaction: revision,
    ...(remote.length > 0 && { remote }),
    sdk: `@spanseal/otel ${SDK_VERSION}`,
  }
}

const SEGMENT_BYTES_MAX = 64 * 1024 * 1024
/** Room is made by whole segments, never of the one that is written to: so it takes several. */
const SEGMENTS_A_BUDGET = 16

/** Room is made of what every sink has acknowledged: those in this process, and those beside it. */
function budgetOf({ budget, sinks, journal, now }: ResolvedOptions) {
  if (budget === undefined) return {}
  const { sinks: beside = [], ...limits } = budget
  const names = [...sinks.map(({ name }) => name), ...beside]
  return {
    budget: limits,
    ...(limits.bytesMax !== undefined && {
      segmentBytesMax: Math.min(SEGMENT_BYTES_MAX, Math.ceil(limits.bytesMax / SEGMENTS_A_BUDGET)),
    }),
    makeRoom: (bytesWanted: number) => makeRoom(journal, { sinks: names, bytesWanted, now }),
  }
}

function wire({ options, redactor, counters, keyring, vault, writer }: Evidence): AuditParts {
  const { retention } = options
  const plain = options.commitments === 'sha256'
  const committer = new Committer(keyring, redactor, { plain, vault })
  const records = new RecordWriter(writer, counters, {
    vault,
    now: options.now,
    retention: retention && {
      policy: retention.policy,
      ...(retention.policyRev !== undefined && { policy_rev: retention.policyRev }),
    },
  })
  const clearErrors = options.errors === 'redacted'
  const recorder = new Recorder({ records, committer, redactor, counters, clearErrors })
  const scopes = new Scopes(rootScope(options))
  const names = new OutsideNames(redactor)
  const tools = new KnownTools(names)
  const foreign = new ForeignSpans({
    recorder,
    scopes,
    tools,
    names,
    options: options.foreign ?? {},
    counters,
  })
  const processor = new AuditSpanProcessor({ recorder, foreign, flush: () => runtime.synced() })
  const runtime: Runtime = new Runtime({
    options,
    writer,
    keyring,
    vault,
    processor,
    counters,
    committer,
    redactor,
    names,
    scopes,
    records,
  })
  const shippings = options.sinks.map((sink) => {
    const source = journalSource(writer.journal, { sinkName: sink.name, own: writer })
    return new Shipping({ source, sink, counters, now: options.now })
  })
  const remote = shippings.find(({ name }) => name === options.remoteSink)
  runtime.intents.acknowledged =
    remote && ((record) => remote.acknowledged(record, options.remoteTimeoutMillis))
  const exporter = new AuditSpanExporter({
    exporters: otlpExporters(options.endpoints),
    redact: spanRedactor(redactor, (span) => processor.wroteOn(span)),
    counters,
    durable: (spans) => recordsDurable(spans, options, writer),
    nudge: () => shippings.forEach((shipping) => shipping.nudge()),
    drain: () => drained(shippings, options.shutdownTimeoutMillis),
  })
  const spool = new FolderSize(writer.journal)
  const observed = { runtime, shippings, exporter, spool }
  const metrics = new AuditMetrics({
    provider: options.meterProvider,
    log: options.log,
    health: () => auditHealth(observed, ''),
    onFault: (error) => counters.fault('metrics', error),
  })
  return { ...observed, tools, metrics }
}

async function drained(shippings: readonly Shipping[], millis: number): Promise<void> {
  await Promise.all(shippings.map((shipping) => shipping.drained(millis)))
}

/** Resolves when the end records that spans point to are on disk; under `none` nobody promised it. */
async function recordsDurable(
  spans: readonly ReadableSpan[],
  { durability }: ResolvedOptions,
  writer: EpochWriter,
): Promise<void> {
  if (durability === 'none') return
  const last = new Map<string, number>()
  for (const { attributes } of spans) {
    const epoch = attributes[ATTR_SPANSEAL_END_EPOCH] ?? attributes[ATTR_SPANSEAL_EPOCH]
    const seq = attributes[ATTR_SPANSEAL_END_SEQ]
    if (typeof epoch !== 'string' || typeof seq !== 'number') continue
    last.set(epoch, Math.max(seq, last.get(epoch) ?? 0))
  }
  await Promise.all([...last].map(([epoch, seq]) => writer.synced({ epoch, seq })))
}
