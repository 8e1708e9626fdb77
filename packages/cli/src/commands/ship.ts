// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RecordSink } from '@spanseal/core'
import { AuditError, formatMillis, printable, printableJson, pump } from '@spanseal/core'
import type { JournalSource } from '@spanseal/journal'
import { journalSource } from '@spanseal/journal'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import type { Failure } from '../failure.ts'
import { failureOf } from '../failure.ts'
import type { KafkaFlags } from '../kafka-options.ts'
import { addKafkaOptions, kafkaConnection } from '../kafka-options.ts'
import { existingFolder, wholeNumber } from '../option-values.ts'
import type { Session } from '../session.ts'
import { stopSignal } from '../stop-signal.ts'
import type { Terminal } from '../terminal.ts'

/** A topic may take a moment to be known everywhere after it was made. */
const TOPIC_MISSING_ATTEMPTS = 3
const CLOSE_MILLIS = 10_000
const SECOND_MILLIS = 1_000

interface ShipOptions extends KafkaFlags {
  readonly watch?: true
  readonly name: string
  readonly giveUpAfter: number
  readonly json?: true
}

/** How it went; grows while it goes. */
interface Shipment {
  records: number
  checkpoints: number
  /** Set once it has ended. */
  undelivered: number
  failure?: Failure
}

export function addShip(program: Command, session: Session): void {
  const command = program
    .command('ship')
    .summary('deliver a journal to Kafka')
    .description(
      'Delivers what a journal holds to Kafka, in order and without loss: from where the last ' +
        'delivery was acknowledged until nothing is left. What is sent twice is the same bytes.',
    )
    .argument('<folder>', 'the journal folder')
  addKafkaOptions(command)
    .option('--watch', 'go on with records as they are written, until SIGINT or SIGTERM')
    .option('--name <name>', 'names the place to go on from: one for each destination', 'kafka')
    .option(
      '--give-up-after <seconds>',
      'end when nothing was acknowledged for so long (not with --watch)',
      wholeNumber('--give-up-after', 1, 86_400),
      60,
    )
    .option('--json', 'print the outcome as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal ship ./audit --brokers kafka-1:9092,kafka-2:9092
  spanseal ship ./audit --brokers kafka:9093 --watch --ssl-ca ca.pem \\
    --sasl scram-sha-512 --sasl-username shipper --sasl-password-file ./secret

Make the topics first: spanseal topics create --brokers …
Exit status: 0 all delivered; 1 records are undelivered, and stay in the
journal; 2 could not run.`,
    )
    .action(async (folder: string, options: ShipOptions) => {
      session.exitCode = await ship(existingFolder(folder), options, session.terminal)
    })
}

async function ship(folder: string, options: ShipOptions, terminal: Terminal): Promise<ExitCode> {
  // Loaded here, so that commands that need no Kafka start without it.
  const { kafkaSink } = await import('@spanseal/kafka')
  const onLog = (): void => undefined
  const sink = kafkaSink({
    ...kafkaConnection(options, onLog),
    name: options.name,
    keepProcessAlive: true,
    ...(options.prefix === undefined ? {} : { topicPrefix: options.prefix }),
  })
  const begin = performance.now()
  let source: JournalSource | undefined
  try {
    source = journalSource(folder, { sinkName: sink.name })
    const shipment = await deliver(source, sink, { ...options, terminal })
    printShipment(shipment, { folder, millis: performance.now() - begin, options, terminal })
    for (const { epoch, file, byteOffset, reason } of source.stuck()) {
      const place = `${file}, byte ${byteOffset} (epoch ${epoch})`
      terminal.note(
        `spanseal: ${printable(`${place} cannot be read on: ${reason}; see spanseal verify`)}`,
      )
    }
    const whole = shipment.undelivered === 0 && source.stuck().length === 0
    return whole && shipment.failure === undefined ? EXIT.holds : EXIT.faults
  } finally {
    await sink.close(0)
    await source?.close()
  }
}

async function deliver(
  source: JournalSource,
  sink: RecordSink,
  { giveUpAfter, terminal, watch }: ShipOptions & { readonly terminal: Terminal },
): Promise<Shipment> {
  const shipment: Shipment = { records: 0, checkpoints: 0, undelivered: 0 }
  const stop = stopSignal(terminal.closed)
  const giveUp = new AbortController()
  const total = source.pendingRecords()
  const begin = performance.now()
  let acknowledgedAt = begin
  try {
    await pump(source, sink, {
      signal: AbortSignal.any([stop.signal, giveUp.signal]),
      untilDrained: watch !== true,
      onDelivered(records, checkpoints) {
        shipment.records += records
        shipment.checkpoints += checkpoints
        acknowledgedAt = performance.now()
        delete shipment.failure
        terminal.status(() => progressLine(shipment, { total, begin }))
      },
      onRetry(error, attempt) {
        const failure = failureOf(error)
        if (shipment.failure?.message !== failure.message) {
          terminal.note(`spanseal: ${failure.code}: ${printable(failure.message)}; trying again`)
        }
        shipment.failure = failure
        const silentMillis = performance.now() - acknowledgedAt
        if (hopeless(error, attempt)) giveUp.abort()
        if (watch !== true && silentMillis > giveUpAfter * SECOND_MILLIS) giveUp.abort()
      },
    })
  } catch (error) {
    shipment.failure = failureOf(error)
  } finally {
    await sink.close(CLOSE_MILLIS)
    stop.dispose()
  }
  shipment.undelivered = source.pendingRecords()
  return shipment
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

interface ShipmentFrame {
  readonly folder: string
  readonly millis: number
  readonly options: ShipOptions
  readonly terminal: Terminal
}

function printShipment(shipment: Shipment, frame: ShipmentFrame): void {
  const { folder, millis, options, terminal } = frame
  const { checkpoints, failure, records, undelivered } = shipment
  if (options.json === true) {
    const delivered = { records, checkpoints }
    const outcome = { delivered, undelivered, seconds: Math.round(millis) / SECOND_MILLIS, failure }
    terminal.print(`${printableJson(outcome, 2)}\n`)
    return
  }
  const counts = `${count(records, 'record')} and ${count(checkpoints, 'checkpoint')}`
  terminal.print(`Delivered ${counts} in ${formatMillis(millis)}.\n`)
  if (undelivered > 0) {
    const again = `they stay in the journal: spanseal ship ${printable(folder)} goes on from there`
    terminal.print(
      `${terminal.paint('yellow', `Undelivered: ${count(undelivered, 'record')}`)}; ${again}.\n`,
    )
  }
  if (failure !== undefined) {
    terminal.note(`spanseal: ${failure.code}: ${printable(failure.message)}`)
  }
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`
}
