// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, RecordSink } from '@spanseal/core'
import {
  AuditError,
  formatMillis,
  isLogName,
  plural,
  printable,
  printableJson,
  pump,
} from '@spanseal/core'
import { journalFolderSink } from '@spanseal/journal'
import type { KafkaSource } from '@spanseal/kafka'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import type { KafkaFlags } from '../kafka-options.ts'
import { addKafkaOptions, kafkaConnection } from '../kafka-options.ts'
import { collect } from '../option-values.ts'
import type { Session } from '../session.ts'
import { stopSignal } from '../stop-signal.ts'
import type { Terminal } from '../terminal.ts'

const SECOND_MILLIS = 1_000
const CLOSE_MILLIS = 10_000
/** A disk that refuses so often in a row is not going to take it. */
const ATTEMPTS_MAX = 3
/** Told one by one; the rest is only counted. */
const NOTES_MAX = 10
const LOGS_MAX = 10

interface RestoreFlags extends KafkaFlags {
  readonly log?: readonly string[]
  readonly json?: true
}

/** What a restoring did; grows while it goes. */
interface Restored {
  records: number
  checkpoints: number
  /** There already, byte for byte. */
  duplicates: number
  /** They contradict what is there, and were left out. */
  refused: number
  /** Messages that are no records or checkpoints. */
  malformed: number
  readonly epochs: Set<string>
  /** Names of the logs that were met, the first of them. */
  readonly logs: Set<string>
  /** Whether all that Kafka held at the start was read. */
  whole: boolean
}

export function addRestore(program: Command, session: Session): void {
  addKafkaOptions(program.command('restore'))
    .summary('make a journal out of what Kafka holds')
    .description(
      'Files the records and checkpoints that the topics hold now as a journal, byte for byte, so ' +
        'that it can be verified, read and exported. Changes nothing in Kafka. Into a folder of an ' +
        'earlier restore it adds what is missing there.',
    )
    .argument('<folder>', 'the journal folder to make; not one that an agent writes to')
    .option('--log <name>', 'only this log; may be given again (default: all)', collect)
    .option('--json', 'print the outcome as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal restore ./restored --brokers kafka-1:9092,kafka-2:9092
  spanseal verify ./restored              does what Kafka holds hold?
  spanseal restore ./support --brokers kafka:9092 --log example.com/support

Records that were too large for their topic lie among the dead letters:
spanseal dead-letters list.
Exit status: 0 restored; 1 something was left out (a fork, a message that is no
record), nothing of --log was there, or it was stopped before the end; 2 could
not run.`,
    )
    .action(async (folder: string, flags: RestoreFlags) => {
      session.exitCode = await restore(folder, flags, session.terminal)
    })
}

async function restore(folder: string, flags: RestoreFlags, terminal: Terminal): Promise<ExitCode> {
  const logs = logsOf(flags)
  // Loaded here, so that commands that need no Kafka start without it.
  const { kafkaSource } = await import('@spanseal/kafka')
  const begin = performance.now()
  const notes = newNotes(terminal)
  const source = kafkaSource({
    ...kafkaConnection(flags, () => undefined),
    ...(flags.prefix === undefined ? {} : { topicPrefix: flags.prefix }),
    untilEnd: true,
    onMalformed: ({ topic, partition, offset, reason }) =>
      notes.add(`${topic}/${partition} at ${offset} is no audit message: ${reason}`),
  })
  const sink = journalFolderSink(folder, { onRefused: (error) => notes.add(error.message) })
  // Held until all is said and closed: a signal that comes last must not take the outcome along.
  const stop = stopSignal(terminal.closed)
  try {
    const restored = await fill(source, sink, { logs, terminal, begin, signal: stop.signal })
    restored.duplicates = sink.counts.duplicates + source.counts.duplicates
    restored.refused = sink.counts.refused
    restored.malformed = source.counts.malformed
    notes.end()
    // A name with a typing error must not look like an empty log.
    const isElsewhere = logs !== undefined && restored.records === 0
    if (isElsewhere) terminal.note(`spanseal: ${nothingOf(logs, restored.logs)}`)
    print(restored, { folder, flags, terminal, millis: performance.now() - begin })
    const faultless = restored.refused === 0 && restored.malformed === 0
    return faultless && restored.whole && !isElsewhere ? EXIT.holds : EXIT.faults
  } finally {
    await source.close()
    await sink.close(CLOSE_MILLIS)
    stop.dispose()
  }
}

interface FillFrame {
  readonly logs: ReadonlySet<string> | undefined
  readonly terminal: Terminal
  readonly begin: number
  readonly signal: AbortSignal
}

async function fill(
  source: KafkaSource,
  sink: RecordSink,
  { logs, terminal, begin, signal }: FillFrame,
): Promise<Restored> {
  const restored: Restored = {
    records: 0,
    checkpoints: 0,
    duplicates: 0,
    refused: 0,
    malformed: 0,
    epochs: new Set(),
    logs: new Set(),
    whole: false,
  }
  // Ends a read that is waiting.
  signal.addEventListener('abort', () => void source.close(), { once: true })
  const deliver = async (batch: Batch): Promise<void> => {
    const chosen = chosenOf(batch, logs)
    for (const { log } of batch.records) if (restored.logs.size < LOGS_MAX) restored.logs.add(log)
    await sink.deliver(chosen)
    for (const { epoch } of [...chosen.records, ...chosen.checkpoints]) restored.epochs.add(epoch)
    restored.records += chosen.records.length
    restored.checkpoints += chosen.checkpoints.length
    terminal.status(() => progressLine(restored.records, begin))
  }
  let failure: unknown
  const giveUp = new AbortController()
  await pump(
    source,
    { name: sink.name, deliver, close: () => Promise.resolve() },
    {
      signal: AbortSignal.any([signal, giveUp.signal]),
      untilDrained: true,
      onRetry(error, attempt) {
        failure = error
        if (attempt >= ATTEMPTS_MAX) giveUp.abort()
      },
    },
  )
  if (giveUp.signal.aborted) throw failure
  restored.whole = !signal.aborted
  return restored
}

function nothingOf(asked: ReadonlySet<string>, there: ReadonlySet<string>): string {
  const held = there.size === 0 ? 'no record of any log' : `records of ${[...there].join(', ')}`
  return printable(`no record of ${[...asked].join(', ')} is there; the topics hold ${held}`)
}

function chosenOf(batch: Batch, logs: ReadonlySet<string> | undefined): Batch {
  if (logs === undefined) return batch
  return {
    records: batch.records.filter(({ log }) => logs.has(log)),
    checkpoints: batch.checkpoints.filter(({ log }) => logs.has(log)),
  }
}

function logsOf({ log }: RestoreFlags): ReadonlySet<string> | undefined {
  const wrong = log?.find((name) => !isLogName(name))
  if (wrong === undefined) return log === undefined ? undefined : new Set(log)
  const shown = JSON.stringify(wrong.slice(0, 80))
  throw new AuditError(
    'INVALID_OPTION',
    `--log: ${shown} is not usable; give a log name, such as example.com/support`,
    { details: { option: '--log' } },
  )
}

/** The first things that were left out, each on a line, and how many more there are. */
function newNotes({ note }: Terminal): { add(text: string): void; end(): void } {
  let count = 0
  return {
    add(text) {
      count++
      if (count <= NOTES_MAX) note(`spanseal: ${printable(text)}`)
    },
    end() {
      if (count > NOTES_MAX) note(`spanseal: and ${count - NOTES_MAX} more that were left out`)
    },
  }
}

function progressLine(records: number, begin: number): string {
  const seconds = Math.max(0.001, (performance.now() - begin) / SECOND_MILLIS)
  const rate = Math.round(records / seconds).toLocaleString('en-US')
  return `restored ${records.toLocaleString('en-US')} records, ${rate}/s`
}

interface PrintFrame {
  readonly folder: string
  readonly flags: RestoreFlags
  readonly terminal: Terminal
  readonly millis: number
}

function print(restored: Restored, { folder, flags, terminal, millis }: PrintFrame): void {
  const { epochs, logs: _, whole, ...counts } = restored
  terminal.clearStatus()
  if (flags.json === true) {
    const seconds = Math.round(millis) / SECOND_MILLIS
    const outcome = { ...counts, epochs: epochs.size, whole, seconds }
    return terminal.print(`${printableJson(outcome, 2)}\n`)
  }
  const of = `${plural(counts.records, 'record')} and ${plural(counts.checkpoints, 'checkpoint')}`
  const where = printable(folder)
  terminal.print(`Restored ${of} of ${plural(epochs.size, 'epoch')} in ${formatMillis(millis)}.\n`)
  if (counts.refused > 0) {
    const many = plural(counts.refused, 'record')
    terminal.print(`${many} left out: contradict what is at their place.\n`)
  }
  if (counts.malformed > 0) {
    terminal.print(`${plural(counts.malformed, 'message')} left out: no record or checkpoint.\n`)
  }
  if (!whole) {
    terminal.print(`${terminal.paint('yellow', 'Stopped before the end')}; run it again.\n`)
  }
  terminal.print(`Does it hold? spanseal verify ${where}\n`)
}
