// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RecordSink } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import { journalSource } from '@spanseal/journal'
import type { KafkaClient } from '@spanseal/kafka'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import type { KafkaFlags } from '../kafka-options.ts'
import { addKafkaOptions, kafkaConnection } from '../kafka-options.ts'
import { duration, existingFolder, wholeNumber } from '../option-values.ts'
import type { Session } from '../session.ts'
import { stopSignal } from '../stop-signal.ts'
import type { Terminal } from '../terminal.ts'
import type { Shipment } from './ship-delivery.ts'
import { deliver, newShipment } from './ship-delivery.ts'
import type { MetricsAddress } from './ship-metrics.ts'
import { metricsAddress, serveMetrics } from './ship-metrics.ts'
import { printOutcome, printOutcomeJson } from './ship-text.ts'
import { takeTurn } from './ship-turn.ts'
import type { Upkeep, UpkeepOptions } from './ship-upkeep.ts'
import { keepTending, tendOnce } from './ship-upkeep.ts'

interface ShipOptions extends KafkaFlags, UpkeepOptions {
  readonly client: KafkaClient
  readonly watch?: true
  readonly name: string
  readonly giveUpAfter: number
  readonly metrics?: MetricsAddress
  readonly json?: true
}

export function addShip(program: Command, session: Session): void {
  const command = program
    .command('ship')
    .summary('deliver a journal to Kafka')
    .description(
      'Delivers what a journal holds to Kafka, in order and without loss: from where the last ' +
        'delivery was acknowledged until nothing is left, whoever wrote it. What is sent twice is ' +
        'the same bytes. Then keeps the journal small: segments that take no more records are ' +
        'compressed, and with --delete-after those that were delivered are removed.',
    )
    .argument('<folder>', 'the journal folder')
  addDelivery(addKafkaOptions(command))
    .option(
      '--delete-after <age>',
      'remove segments so long after their newest record, once every sink has them: 7d, 12h',
      duration('--delete-after'),
    )
    .option('--no-compress', 'leave segments as they were written')
    .option('--json', 'print the outcome as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal ship ./audit --brokers kafka-1:9092,kafka-2:9092
  spanseal ship ./audit --brokers kafka:9093 --watch --ssl-ca ca.pem \\
    --sasl scram-sha-512 --sasl-username shipper --sasl-password-file ./secret
  spanseal ship ./audit --watch --delete-after 7d --metrics 9464

Make the topics first: spanseal topics create --brokers …
How it stands: spanseal status <folder>
Exit status: 0 all delivered; 1 records are undelivered, and stay in the
journal; 2 could not run.`,
    )
    .action(async (folder: string, options: ShipOptions) => {
      session.exitCode = await ship(existingFolder(folder), options, session.terminal)
    })
}

function addDelivery(command: Command): Command {
  return command
    .addOption(
      new Option('--client <name>', 'the Kafka client; platformatic must be installed beside')
        .choices(['kafkajs', 'platformatic'])
        .default('kafkajs'),
    )
    .option(
      '--watch',
      'go on with records as they are written, until SIGINT or SIGTERM; stands by while another ' +
        'process ships',
    )
    .option(
      '--name <name>',
      'names the sink, and so the place to go on from: one for each cluster',
      'kafka',
    )
    .option(
      '--give-up-after <seconds>',
      'end when nothing was acknowledged for so long (not with --watch)',
      wholeNumber('--give-up-after', 1, 86_400),
      60,
    )
    .option(
      '--metrics <[host:]port>',
      'with --watch: answer Prometheus at /metrics; the host is 127.0.0.1 unless given',
      metricsAddress,
    )
}

async function ship(folder: string, options: ShipOptions, terminal: Terminal): Promise<ExitCode> {
  if (options.metrics !== undefined && options.watch !== true) {
    throw new AuditError('INVALID_OPTION', '--metrics is for --watch; give both, or neither', {
      details: { option: '--metrics' },
    })
  }
  // First, so that what cannot be used is refused whoever ships.
  const sink = await openSink(options)
  const stop = stopSignal(terminal.closed)
  const begin = performance.now()
  const watch = options.watch === true
  try {
    const { signal } = stop
    const turn = await takeTurn(folder, options.name, { signal, terminal, waits: watch })
    if (turn === undefined) return EXIT.holds
    try {
      const outcome = await shipInTurn({ folder, sink }, options, { signal, terminal })
      const told = { ...outcome, folder, millis: performance.now() - begin }
      if (options.json === true) printOutcomeJson(told, terminal)
      else printOutcome(told, terminal)
      const { shipment, stuck } = outcome
      const whole = shipment.undelivered === 0 && stuck.length === 0
      return whole && shipment.failure === undefined ? EXIT.holds : EXIT.faults
    } finally {
      turn.release()
    }
  } finally {
    await sink.close(0)
    stop.dispose()
  }
}

interface Shipped {
  readonly shipment: Shipment
  readonly upkeep: Upkeep
  readonly stuck: ReturnType<ReturnType<typeof journalSource>['stuck']>
}

async function shipInTurn(
  { folder, sink }: { readonly folder: string; readonly sink: RecordSink },
  options: ShipOptions,
  { signal, terminal }: { readonly signal: AbortSignal; readonly terminal: Terminal },
): Promise<Shipped> {
  const watch = options.watch === true
  const shipment = newShipment()
  const delivered = new AbortController()
  const source = journalSource(folder, { sinkName: sink.name })
  const metrics =
    watch && options.metrics !== undefined
      ? await serveMetrics(options.metrics, { folder, shipment, sink: sink.name })
      : undefined
  try {
    const giveUpAfterSeconds = options.giveUpAfter
    const tending = watch
      ? keepTending(folder, options, {
          signal: AbortSignal.any([signal, delivered.signal]),
          terminal,
        })
      : undefined
    await deliver(shipment, { source, sink }, { giveUpAfterSeconds, signal, terminal, watch })
    delivered.abort()
    shipment.deadLetters = sink.deadLetters ?? 0
    const upkeep = await (tending ?? tendOnce(folder, options, { signal, terminal }))
    return { shipment, upkeep, stuck: source.stuck() }
  } finally {
    delivered.abort()
    await metrics?.close()
    await source.close()
  }
}

async function openSink(options: ShipOptions): Promise<RecordSink> {
  // Loaded here, so that commands that need no Kafka start without it.
  const { kafkaSink } = await import('@spanseal/kafka')
  return kafkaSink({
    ...kafkaConnection(options, () => undefined),
    client: options.client,
    name: options.name,
    keepProcessAlive: true,
    ...(options.prefix === undefined ? {} : { topicPrefix: options.prefix }),
  })
}
