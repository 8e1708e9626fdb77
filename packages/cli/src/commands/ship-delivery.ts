// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RecordSink } from '@spanseal/core'
import { AuditError, printable, pump } from '@spanseal/core'
import type { JournalSource } from '@spanseal/journal'
import type { Failure } from '../failure.ts'
import { failureOf } from '../failure.ts'
import type { Terminal } from '../terminal.ts'

/** A topic may take a moment to be known everywhere after it was made. */
const TOPIC_MISSING_ATTEMPTS = 3
const SECOND_MILLIS = 1_000
const CLOSE_MILLIS = 10_000

/** How it went; grows while it goes. */
export interface Shipment {
  records: number
  checkpoints: number
  retries: number
  /** Records that Kafka would not take as records, put aside with the reason. */
  deadLetters: number
  /** Set once it has ended. */
  undelivered: number
  failure?: Failure
}

export interface DeliveryOptions {
  /** Go on with records as they are written. */
  readonly watch: boolean
  /** Without `watch`: end when nothing was acknowledged for so long. */
  readonly giveUpAfterSeconds: number
  readonly signal: AbortSignal
  readonly terminal: Terminal
}

export function newShipment(): Shipment {
  return { records: 0, checkpoints: 0, retries: 0, deadLetters: 0, undelivered: 0 }
}

/** Delivers until nothing is left or the signal comes; never rejects for what Kafka does. */
export async function deliver(
  shipment: Shipment,
  { source, sink }: { readonly source: JournalSource; readonly sink: RecordSink },
  { giveUpAfterSeconds, signal, terminal, watch }: DeliveryOptions,
): Promise<void> {
  const giveUp = new AbortController()
  const total = source.pendingRecords()
  const begin = performance.now()
  let acknowledgedAt = begin
  try {
    await pump(source, sink, {
      signal: AbortSignal.any([signal, giveUp.signal]),
      untilDrained: !watch,
      onDelivered(records, checkpoints) {
        shipment.records += records
        shipment.checkpoints += checkpoints
        acknowledgedAt = performance.now()
        delete shipment.failure
        terminal.status(() => progressLine(shipment, { total, begin }))
      },
      onRetry(error, attempt) {
        const failure = failureOf(error)
        shipment.retries++
        if (shipment.failure?.message !== failure.message) {
          terminal.note(`spanseal: ${failure.code}: ${printable(failure.message)}; trying again`)
        }
        shipment.failure = failure
        const silentMillis = performance.now() - acknowledgedAt
        if (hopeless(error, attempt)) giveUp.abort()
        if (!watch && silentMillis > giveUpAfterSeconds * SECOND_MILLIS) giveUp.abort()
      },
    })
  } catch (error) {
    shipment.failure = failureOf(error)
  } finally {
    await sink.close(CLOSE_MILLIS)
  }
  shipment.undelivered = source.pendingRecords()
}

/** What no waiting can mend: a person has to make the topic. */
function hopeless(error: unknown, attempt: number): boolean {
  const isMissing = error instanceof AuditError && error.code === 'TOPIC_MISSING'
  return isMissing && attempt >= TOPIC_MISSING_ATTEMPTS
}

function progressLine(
  { records }: Shipment,
  { total, begin }: { readonly total: number; readonly begin: number },
): string {
  const seconds = Math.max(0.001, (performance.now() - begin) / SECOND_MILLIS)
  const share = total >= records && total > 0 ? ` (${Math.floor((records / total) * 100)} %)` : ''
  return `delivered ${records.toLocaleString('en-US')} records${share}, ${Math.round(records / seconds).toLocaleString('en-US')}/s`
}
