// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** A program that delivers and never closes: `<brokers> <topic prefix> deliver|lost`. */

import { kafkaSink } from '@spanseal/kafka'
import { EpochMill } from './chained-records.ts'

const [brokers = '', topicPrefix = '', mode = ''] = process.argv.slice(2)
const sink = kafkaSink({ brokers: brokers.split(','), topicPrefix })
const mill = new EpochMill(1)

if (mode === 'deliver') {
  // The caller waits for the first delivery and for nothing else.
  const hold = setInterval(() => undefined, 1_000)
  await sink.deliver({ records: mill.records(10), checkpoints: [] })
  clearInterval(hold)
  process.stdout.write('delivered\n')
}
sink.deliver({ records: mill.records(10), checkpoints: [] }).catch(() => undefined)
process.on('exit', () => process.stdout.write('ended\n'))
