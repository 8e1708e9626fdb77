// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatMillis, plural, printable, printableJson } from '@spanseal/core'
import type { StuckEpoch } from '@spanseal/journal'
import type { Terminal } from '../terminal.ts'
import type { Shipment } from './ship-delivery.ts'
import type { Upkeep } from './ship-upkeep.ts'

/** What a run of `ship` came to. */
export interface ShipOutcome {
  readonly folder: string
  readonly millis: number
  readonly shipment: Shipment
  readonly upkeep: Upkeep
  readonly stuck: readonly StuckEpoch[]
}

export function printOutcomeJson(outcome: ShipOutcome, terminal: Terminal): void {
  const { millis, shipment, stuck, upkeep } = outcome
  const { checkpoints, deadLetters, failure, records, retries, undelivered } = shipment
  const delivered = { records, checkpoints }
  const seconds = Math.round(millis) / 1_000
  const told = { delivered, undelivered, deadLetters, retries, upkeep, seconds, stuck, failure }
  terminal.print(`${printableJson(told, 2)}\n`)
}

export function printOutcome(outcome: ShipOutcome, terminal: Terminal): void {
  const { folder, millis, shipment, stuck, upkeep } = outcome
  const { checkpoints, deadLetters, failure, records, undelivered } = shipment
  const counts = `${plural(records, 'record')} and ${plural(checkpoints, 'checkpoint')}`
  terminal.print(`Delivered ${counts} in ${formatMillis(millis)}.\n`)
  if (upkeep.compressed + upkeep.deleted > 0) {
    const done = `${plural(upkeep.compressed, 'segment')} compressed, ${plural(upkeep.deleted, 'segment')} removed after delivery`
    terminal.print(`${done}: ${upkeep.freedBytes.toLocaleString('en-US')} bytes freed.\n`)
  }
  if (deadLetters > 0) {
    const what = `Put aside: ${plural(deadLetters, 'record')}`
    terminal.print(
      `${terminal.paint('yellow', what)}; look at them: spanseal dead-letters list --brokers …\n`,
    )
  }
  if (undelivered > 0) {
    const again = `they stay in the journal: spanseal ship ${printable(folder)} goes on from there`
    const what = `Undelivered: ${plural(undelivered, 'record')}`
    terminal.print(`${terminal.paint('yellow', what)}; ${again}.\n`)
  }
  if (failure !== undefined) {
    terminal.note(`spanseal: ${failure.code}: ${printable(failure.message)}`)
  }
  for (const { epoch, file, byteOffset, reason } of stuck) {
    const place = `${file}, byte ${byteOffset} (epoch ${epoch})`
    terminal.note(
      `spanseal: ${printable(`${place} cannot be read on: ${reason}; see spanseal verify`)}`,
    )
  }
}
