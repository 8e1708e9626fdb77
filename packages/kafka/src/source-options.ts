// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isLogName } from '@spanseal/core'
import type { Beginning } from './beginning.ts'
import type { KafkaConnection, KafkaConnectionOptions } from './connection-options.ts'
import { CONNECTION_OPTION_NAMES, checkConnectionOptions } from './connection-options.ts'
import type { MalformedMessage } from './dead-letter-message.ts'
import { assertKnownKeys, integerOption, refuse, textOption } from './option-guards.ts'
import type { TopicNames } from './topic-names.ts'
import { topicNames } from './topic-names.ts'

/** Two records with one place in the log: evidence of a fork, or of an attack. */
export interface Fork {
  readonly epoch: string
  readonly seq: number
  /** The leaf of the record that came second, 64 hex digits. */
  readonly leaf: string
}

/**
 * Where to read from again. By offset: the partitions of the records topic by number, or any
 * partition as `<topic>/<partition>`, each with an offset in decimal digits; partitions that are not
 * named are read from their beginning. By time: from the first message that a sink sent at that time
 * or later, so that every record made since then is among what is read.
 */
export type ReplayPlace =
  | { readonly offset: Readonly<Record<string, string>> }
  | { readonly time: Date | number }

/** What {@link kafkaSource} takes. */
export interface KafkaSourceOptions extends KafkaConnectionOptions {
  /** Stands before each topic name, for instance `acme.`. Default: nothing. */
  readonly topicPrefix?: string
  /**
   * The consumer group that shares the partitions and keeps the committed offsets. Without one the
   * source reads all it is told to, and commits last as long as itself.
   */
  readonly group?: string
  /** Only these partition numbers; only without a group. Default: all. */
  readonly partitions?: readonly number[]
  /**
   * Where to begin where nothing is committed; default `beginning`. An offset or a time only without a
   * group: a group's members would go back at each restart (move a group with Kafka's own
   * `kafka-consumer-groups.sh --reset-offsets`).
   */
  readonly from?: 'beginning' | 'end' | ReplayPlace
  /**
   * The logs whose records and checkpoints may be in the topics, by name; a message of another one is
   * treated as malformed. Default: any.
   */
  readonly logs?: readonly string[]
  /** Read what is there at the start, then nothing more. Default false: go on for ever. */
  readonly untilEnd?: boolean
  /**
   * What to do with a message that is not what its topic holds: `park` it in the dead-letter topic
   * (default; needs the right to write there), or tell this function. Until that is done, the offset
   * is not passed.
   */
  readonly onMalformed?: 'park' | ((message: MalformedMessage) => void | Promise<void>)
  /** Told of another record at a place seen before; the record is handed out all the same. */
  readonly onFork?: (fork: Fork) => void
  /** Records remembered in order to drop duplicates, at most; default 20,000 (about 4 MB). */
  readonly seenRecordsMax?: number
  /** Bytes fetched ahead of reading, about; default 16,000,000. */
  readonly bufferBytesMax?: number
  /**
   * After which silence of a member the group gives its partitions to others; the broker sets the
   * bounds (6,000 to 1,800,000 unless told otherwise). Default 30,000.
   */
  readonly sessionTimeoutMillis?: number
  /** For connecting, and for a bounded read without progress; default 30,000. */
  readonly attemptTimeoutMillis?: number
}

const OPTION_NAMES = [
  ...CONNECTION_OPTION_NAMES,
  'topicPrefix',
  'group',
  'partitions',
  'from',
  'logs',
  'untilEnd',
  'onMalformed',
  'onFork',
  'seenRecordsMax',
  'bufferBytesMax',
  'sessionTimeoutMillis',
  'attemptTimeoutMillis',
]

/** The options checked and completed. */
export interface SourceSettings {
  readonly connection: KafkaConnection
  readonly topics: TopicNames
  readonly group: string | undefined
  readonly partitions: ReadonlySet<number> | undefined
  readonly from: Beginning
  readonly logs: ReadonlySet<string> | undefined
  readonly untilEnd: boolean
  readonly onMalformed: 'park' | ((message: MalformedMessage) => void | Promise<void>)
  readonly onFork: ((fork: Fork) => void) | undefined
  readonly seenRecordsMax: number
  readonly bufferBytesMax: number
  readonly sessionTimeoutMillis: number
  readonly attemptTimeoutMillis: number
}

/** @throws AuditError `INVALID_OPTION` */
export function checkSourceOptions(options: KafkaSourceOptions): SourceSettings {
  assertKnownKeys('kafkaSource', options, OPTION_NAMES)
  const { group, logs, partitions, onMalformed = 'park', onFork } = options
  const topics = topicNames(options.topicPrefix)
  if (onMalformed !== 'park' && typeof onMalformed !== 'function') {
    refuse('kafkaSource.onMalformed', onMalformed, "'park' or a function")
  }
  if (onFork !== undefined && typeof onFork !== 'function') {
    refuse('kafkaSource.onFork', onFork, 'a function')
  }
  return {
    connection: checkConnectionOptions('kafkaSource', options),
    topics,
    group: group === undefined ? undefined : checkGroup(group),
    partitions: partitions === undefined ? undefined : checkPartitions(partitions, group),
    from: checkFrom(options.from, { topics, group }),
    logs: logs === undefined ? undefined : checkLogs(logs),
    untilEnd: options.untilEnd === true,
    onMalformed,
    onFork,
    seenRecordsMax: integerOption('kafkaSource.seenRecordsMax', options.seenRecordsMax, {
      min: 0,
      max: 10_000_000,
      fallback: 20_000,
    }),
    bufferBytesMax: integerOption('kafkaSource.bufferBytesMax', options.bufferBytesMax, {
      min: 1,
      max: 1_000_000_000,
      fallback: 16_000_000,
    }),
    sessionTimeoutMillis: integerOption(
      'kafkaSource.sessionTimeoutMillis',
      options.sessionTimeoutMillis,
      { min: 500, max: 1_800_000, fallback: 30_000 },
    ),
    attemptTimeoutMillis: integerOption(
      'kafkaSource.attemptTimeoutMillis',
      options.attemptTimeoutMillis,
      { min: 500, max: 600_000, fallback: 30_000 },
    ),
  }
}

function checkGroup(group: string): string {
  return textOption('kafkaSource.group', group, {
    pattern: /^[A-Za-z0-9._-]{1,255}$/,
    expected: '1 to 255 letters, digits, ".", "_" and "-"',
    fallback: '',
  })
}

function checkPartitions(
  partitions: readonly number[],
  group: string | undefined,
): ReadonlySet<number> {
  const expected = 'a list of partition numbers, and no group beside it'
  const usable =
    Array.isArray(partitions) &&
    partitions.length > 0 &&
    partitions.every((p) => Number.isSafeInteger(p) && p >= 0) &&
    group === undefined
  if (!usable) refuse('kafkaSource.partitions', partitions, expected)
  return new Set(partitions)
}

function checkLogs(logs: readonly string[]): ReadonlySet<string> {
  const usable =
    Array.isArray(logs) &&
    logs.length > 0 &&
    logs.every((log) => typeof log === 'string' && isLogName(log))
  return usable ? new Set(logs) : refuse('kafkaSource.logs', logs, 'a list of log names')
}

const OFFSET = /^\d{1,18}$/
const PARTITION = /^\d{1,9}$/

function checkFrom(
  from: KafkaSourceOptions['from'] = 'beginning',
  { topics, group }: { readonly topics: TopicNames; readonly group: string | undefined },
): Beginning {
  if (from === 'beginning' || from === 'end') return { kind: from }
  const expected =
    "'beginning', 'end', {offset: {'0': '120', …}} or {time: …}, these without a group"
  const isPlace = typeof from === 'object' && from !== null && Object.keys(from).length === 1
  if (!isPlace || group !== undefined) return refuse('kafkaSource.from', from, expected)
  if ('time' in from) {
    const millis = from.time instanceof Date ? from.time.getTime() : from.time
    if (Number.isSafeInteger(millis) && millis >= 0) return { kind: 'time', millis }
    return refuse('kafkaSource.from.time', millis, 'a Date, or Unix milliseconds')
  }
  const places: unknown = (from as { readonly offset?: unknown }).offset
  if (typeof places !== 'object' || places === null) {
    return refuse('kafkaSource.from', from, expected)
  }
  const entries = Object.entries(places).map(([name, offset]: [string, unknown]) => {
    const place = PARTITION.test(name) ? `${topics.records}/${Number(name)}` : name
    const [topic = '', partition = ''] = place.split('/')
    const isOurs = topic === topics.records || topic === topics.checkpoints
    if (!isOurs || !PARTITION.test(partition) || place !== `${topic}/${Number(partition)}`) {
      const named = `a partition number, or ${topics.records}/<number>`
      refuse('kafkaSource.from.offset', name, named)
    }
    if (typeof offset !== 'string' || !OFFSET.test(offset)) {
      refuse('kafkaSource.from.offset', offset, 'an offset as a text of decimal digits')
    }
    return [place, BigInt(offset)] as const
  })
  if (entries.length === 0) refuse('kafkaSource.from.offset', places, 'at least one partition')
  return { kind: 'offsets', offsets: new Map(entries) }
}
