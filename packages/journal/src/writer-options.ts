// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { BudgetLimits, BudgetOptions } from './budget.ts'
import { budgetLimits } from './budget.ts'
import type { Clock, EpochProfile, JournalKeys } from './create-epoch.ts'
import type { JournalFs } from './journal-fs.ts'
import { nodeFs } from './journal-fs.ts'

/**
 * When records reach the disk itself; all but a machine's crash they survive from the moment that
 * `append` returns.
 *
 * - `none`: when the system likes; checkpoints are then signed over unsynced records
 * - `interval`: within `syncIntervalMillis`
 * - `group`: as `interval`, and whoever awaits `synced()` shares one sync with the others
 * - `every`: before `append` returns
 */
export type Durability = 'none' | 'interval' | 'group' | 'every'

export interface WriterOptions {
  /** The journal's folder; made where it is missing. */
  readonly journal: string
  /** The log's name. */
  readonly log: string
  /** The keyring: certifies epoch keys and keeps heads. */
  readonly keys: JournalKeys
  readonly service: EpochProfile['service']
  readonly deployment: EpochProfile['deployment']
  /** What `epoch.open` says of the audit itself. */
  readonly audit: Omit<EpochProfile['audit'], 'durability'>
  /** Default `interval`. */
  readonly durability?: Durability
  /** Under `interval` and `group`; default 500. */
  readonly syncIntervalMillis?: number
  /** Folders that the agent's tools may write to: the journal is refused in and around them. */
  readonly refuseInside?: readonly string[]
  /** Bytes of a segment file; default 64 MiB. */
  readonly segmentBytesMax?: number
  /** A new epoch, and key, after this many records; default 1,000,000. */
  readonly epochRecordsMax?: number
  /** A new epoch after this many bytes; default 1 GiB. */
  readonly epochBytesMax?: number
  /** A new epoch after this time; default 24 h. */
  readonly epochMillisMax?: number
  /** A checkpoint after this many records; default 1,000. */
  readonly checkpointRecords?: number
  /** A checkpoint after this time, if there are new records; default 10,000. */
  readonly checkpointMillis?: number
  /** How often the writer says that it lives, and how it is; default 5,000. */
  readonly beatMillis?: number
  /** After a failure, how long until writing is tried again; default 1,000. */
  readonly retryMillis?: number
  /** What the journal may take of the disk. */
  readonly budget?: BudgetOptions
  /**
   * Under `budget.policy` `make-room`: removes what was delivered, at least `bytesWanted` where
   * there is so much, and returns how many bytes became free. Synchronous.
   */
  readonly makeRoom?: (bytesWanted: number) => number
  /**
   * What the process has to say of itself: it stands in `writer.json` under `vitals`, renewed at
   * each beat, for those who look at the folder from outside. At most 16 KiB of JSON, else it is
   * left out and `vitals_too_large` says so.
   */
  readonly vitals?: () => Readonly<Record<string, unknown>>
  /** Told of what goes wrong outside a call: a failed sync, a head that could not be kept. */
  readonly onProblem?: (error: AuditError) => void
  /** Default: the system's. */
  readonly clock?: Clock
  /** Default: `node:fs`. */
  readonly fs?: JournalFs
}

/** Options with their defaults, checked. */
export interface WriterSettings
  extends Required<Omit<WriterOptions, 'audit' | 'budget' | 'makeRoom' | 'vitals'>> {
  readonly profile: EpochProfile
  readonly budget: BudgetLimits
  readonly makeRoom: WriterOptions['makeRoom']
  readonly vitals: WriterOptions['vitals']
}

const MEBIBYTE = 1024 * 1024

const systemClock: Clock = {
  wallMillis: () => Date.now(),
  monoNanos: () => process.hrtime.bigint(),
}

const DURABILITIES: readonly unknown[] = ['none', 'interval', 'group', 'every']

/** @throws AuditError `INVALID_OPTION` naming the option, its value and what would do */
export function writerSettings(options: WriterOptions): WriterSettings {
  const durability = options.durability ?? 'interval'
  if (!DURABILITIES.includes(durability)) {
    throw invalid('durability', durability, 'none, interval, group or every')
  }
  const count = (name: CountOption, fallback: number): number => {
    const value = options[name] ?? fallback
    if (Number.isSafeInteger(value) && value > 0) return value
    throw invalid(name, value, 'a whole number above 0')
  }
  return {
    journal: options.journal,
    log: options.log,
    keys: options.keys,
    service: options.service,
    deployment: options.deployment,
    profile: {
      service: options.service,
      deployment: options.deployment,
      audit: { ...options.audit, durability },
    },
    refuseInside: options.refuseInside ?? [],
    durability,
    syncIntervalMillis: count('syncIntervalMillis', 500),
    segmentBytesMax: count('segmentBytesMax', 64 * MEBIBYTE),
    epochRecordsMax: count('epochRecordsMax', 1_000_000),
    epochBytesMax: count('epochBytesMax', 1024 * MEBIBYTE),
    epochMillisMax: count('epochMillisMax', 86_400_000),
    checkpointRecords: count('checkpointRecords', 1_000),
    checkpointMillis: count('checkpointMillis', 10_000),
    beatMillis: count('beatMillis', 5_000),
    retryMillis: count('retryMillis', 1_000),
    budget: budgetLimits(options),
    makeRoom: options.makeRoom,
    vitals: options.vitals,
    onProblem: neverThrowing(options.onProblem),
    clock: options.clock ?? systemClock,
    fs: options.fs ?? nodeFs,
  }
}

// It is told from timers too, where what it throws would end the process.
function neverThrowing(onProblem: WriterOptions['onProblem']): (error: AuditError) => void {
  return (error) => {
    try {
      onProblem?.(error)
    } catch {
      // Whoever listens badly hears no more of it.
    }
  }
}

type CountOption = {
  [K in keyof WriterOptions]-?: WriterOptions[K] extends number | undefined ? K : never
}[keyof WriterOptions]

function invalid(option: string, value: unknown, expected: string): AuditError {
  return new AuditError(
    'INVALID_OPTION',
    `${option}: ${String(value)} given, expected ${expected}`,
    {
      details: { option },
    },
  )
}
