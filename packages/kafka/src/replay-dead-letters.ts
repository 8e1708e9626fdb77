// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, isLogName } from '@spanseal/core'
import type { DeadLetter } from './dead-letter.ts'
import { originalOf, originName, placeInTopic } from './dead-letter.ts'
import { DEAD_LETTER_HEADERS } from './dead-letter-message.ts'
import { KafkajsTransport } from './kafkajs-transport.ts'
import { refuse } from './option-guards.ts'
import { readMessage } from './parse-message.ts'
import { partitionOfKey } from './partitioner.ts'
import { ProducerSession } from './producer-session.ts'
import type { DeadLetterOptions, DeadLetterSettings } from './read-dead-letters.ts'
import { checkDeadLetterOptions, deadLettersOf } from './read-dead-letters.ts'
import type { SendRequest } from './transport.ts'

/** Which dead letters are put back, and how. */
export interface ReplaySelection {
  /** Default: all. */
  readonly select?: (letter: DeadLetter) => boolean
  /** Put nothing back, only say what would be; default false. */
  readonly dryRun?: boolean
  /** Put back also what is still no message of its topic; default false. */
  readonly force?: boolean
  /** The logs whose records and checkpoints may be in the topics; default: any. */
  readonly logs?: readonly string[]
  /** Told of each one that was selected, after it. */
  readonly onLetter?: (letter: DeadLetter, outcome: ReplayOutcome) => void
  /** Ends the replay between two letters. */
  readonly signal?: AbortSignal
}

/** What became of a dead letter; `why` is one sentence without content of the message. */
export type ReplayOutcome =
  | { readonly kind: 'replayed' }
  | { readonly kind: 'refused'; readonly why: string }

/** What {@link replayDeadLetters} did, or with `dryRun` would do. */
export interface Replay {
  readonly replayed: number
  /** Not selected. */
  readonly left: number
  /** Selected, and not put back. */
  readonly refused: number
}

/** On a message that was put back: the topic, partition and offset of its dead letter. */
const REPLAYED_FROM_HEADER = 'spanseal-replayed-from'
const CLOSE_TIMEOUT_MILLIS = 5_000

/**
 * Puts messages back into the topic that they were put aside from: the same key, value and headers,
 * and `spanseal-replayed-from`. Only into this log's own topics, and only those that are by now what
 * the topic holds: after a new release, with other `logs`, under a larger limit of the topic. A mark
 * in the dead-letter topic then says that it was done. After a crash between the two, the same bytes
 * are put back again, which every consumer takes for the duplicate that it is.
 *
 * What is put back comes behind what has come since; a verifier and `spanseal restore` sort by
 * sequence number.
 *
 * @throws AuditError `INVALID_OPTION`; `TOPIC_MISSING`, `DELIVERY_TIMEOUT`, `DELIVERY_DOUBTFUL`,
 * `DELIVERY_REFUSED`: what was put back until then is marked
 */
export async function replayDeadLetters(
  options: DeadLetterOptions,
  selection: ReplaySelection = {},
): Promise<Replay> {
  const settings = checkDeadLetterOptions('replayDeadLetters', options)
  const { logs, select = () => true } = selection
  if (logs !== undefined && !(Array.isArray(logs) && logs.every((log) => isLogName(`${log}`)))) {
    refuse('replayDeadLetters.logs', logs, 'a list of log names')
  }
  const replay = { replayed: 0, left: 0, refused: 0 }
  const back = new PutBack(settings)
  try {
    for await (const letter of deadLettersOf(settings)) {
      if (selection.signal?.aborted === true) break
      if (!select(letter)) {
        replay.left++
        continue
      }
      const outcome = await replayOne(letter, { settings, selection, back })
      replay[outcome.kind]++
      selection.onLetter?.(letter, outcome)
    }
    return replay
  } finally {
    await back.close()
  }
}

interface ReplayWork {
  readonly settings: DeadLetterSettings
  readonly selection: ReplaySelection
  readonly back: PutBack
}

async function replayOne(
  letter: DeadLetter,
  { settings, selection, back }: ReplayWork,
): Promise<ReplayOutcome> {
  const why = refusalOf(letter, settings, selection)
  if (why !== undefined) return { kind: 'refused', why }
  if (selection.dryRun === true) return { kind: 'replayed' }
  try {
    await back.put(letter)
    return { kind: 'replayed' }
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'RECORD_TOO_LARGE') throw error
    return { kind: 'refused', why: 'too large for its topic' }
  }
}

/** Why it must not be put back. */
function refusalOf(
  letter: DeadLetter,
  { topics }: DeadLetterSettings,
  { force, logs }: ReplaySelection,
): string | undefined {
  const { leftOut, origin, value, replayed } = letter
  if (replayed) return 'put back already'
  if (origin === undefined) return letter.reason
  // Whoever may write dead letters must not choose where this client's rights are used.
  if (origin.topic !== topics.records && origin.topic !== topics.checkpoints) {
    return 'not from a topic of this log'
  }
  if (leftOut.length > 0) return `its ${leftOut.join(' and its ')} had to be left out`
  if (force === true) return undefined
  const { key, headers } = originalOf(letter)
  const read = readMessage(
    { key, value: value === null ? null : Buffer.from(value), headers },
    {
      kind: origin.topic === topics.records ? 'record' : 'checkpoint',
      logs: logs === undefined ? undefined : new Set(logs),
    },
  )
  return 'malformed' in read ? `still ${read.malformed}` : undefined
}

/** Sends to the topics, with one producer that is made when it is first needed. */
class PutBack {
  readonly #settings: DeadLetterSettings
  #session: ProducerSession | undefined

  constructor(settings: DeadLetterSettings) {
    this.#settings = settings
  }

  async put(letter: DeadLetter): Promise<void> {
    const { place, origin, key } = letter
    if (origin === undefined) return
    const { topic } = origin
    try {
      const count = await (await this.#ready()).partitionCount(topic)
      const partition =
        origin.partition < count ? origin.partition : partitionOfKey(key ?? new Uint8Array(), count)
      await this.#send(
        { topic, partition },
        {
          key: key ?? new Uint8Array(),
          value: letter.value ?? new Uint8Array(),
          headers: {
            ...letter.headers,
            [REPLAYED_FROM_HEADER]: `${place.topic}/${placeInTopic(place)}`,
          },
        },
      )
      const name = originName(letter)
      await this.#send(place, {
        key: new Uint8Array(),
        value: new Uint8Array(),
        headers: {
          [DEAD_LETTER_HEADERS.replayed]: placeInTopic(place),
          ...(name === undefined ? {} : { [DEAD_LETTER_HEADERS.replayedOrigin]: name }),
        },
      })
    } catch (error) {
      void this.#session?.close(0)
      this.#session = undefined
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#session?.close(CLOSE_TIMEOUT_MILLIS)
  }

  async #ready(): Promise<ProducerSession> {
    if (this.#session !== undefined) return this.#session
    const { connection, timeoutMillis } = this.#settings
    const session = new ProducerSession(new KafkajsTransport(connection, 'none'), {
      attemptTimeoutMillis: timeoutMillis,
      proven: false,
    })
    this.#session = session
    await session.connect()
    return session
  }

  async #send(
    { topic, partition }: Pick<SendRequest, 'topic' | 'partition'>,
    record: Omit<SendRequest['records'][number], 'timestamp'>,
  ): Promise<void> {
    const session = await this.#ready()
    await session.send({ topic, partition, records: [{ ...record, timestamp: Date.now() }] })
  }
}
