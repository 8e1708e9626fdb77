// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditParts } from './audit-parts.ts'
import type { ExporterHealth } from './otlp-leg.ts'
import type { ProviderState } from './provider.ts'
import { samplerSeen } from './sampler.ts'
import type { SinkHealth } from './shipping.ts'
import type { VaultHealth } from './vault-intake.ts'

/** The state of an audit; every number counts from its opening. */
export interface AuditHealth {
  /** Nothing was lost, refused or failed so far. */
  readonly ok: boolean
  readonly journal: {
    readonly folder: string
    /** Absent while writing fails, and after `shutdown()`. */
    readonly epoch?: string
    readonly recordsWritten: number
    /** Records that could not be written, and syncs that failed. */
    readonly recordsFailed: number
    /** Epochs given up after a failed write or sync. */
    readonly failedEpochs: number
    /** Why writing fails at present. */
    readonly failure?: string
  }
  readonly calls: { readonly open: number; readonly denied: number }
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

/** What `shutdown()` could not finish. */
export interface ShutdownReport {
  /** Calls that had not settled; `epoch.close` lists them. */
  readonly openCalls: number
  /** Records per sink that were not acknowledged; the next `register()` or `spanseal ship` delivers them. */
  readonly undelivered: Readonly<Record<string, number>>
  /** Values that did not reach the vault; absent where there are none. */
  readonly unkept?: number
}

/** Gathers the state of an audit. Never throws. */
export function auditHealth(
  { runtime, shippings, exporter }: AuditParts,
  { description }: ProviderState,
): AuditHealth {
  const { counters, options, recorder, writer } = runtime
  const { recordsWritten, recordsFailed, internalErrors } = counters
  const { epoch, failedEpochs, failure } = writer.health()
  const sinks = shippings.map((shipping) => shipping.health)
  const vault = runtime.vault?.health
  const isKept = vault === undefined || (vault.dropped + vault.tooLarge === 0 && !vault.failure)
  const isLossless = recordsFailed + internalErrors + failedEpochs === 0 && isKept
  return {
    ok: isLossless && sinks.every(({ stopped, stuckEpochs }) => !stopped && stuckEpochs === 0),
    journal: {
      folder: options.journal,
      ...(epoch !== undefined && { epoch }),
      recordsWritten,
      recordsFailed,
      failedEpochs,
      ...(failure !== undefined && { failure: failure.message }),
    },
    calls: { open: recorder.open.size, denied: counters.callsDenied },
    spans: {
      provider: description,
      exported: counters.spansExported,
      endpoints: exporter.endpoints,
    },
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
