// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { FolderSize } from '@spanseal/journal'
import type { AuditParts } from './audit-parts.ts'
import type { BreakGlassHealth } from './break-glass.ts'
import type { ExporterHealth } from './otlp-leg.ts'
import { holesOf } from './otlp-leg.ts'
import type { Runtime } from './runtime.ts'
import { samplerSeen } from './sampler.ts'
import type { SinkHealth } from './shipping.ts'
import type { VaultHealth } from './vault-intake.ts'

/** The state of an audit; every number counts from its opening. */
export interface AuditHealth {
  /**
   * No evidence was lost, refused or put aside so far, and no call was. Holes in the view do not count:
   * the records are there.
   */
  readonly ok: boolean
  readonly journal: JournalHealth
  readonly calls: {
    /** Under way. */
    readonly open: number
    readonly denied: number
    /** Not made, because their intent could not be made durable. */
    readonly refused: number
    /** Made although their intent could not be made durable: fail mode `open`, break-glass. */
    readonly undurable: number
  }
  /** The break-glass period under way; absent while none is. */
  readonly breakglass?: BreakGlassHealth
  /** What people see of the calls in a trace viewer. */
  readonly view: {
    /** Spans that an endpoint lacks and will not get, added up over all endpoints. */
    readonly holes: number
  }
  readonly spans: {
    /** How spans come to be, in words. */
    readonly provider: string
    /** Spans that came to the exporter. */
    readonly exported: number
    readonly endpoints: readonly ExporterHealth[]
  }
  readonly foreign: {
    readonly recorded: number
    readonly ignored: number
    /** Whether an `agentSampler` keeps unsampled agent spans visible. */
    readonly sampler: boolean
  }
  readonly sinks: readonly SinkHealth[]
  /** Absent where no vault is kept. */
  readonly vault?: VaultHealth
  /** Faults of hooks or of our own code that were kept from the agent. */
  readonly internalErrors: number
}

export interface JournalHealth {
  readonly folder: string
  /** Absent while writing fails, and after `shutdown()`. */
  readonly epoch?: string
  /** Records written by this audit, the log's own (`epoch.open`, `gap` and so on) included. */
  readonly produced: number
  /** Of those: known to be on disk. */
  readonly durable: number
  /** Records of calls and tasks that were written. */
  readonly recordsWritten: number
  /** Records that could not be written, and syncs that failed. */
  readonly recordsFailed: number
  /** Epochs given up after a failed write or sync. */
  readonly failedEpochs: number
  /** Why writing fails at present. */
  readonly failure?: string
  /** Bytes of the epoch that takes the next record. */
  readonly bytes: number
  /** Bytes in the files of all epochs of the folder, those of other writers too: what the budget counts. */
  readonly spoolBytes: number
  /** The budget is used up: nothing more is written. */
  readonly full: boolean
  /** What could not be written and is in no `gap` record yet; absent where nothing is. */
  readonly gap?: { readonly records: number; readonly refused: number; readonly since: string }
  /** What the `gap` records say that were written, in sum, and how many they are. */
  readonly gaps: { readonly records: number; readonly refused: number; readonly count: number }
}

/** What `shutdown()` could not finish. */
export interface ShutdownReport {
  /** Calls that had not settled; `epoch.close` lists them. */
  readonly openCalls: number
  /** Records per sink that were not acknowledged; the next `register()` or `spanseal ship` delivers them. */
  readonly undelivered: Readonly<Record<string, number>>
  /** Why the epoch could not be closed, or be read to its end for a sink; absent where all could be. */
  readonly failure?: string
  /** Values that did not reach the vault; absent where there are none. */
  readonly unkept?: number
}

/** What the state of an audit is gathered from. */
export type ObservedParts = Pick<AuditParts, 'runtime' | 'shippings' | 'exporter' | 'spool'>

/** Gathers the state of an audit. Never throws. */
export function auditHealth(
  { runtime, shippings, exporter, spool }: ObservedParts,
  provider: string,
): AuditHealth {
  const { counters, glass, recorder } = runtime
  const { internalErrors } = counters
  const journal = journalHealth(runtime, spool)
  const sinks = shippings.map((shipping) => shipping.health)
  const { endpoints } = exporter
  const vault = runtime.vault?.health
  const breakglass = glass.health
  return {
    ok:
      internalErrors + counters.callsRefused === 0 &&
      isWhole(journal) &&
      (vault === undefined || (vault.dropped + vault.tooLarge === 0 && !vault.failure)) &&
      sinks.every((sink) => !sink.stopped && sink.stuckEpochs + sink.deadLetters === 0),
    journal,
    calls: {
      open: recorder.open.size,
      denied: counters.callsDenied,
      refused: counters.callsRefused,
      undurable: counters.callsUndurable,
    },
    ...(breakglass !== undefined && { breakglass }),
    view: { holes: endpoints.reduce((sum, endpoint) => sum + holesOf(endpoint), 0) },
    spans: { provider, exported: counters.spansExported, endpoints },
    foreign: {
      recorded: counters.foreignRecorded,
      ignored: counters.foreignIgnored,
      sampler: samplerSeen(),
    },
    sinks,
    ...(vault !== undefined && { vault }),
    internalErrors,
  }
}

function journalHealth({ counters, options, writer }: Runtime, spool: FolderSize): JournalHealth {
  const { recordsWritten, recordsFailed } = counters
  const { epoch, records, unsynced, failedEpochs, failure, bytes, full, gap, gaps } =
    writer.health()
  return {
    folder: options.journal,
    ...(epoch !== undefined && { epoch }),
    produced: records,
    durable: records - unsynced,
    recordsWritten,
    recordsFailed,
    failedEpochs,
    ...(failure !== undefined && { failure: failure.message }),
    bytes,
    spoolBytes: spool.bytes(),
    full,
    ...(gap !== undefined && { gap }),
    gaps,
  }
}

function isWhole({ recordsFailed, failedEpochs, full, gap, gaps }: JournalHealth): boolean {
  return recordsFailed + failedEpochs + gaps.count === 0 && gap === undefined && !full
}
