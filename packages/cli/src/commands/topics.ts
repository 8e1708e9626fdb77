// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { printable, printableJson } from '@spanseal/core'
import type { TopicOptions, TopicProblem } from '@spanseal/kafka'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import type { KafkaFlags } from '../kafka-options.ts'
import { addKafkaOptions, kafkaConnection } from '../kafka-options.ts'
import { wholeNumber } from '../option-values.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'

interface TopicFlags extends KafkaFlags {
  readonly partitions?: number
  readonly replication?: number
  readonly minInsync?: number
  readonly retentionMs?: number
  readonly json?: true
}

export function addTopics(program: Command, session: Session): void {
  const { terminal } = session
  const topics = program
    .command('topics')
    .summary('make or check the Kafka topics')
    .description('Makes the topics of an audit trail, or checks the ones that are there.')
  addSettings(topics.command('create'), 'make')
    .description(
      'Makes the topics that are missing: audit.records.v1, audit.checkpoints.v1 and ' +
        'audit.dead-letters.v1. Those that exist are checked, not silently used.',
    )
    .addHelpText(
      'after',
      `
Examples:
  spanseal topics create --brokers kafka-1:9092,kafka-2:9092,kafka-3:9092
  spanseal topics create --brokers localhost:9092 --replication 1 --partitions 3`,
    )
    .action(async (flags: TopicFlags) => {
      await create(flags, terminal)
    })
  addSettings(topics.command('check'), 'expect')
    .description('Says in what the topics differ from what an audit trail needs. Changes nothing.')
    .addHelpText(
      'after',
      `
Examples:
  spanseal topics check --brokers kafka-1:9092
  spanseal topics check --brokers kafka-1:9092 --prefix acme. --json

Exit status: 0 they may be used, 1 they may not, 2 Kafka could not be asked.`,
    )
    .action(async (flags: TopicFlags) => {
      session.exitCode = await check(flags, terminal)
    })
}

function addSettings(command: Command, verb: string): Command {
  const longMax = Number.MAX_SAFE_INTEGER
  return addKafkaOptions(command)
    .option(
      '--replication <count>',
      `copies of each record to ${verb} (default: 3, or as many as there are brokers)`,
      wholeNumber('--replication', 1, 15),
    )
    .option(
      '--min-insync <count>',
      'copies that must be there before a record is acknowledged (default: one less, at least 1)',
      wholeNumber('--min-insync', 1, 15),
    )
    .option(
      '--partitions <count>',
      'of the records and of the checkpoints; fixed for good (default: 12)',
      wholeNumber('--partitions', 1, 10_000),
    )
    .option(
      '--retention-ms <millis>',
      'how long Kafka keeps records (default: -1, for ever)',
      wholeNumber('--retention-ms', -1, longMax),
    )
    .option('--json', 'print one JSON document')
}

function topicOptions(flags: TopicFlags): TopicOptions {
  const { minInsync, partitions, prefix, replication, retentionMs } = flags
  return {
    ...kafkaConnection(flags, () => undefined),
    ...(prefix === undefined ? {} : { topicPrefix: prefix }),
    ...(partitions === undefined ? {} : { partitions }),
    ...(replication === undefined ? {} : { replicationFactor: replication }),
    ...(minInsync === undefined ? {} : { minInsyncReplicas: minInsync }),
    ...(retentionMs === undefined ? {} : { retentionMillis: retentionMs }),
  }
}

async function create(flags: TopicFlags, { paint, print }: Terminal): Promise<void> {
  const { createTopics } = await import('@spanseal/kafka')
  const { created, existing } = await createTopics(topicOptions(flags))
  if (flags.json === true) return print(`${printableJson({ created, existing }, 2)}\n`)
  for (const topic of created) print(`${paint('green', 'created')}  ${printable(topic)}\n`)
  for (const topic of existing) print(`exists   ${printable(topic)}, and fits\n`)
}

async function check(flags: TopicFlags, { paint, print }: Terminal): Promise<ExitCode> {
  const { checkTopics } = await import('@spanseal/kafka')
  const problems = await checkTopics(topicOptions(flags))
  if (flags.json === true) {
    print(`${printableJson({ ok: problems.length === 0, problems }, 2)}\n`)
  } else if (problems.length === 0) {
    print(`${paint('green', 'The topics may be used.')}\n`)
  } else {
    for (const problem of problems) print(`${problemText(problem)}\n`)
    print(`\n${nextStep(problems)}\n`)
  }
  return problems.length === 0 ? EXIT.holds : EXIT.faults
}

function problemText({ actual, code, expected, setting, topic }: TopicProblem): string {
  const what = `${topic}: ${setting} is ${actual}, not ${expected}`
  return printable(`${code}: ${code === 'TOPIC_MISSING' ? `${topic} does not exist` : what}`)
}

function nextStep(problems: readonly TopicProblem[]): string {
  return problems.some(({ code }) => code === 'TOPIC_UNSUITABLE')
    ? "Change these settings with Kafka's own tools, or say with the options above what is wanted."
    : 'Make them: spanseal topics create'
}
