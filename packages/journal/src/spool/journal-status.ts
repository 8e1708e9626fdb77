// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import { sinksOf } from '../cursors.ts'
import { errnoOf } from '../journal-fs.ts'
import { listEpochs } from '../journal-layout.ts'
import { lookAt } from './look-at-epoch.ts'

/**
 * - `live`: its writer is at work
 * - `silent`: without a beat for too long, of another host or of a writer that cannot be told
 * - `closed`: ended in order
 * - `failed`: given up by its writer after a failed write
 * - `crashed`: its writer is gone without a word
 * - `unknown`: the folder, or something behind the last record that was found, cannot be read
 */
export type EpochState = 'live' | 'silent' | 'closed' | 'failed' | 'crashed' | 'unknown'

export interface EpochStatus {
  readonly epoch: string
  readonly state: EpochState
  /** The first 8 of the 32 hex digits that stand for the writer's host. */
  readonly host?: string
  readonly pid?: number
  /** Records appended. */
  readonly produced: number
  /** Of those: known to be on disk. */
  readonly durable: number
  /** Of those: acknowledged, by sink; 0 where a sink has not begun. */
  readonly acknowledged: Readonly<Record<string, number>>
  /**
   * Sinks that acknowledged more than lies here, with how much: a copy of an earlier time lies here,
   * or the end was lost. Nothing is delivered to them from here. Absent where there is none.
   */
  readonly ahead?: Readonly<Record<string, number>>
  /** All its segments, on disk. */
  readonly bytes: number
  /** Its compressed segments, on disk; part of `bytes`. */
  readonly compressedBytes: number
  /** Records behind `epoch.open` and below this were removed after delivery. */
  readonly deletedBefore?: number
  /** Unix milliseconds of the oldest record that some sink has not acknowledged. */
  readonly oldestUnacknowledgedAt?: number
  /** Unix milliseconds. */
  readonly lastBeat?: number
  /** What its process last said of itself; anything may stand there. */
  readonly vitals?: Readonly<Record<string, unknown>>
}

export interface JournalTotals {
  readonly epochs: number
  readonly produced: number
  readonly durable: number
  readonly acknowledged: Readonly<Record<string, number>>
  /** Records that a sink has not acknowledged yet, by sink. */
  readonly unacknowledged: Readonly<Record<string, number>>
  readonly bytes: number
  readonly compressedBytes: number
  readonly oldestUnacknowledgedAt?: number
}

/** Records that could not be written and of which no `gap` record tells yet. */
export interface EpochGap {
  readonly epoch: string
  readonly records: number
  /** Calls that were not made for it. */
  readonly refused: number
  /** `YYYY-MM-DDTHH:mm:ss.sssZ` of the first of them. */
  readonly since: string
  /** The process is gone: it tells of them no more. */
  readonly left: boolean
}

/** What a journal's folder says of itself. */
export interface JournalStatus {
  /** Unix milliseconds. */
  readonly at: number
  /** Those that began to deliver from the journal, by name. */
  readonly sinks: readonly string[]
  /** Oldest first. */
  readonly epochs: readonly EpochStatus[]
  readonly totals: JournalTotals
  /** Epochs whose writers are gone and of which some sink has not acknowledged everything. */
  readonly orphans: readonly string[]
  readonly gapsPending: readonly EpochGap[]
}

export interface JournalStatusOptions {
  /** Sinks to be counted although they never delivered anything. */
  readonly sinks?: readonly string[]
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
}

/**
 * How a journal stands, from its folder alone: reads names, sizes and the ends of files, hashes
 * nothing and writes nothing. Nothing in it is proven.
 *
 * @throws AuditError `JOURNAL_UNUSABLE` when the folder cannot be read, `NOT_FOUND` when there is none
 */
export function journalStatus(journal: string, options: JournalStatusOptions = {}): JournalStatus {
  const at = (options.now ?? Date.now)()
  const names = epochsOf(journal)
  const sinks = [...new Set([...sinksOf(journal), ...(options.sinks ?? [])])].sort()
  const looked = names.map((epoch) => lookAt({ journal, epoch, sinks, nowMillis: at }))
  const epochs = looked.map(({ status }) => status)
  return {
    at,
    sinks,
    epochs,
    totals: totalsOf(epochs, sinks),
    orphans: looked
      .filter(({ status, isAlone }) => isAlone && isBehind(status))
      .map(({ status }) => status.epoch),
    gapsPending: looked.flatMap(({ gap }) => (gap === undefined ? [] : [gap])),
  }
}

function epochsOf(journal: string): string[] {
  try {
    return listEpochs(journal)
  } catch (cause) {
    const code = errnoOf(cause)
    const details = { option: 'journal', file: journal }
    throw code === 'ENOENT'
      ? new AuditError('NOT_FOUND', `${journal}: there is nothing there`, { cause, details })
      : new AuditError('JOURNAL_UNUSABLE', `${journal} cannot be read (${code ?? 'unknown'})`, {
          cause,
          details,
        })
  }
}

function isBehind({ produced, acknowledged }: EpochStatus): boolean {
  return Object.values(acknowledged).some((count) => count < produced)
}

function totalsOf(epochs: readonly EpochStatus[], sinks: readonly string[]): JournalTotals {
  const sum = (count: (epoch: EpochStatus) => number): number =>
    epochs.reduce((total, epoch) => total + count(epoch), 0)
  const bySink = (count: (epoch: EpochStatus, sink: string) => number): Record<string, number> =>
    Object.fromEntries(sinks.map((sink) => [sink, sum((epoch) => count(epoch, sink))]))
  const oldest = Math.min(
    ...epochs.map(({ oldestUnacknowledgedAt }) => oldestUnacknowledgedAt ?? Infinity),
  )
  const totals = {
    epochs: epochs.length,
    produced: sum(({ produced }) => produced),
    durable: sum(({ durable }) => durable),
    acknowledged: bySink(({ acknowledged }, sink) => acknowledged[sink] ?? 0),
    unacknowledged: bySink(({ acknowledged, produced }, sink) =>
      Math.max(0, produced - (acknowledged[sink] ?? 0)),
    ),
    bytes: sum(({ bytes }) => bytes),
    compressedBytes: sum(({ compressedBytes }) => compressedBytes),
  }
  return oldest === Infinity ? totals : { ...totals, oldestUnacknowledgedAt: oldest }
}
