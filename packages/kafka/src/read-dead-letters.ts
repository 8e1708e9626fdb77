// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { PlacedMessage } from './bounded-read.ts'
import { messagesOf } from './bounded-read.ts'
import type { KafkaConnection, KafkaConnectionOptions } from './connection-options.ts'
import { CONNECTION_OPTION_NAMES, checkConnectionOptions } from './connection-options.ts'
import type { DeadLetter, RawDeadLetter } from './dead-letter.ts'
import { deadLetterOf, originName, placeInTopic, replayMarkOf } from './dead-letter.ts'
import { assertKnownKeys, integerOption, refuse } from './option-guards.ts'
import type { TopicNames } from './topic-names.ts'
import { topicNames } from './topic-names.ts'

/** What {@link readDeadLetters} takes. */
export interface DeadLetterOptions extends KafkaConnectionOptions {
  /** Stands before each topic name, for instance `acme.`. Default: nothing. */
  readonly topicPrefix?: string
  /** Those that have been put back as well; default false. */
  readonly includeReplayed?: boolean
  /** For connecting, for a read without progress and for each request; default 30,000. */
  readonly timeoutMillis?: number
}

const OPTION_NAMES = [...CONNECTION_OPTION_NAMES, 'topicPrefix', 'includeReplayed', 'timeoutMillis']
/** Origins remembered so that a message that several readers put aside is told once, about 10 MB. */
const ORIGINS_MAX = 100_000

/** The options checked and completed. */
export interface DeadLetterSettings {
  readonly connection: KafkaConnection
  readonly topics: TopicNames
  readonly includeReplayed: boolean
  readonly timeoutMillis: number
}

/** @throws AuditError `INVALID_OPTION` */
export function checkDeadLetterOptions(
  label: string,
  options: DeadLetterOptions,
): DeadLetterSettings {
  assertKnownKeys(label, options, OPTION_NAMES)
  const { includeReplayed = false } = options
  if (typeof includeReplayed !== 'boolean') {
    refuse(`${label}.includeReplayed`, includeReplayed, 'true or false')
  }
  return {
    connection: checkConnectionOptions(label, options),
    topics: topicNames(options.topicPrefix),
    includeReplayed,
    timeoutMillis: integerOption(`${label}.timeoutMillis`, options.timeoutMillis, {
      min: 500,
      max: 600_000,
      fallback: 30_000,
    }),
  }
}

/**
 * The messages that were put aside and not yet put back, in the order in which they were; one that was
 * put aside several times comes once. Reads what is there when it begins, twice: first the marks of
 * those put back. Needs a group name that begins with `audit-reader-`, and commits nothing.
 *
 * @throws AuditError `INVALID_OPTION` at once; while reading `TOPIC_MISSING`, `DELIVERY_REFUSED`
 * (credentials), `DELIVERY_TIMEOUT`
 */
export function readDeadLetters(options: DeadLetterOptions): AsyncIterable<DeadLetter> {
  const settings = checkDeadLetterOptions('readDeadLetters', options)
  return { [Symbol.asyncIterator]: () => deadLettersOf(settings) }
}

export async function* deadLettersOf(settings: DeadLetterSettings): AsyncGenerator<DeadLetter> {
  const topic = settings.topics.deadLetters
  const marks = new Set<string>()
  for await (const placed of messagesOf(topic, settings)) {
    const mark = replayMarkOf(rawOf(placed))
    if (mark === undefined) continue
    marks.add(mark.place)
    if (mark.origin !== undefined) marks.add(mark.origin)
  }
  const told = new Set<string>()
  for await (const placed of messagesOf(topic, settings)) {
    const raw = rawOf(placed)
    if (replayMarkOf(raw) !== undefined) continue
    const letter = deadLetterOf(raw, false)
    const origin = originName(letter)
    if (origin !== undefined && told.has(origin)) continue
    const replayed =
      marks.has(placeInTopic(letter.place)) || (origin !== undefined && marks.has(origin))
    if (replayed && !settings.includeReplayed) continue
    if (origin !== undefined && told.size < ORIGINS_MAX) told.add(origin)
    yield replayed ? { ...letter, replayed } : letter
  }
}

function rawOf({ place, message }: PlacedMessage): RawDeadLetter {
  const { key, value, headers = {}, timestamp } = message
  return { place, key, value, headers, timestamp: Number(timestamp) }
}
