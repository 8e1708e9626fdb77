// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { KafkaConnection, KafkaConnectionOptions } from './connection-options.ts'
import { CONNECTION_OPTION_NAMES, checkConnectionOptions } from './connection-options.ts'
import type { MalformedMessage } from './dead-letters.ts'
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
  /** Where to begin where nothing is committed; default `beginning`. */
  readonly from?: 'beginning' | 'end'
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
  /** For connecting, and for a bounded read without progress; default 30,000. */
  readonly attemptTimeoutMillis?: number
}

const OPTION_NAMES = [
  ...CONNECTION_OPTION_NAMES,
  'topicPrefix',
  'group',
  'partitions',
  'from',
  'untilEnd',
  'onMalformed',
  'onFork',
  'seenRecordsMax',
  'bufferBytesMax',
  'attemptTimeoutMillis',
]

/** The options checked and completed. */
export interface SourceSettings {
  readonly connection: KafkaConnection
  readonly topics: TopicNames
  readonly group: string | undefined
  readonly partitions: ReadonlySet<number> | undefined
  readonly fromBeginning: boolean
  readonly untilEnd: boolean
  readonly onMalformed: 'park' | ((message: MalformedMessage) => void | Promise<void>)
  readonly onFork: ((fork: Fork) => void) | undefined
  readonly seenRecordsMax: number
  readonly bufferBytesMax: number
  readonly attemptTimeoutMillis: number
}

/** @throws AuditError `INVALID_OPTION` */
export function checkSourceOptions(options: KafkaSourceOptions): SourceSettings {
  assertKnownKeys('kafkaSource', options, OPTION_NAMES)
  const { group, partitions, from = 'beginning', onMalformed = 'park', onFork } = options
  if (from !== 'beginning' && from !== 'end') {
    refuse('kafkaSource.from', from, "'beginning' or 'end'")
  }
  if (onMalformed !== 'park' && typeof onMalformed !== 'function') {
    refuse('kafkaSource.onMalformed', onMalformed, "'park' or a function")
  }
  if (onFork !== undefined && typeof onFork !== 'function') {
    refuse('kafkaSource.onFork', onFork, 'a function')
  }
  return {
    connection: checkConnectionOptions('kafkaSource', options),
    topics: topicNames(options.topicPrefix),
    group: group === undefined ? undefined : checkGroup(group),
    partitions: partitions === undefined ? undefined : checkPartitions(partitions, group),
    fromBeginning: from === 'beginning',
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
