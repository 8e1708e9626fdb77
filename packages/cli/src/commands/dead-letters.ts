// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, printable } from '@spanseal/core'
import type { DeadLetter, DeadLetterOptions, Replay } from '@spanseal/kafka'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import type { KafkaFlags } from '../kafka-options.ts'
import { addKafkaOptions, kafkaConnection } from '../kafka-options.ts'
import { collect } from '../option-values.ts'
import type { Session } from '../session.ts'
import type { Stop } from '../stop-signal.ts'
import { stopSignal } from '../stop-signal.ts'
import type { Terminal } from '../terminal.ts'
import {
  deadLetterJson,
  deadLetterText,
  listEnd,
  outcomeText,
  placeOf,
  replayEnd,
  replayJson,
} from './dead-letters-text.ts'

interface ListFlags extends KafkaFlags {
  readonly all?: true
  readonly values?: true
  readonly json?: true
}

interface ReplayFlags extends KafkaFlags {
  readonly at?: readonly string[]
  readonly reason?: string
  readonly log?: readonly string[]
  readonly dryRun?: true
  readonly force?: true
  readonly json?: true
}

export function addDeadLetters(program: Command, session: Session): void {
  const letters = program
    .command('dead-letters')
    .summary('messages that were put aside: see them, put them back')
    .description(
      'Messages of the audit topics that are no records or checkpoints, or were too large for their ' +
        'topic, lie in audit.dead-letters.v1 with the reason and their original bytes.',
    )
  addList(letters, session)
  addReplay(letters, session)
}

function addList(letters: Command, session: Session): void {
  addKafkaOptions(letters.command('list'))
    .description('Lists what was put aside and not yet put back. Changes nothing.')
    .option('--all', 'also what has been put back')
    .option('--values', 'with --json: key and value, in base64')
    .option('--json', 'print one JSON object a line')
    .addHelpText(
      'after',
      `
Examples:
  spanseal dead-letters list --brokers kafka-1:9092
  spanseal dead-letters list --brokers kafka-1:9092 --json --values

Exit status: 0 there are none, 1 there are some, 2 Kafka could not be asked.`,
    )
    .action(async (flags: ListFlags) => {
      session.exitCode = await list(flags, session.terminal)
    })
}

function addReplay(letters: Command, session: Session): void {
  addKafkaOptions(letters.command('replay'))
    .description(
      'Puts messages back into the topic that they were put aside from, those that are by now what ' +
        'the topic holds: after an update of spanseal, or of the topic’s limit. The others stay.',
    )
    .option('--at <partition/offset>', 'only this dead letter; may be given again', collect)
    .option('--reason <text>', 'only those whose reason contains this')
    .option('--log <name>', 'a log that may be in the topics (default: any)', collect)
    .option('--dry-run', 'only say what would be done')
    .option('--force', 'put back what is still not what the topic holds; with --at')
    .option('--json', 'print the outcome as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal dead-letters replay --brokers kafka-1:9092 --dry-run
  spanseal dead-letters replay --brokers kafka-1:9092 --at 0/17

Needs the right to write to the audit topics. What is put back twice is the same
bytes, which a consumer takes for one.
Exit status: 0 all that were selected are back, 1 some had to stay, 2 Kafka
could not be asked.`,
    )
    .action(async (flags: ReplayFlags) => {
      session.exitCode = await replay(flags, session.terminal)
    })
}

function connectionOf(flags: KafkaFlags): DeadLetterOptions {
  return {
    ...kafkaConnection(flags, () => undefined),
    ...(flags.prefix === undefined ? {} : { topicPrefix: flags.prefix }),
  }
}

async function list(flags: ListFlags, terminal: Terminal): Promise<ExitCode> {
  if (flags.values === true && flags.json !== true) {
    throw new AuditError('INVALID_OPTION', '--values: only with --json, since they are any bytes', {
      details: { option: '--values' },
    })
  }
  const { readDeadLetters } = await import('@spanseal/kafka')
  const includeReplayed = flags.all === true
  const stop = stopSignal(terminal.closed)
  let waiting = 0
  let shown = 0
  try {
    for await (const letter of readDeadLetters({ ...connectionOf(flags), includeReplayed })) {
      if (stop.signal.aborted) break
      shown++
      if (!letter.replayed) waiting++
      if (flags.json === true) terminal.print(deadLetterJson(letter, flags.values === true))
      else terminal.print(deadLetterText(letter, terminal))
      terminal.status(() => `${shown.toLocaleString('en-US')} dead letters`)
    }
  } finally {
    stop.dispose()
  }
  terminal.clearStatus()
  if (flags.json !== true) terminal.print(listEnd({ waiting, shown }))
  return waiting === 0 ? EXIT.holds : EXIT.faults
}

async function replay(flags: ReplayFlags, terminal: Terminal): Promise<ExitCode> {
  const select = selectionOf(flags)
  const { replayDeadLetters } = await import('@spanseal/kafka')
  const stop: Stop = stopSignal(terminal.closed)
  let seen = 0
  try {
    const outcome: Replay = await replayDeadLetters(connectionOf(flags), {
      select,
      dryRun: flags.dryRun === true,
      force: flags.force === true,
      ...(flags.log === undefined ? {} : { logs: flags.log }),
      signal: stop.signal,
      onLetter(letter, what) {
        seen++
        terminal.status(() => `${seen.toLocaleString('en-US')} dead letters`)
        if (what.kind === 'refused') terminal.note(`spanseal: ${outcomeText(letter, what)}`)
      },
    })
    terminal.clearStatus()
    if (flags.json === true) terminal.print(replayJson(outcome, flags.dryRun === true))
    else terminal.print(replayEnd(outcome, flags.dryRun === true))
    const missing = (flags.at?.length ?? 0) > outcome.replayed + outcome.refused
    if (missing) terminal.note('spanseal: not all that --at names are there, or not any more')
    return outcome.refused === 0 && !missing && !stop.signal.aborted ? EXIT.holds : EXIT.faults
  } finally {
    stop.dispose()
  }
}

const PLACE = /^\d{1,9}\/\d{1,18}$/

function selectionOf({ at, force, reason }: ReplayFlags): (letter: DeadLetter) => boolean {
  for (const place of at ?? []) {
    if (PLACE.test(place)) continue
    const shown = printable(JSON.stringify(place))
    throw new AuditError(
      'INVALID_OPTION',
      `--at: ${shown} is not usable; give partition/offset, as \`spanseal dead-letters list\` shows it`,
      { details: { option: '--at' } },
    )
  }
  if (force === true && at === undefined) {
    throw new AuditError(
      'INVALID_OPTION',
      '--force: name with --at which dead letters may go back as they are',
      { details: { option: '--force' } },
    )
  }
  const places = at === undefined ? undefined : new Set(at)
  return (letter) =>
    places?.has(placeOf(letter)) !== false &&
    (reason === undefined || letter.reason.includes(reason))
}
