// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from 'node:util'
import type { Batch, NoteKey } from '@spanseal/core'
import { AuditError, parseVkey, printable } from '@spanseal/core'
import type { KafkaSource } from '@spanseal/kafka'
import { kafkaSource } from '@spanseal/kafka'
import { EpochWatch } from './epoch-watch.ts'
import type { Show } from './show.ts'
import { asJson, asText } from './show.ts'

const HELP = `Reads audit records from Kafka, verifies each epoch as it arrives, prints what it sees.

  node examples/consumer/src/main.ts --brokers localhost:9092 --from-beginning

  --brokers <list>    bootstrap addresses host:port, with commas; default localhost:9092
  --topic-prefix <p>  stands before audit.records.v1
  --from-beginning    begin with the oldest record; otherwise with what comes from now on
  --group <name>      share the work with other members, and go on where they stopped
  --once              end at what is there now; the status is 1 where something does not hold
  --key <vkey>        trust this public key (issuer, tenant or epoch); may be given several times
  --json              one JSON object a line
  --help
`

interface Arguments {
  readonly source: KafkaSource
  readonly once: boolean
  readonly show: Show
  readonly pinned: readonly NoteKey[]
}

function readArguments(): Arguments | undefined {
  const { values } = parseArgs({
    options: {
      brokers: { type: 'string', default: 'localhost:9092' },
      'topic-prefix': { type: 'string', default: '' },
      'from-beginning': { type: 'boolean', default: false },
      group: { type: 'string' },
      once: { type: 'boolean', default: false },
      key: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  return {
    once: values.once,
    show: values.json ? asJson : asText,
    pinned: values.key.map(parseVkey),
    source: kafkaSource({
      brokers: values.brokers.split(','),
      topicPrefix: values['topic-prefix'],
      from: values['from-beginning'] || values.group !== undefined ? 'beginning' : 'end',
      untilEnd: values.once,
      ...(values.group === undefined ? {} : { group: values.group }),
      onMalformed: ({ topic, partition, offset, reason }) =>
        fail(`${topic}/${partition} at ${offset}: not an audit message: ${reason}`),
      onFork: ({ epoch, seq }) => fail(`FORK: another record ${seq} of epoch ${epoch}`),
      onLog: ({ message, broker = '' }) => tell(`kafka ${broker}: ${message}`),
    }),
  }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const tell = (line: string): void => void process.stderr.write(`${printable(line)}\n`)

function fail(line: string): void {
  process.exitCode = 1
  tell(line)
}

/** All epochs that are arriving. */
class Consumer {
  readonly #epochs = new Map<string, EpochWatch>()
  /** Epochs that are complete; what still comes of them are duplicates. */
  readonly #complete = new Set<string>()
  readonly #show: Show
  readonly #pinned: readonly NoteKey[]

  constructor({ show, pinned }: Arguments) {
    this.#show = show
    this.#pinned = pinned
  }

  take({ records, checkpoints }: Batch): void {
    for (const record of records) {
      if (this.#complete.has(record.epoch)) continue
      const watch = this.#watch(record.log, record.epoch)
      const checked = watch.record(record)
      this.#say(this.#show.record(checked), checked.faults)
      this.#judge(record.epoch, watch, [])
    }
    for (const checkpoint of checkpoints) {
      if (this.#complete.has(checkpoint.epoch)) continue
      const { log, epoch } = checkpoint
      this.#judge(epoch, this.#watch(log, epoch), [checkpoint])
    }
  }

  /** Says of every epoch that is still arriving what is known. */
  end(): void {
    for (const watch of this.#epochs.values()) print(this.#show.summary(watch.summary))
  }

  #judge(epoch: string, watch: EpochWatch, arrived: Batch['checkpoints']): void {
    for (const checked of watch.checkpoints(arrived)) {
      this.#say(this.#show.checkpoint(epoch, checked), checked.faults)
    }
    if (!watch.complete) return
    print(this.#show.summary(watch.summary))
    this.#epochs.delete(epoch)
    this.#complete.add(epoch)
  }

  #watch(log: string, epoch: string): EpochWatch {
    const known = this.#epochs.get(epoch)
    if (known !== undefined) return known
    const watch = new EpochWatch(log, epoch, this.#pinned)
    this.#epochs.set(epoch, watch)
    return watch
  }

  #say(line: string, faults: readonly string[]): void {
    print(line)
    if (faults.length > 0) process.exitCode = 1
  }
}

async function main(): Promise<void> {
  const args = readArguments()
  if (args === undefined) return print(HELP)
  const { source, once } = args
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  // Ends a read that is still waiting.
  stop.signal.addEventListener('abort', () => void source.close())
  const consumer = new Consumer(args)
  try {
    while (!stop.signal.aborted && !source.ended) {
      const batch = await source.read({ recordCountMax: 500, bytesMax: 900_000 })
      if (batch === undefined) {
        if (once) break
        await source.wait(1_000, stop.signal)
        continue
      }
      consumer.take(batch)
      await source.commit(batch)
    }
    consumer.end()
  } finally {
    await source.close()
  }
}

main().catch((error: unknown) => {
  process.exitCode = 2
  tell(error instanceof AuditError ? `${error.code}: ${error.message}` : String(error))
})
