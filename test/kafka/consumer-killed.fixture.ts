// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * A consumer that ends itself by SIGKILL at its n-th step:
 * `<brokers> <topic prefix> <file> <step>`; 0: never. Prints `done` when it has read to the end.
 *
 * It appends `<epoch> <seq> <sha-256 of the line>` for each record to the file, and syncs it.
 */

import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { kafkaSource } from '@spanseal/kafka'

const [brokers = '', topicPrefix = '', file = '', lastStep = '0'] = process.argv.slice(2)
let step = 0

function reach(): void {
  if (++step === Number(lastStep)) process.kill(process.pid, 'SIGKILL')
}

const source = kafkaSource({
  brokers: brokers.split(','),
  topicPrefix,
  group: 'audit-killed',
  untilEnd: true,
  sessionTimeoutMillis: 1_000,
  attemptTimeoutMillis: 60_000,
  onLog: () => undefined,
})
const output = openSync(file, 'a')
for (;;) {
  reach()
  const batch = await source.read({ recordCountMax: 12, bytesMax: 1_000_000 })
  reach()
  if (batch === undefined) break
  for (const [i, { epoch, seq, line }] of batch.records.entries()) {
    writeSync(output, `${epoch} ${seq} ${createHash('sha256').update(line).digest('hex')}\n`)
    if (i === 5) reach()
  }
  reach()
  fsyncSync(output)
  reach()
  const committed = source.commit(batch)
  reach()
  await committed
  reach()
}
closeSync(output)
await source.close()
process.stdout.write('done\n')
