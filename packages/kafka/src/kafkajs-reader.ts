// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { Admin, Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { Beginning } from './beginning.ts'
import { assertPartitions, beginningOf } from './beginning.ts'
import type { KafkaConnection } from './connection-options.ts'
import { settledWithin, withDeadline } from './deadline.ts'
import type { KafkajsClient } from './kafkajs-client.ts'
import { openKafkajs } from './kafkajs-client.ts'
import { kafkajsFault } from './kafkajs-faults.ts'
import { Positions } from './positions.ts'

/** What the reader tells; all of it in the order in which it happens. */
export interface ReaderEvents {
  /** These partitions, as `<topic>/<partition>`, are now ours, and only these. */
  assigned(places: ReadonlySet<string>): void
  /** Messages that continue what was read of the partition. Rejects: they are fetched again. */
  messages(topic: string, partition: number, messages: readonly KafkaMessage[]): Promise<void>
  /** Nothing that is a message lies before `next` any more: marks of transactions, for instance. */
  passed(topic: string, partition: number, next: bigint): void
  /** Resolves when there is room for more, or after a second. */
  room(): Promise<boolean>
  /** The consumer has ended and will not come back by itself. */
  failed(error: AuditError): void
}

export interface ReaderOptions {
  readonly connection: KafkaConnection
  readonly topics: readonly string[]
  /** Undefined: a group of its own that nobody else joins, and no durable commits. */
  readonly group: string | undefined
  /** Undefined: all of them. */
  readonly partitions: ReadonlySet<number> | undefined
  /** Where to begin where nothing is committed. */
  readonly from: Beginning
  /** Where to go on, where there is no group to say it. */
  readonly resume: ReadonlyMap<string, bigint>
  /** After which silence the group gives a member's partitions to others. */
  readonly sessionTimeoutMillis: number
  readonly startTimeoutMillis: number
}

/** First and next offset of a partition, where the reader begins, and where the group stands. */
export interface PartitionRange {
  readonly low: bigint
  readonly high: bigint
  readonly begin: bigint
  readonly committed?: bigint
}

const FETCH_WAIT_MILLIS = 500
/** Of a session, so that one lost heartbeat costs no partition. */
const HEARTBEATS_PER_SESSION = 10
const RETRY_MILLIS = 200

/** A kafkajs consumer that reads in order, leaves nothing out and commits only when told. */
export class KafkajsReader {
  readonly #options: ReaderOptions
  readonly #events: ReaderEvents
  readonly #positions = new Positions()
  #client: KafkajsClient | undefined
  #consumer: Consumer | undefined
  #assigned: ReadonlySet<string> = new Set()
  #commits = 0
  /** Why the consumer has ended. */
  #failure: AuditError | undefined
  /** Whether what is being processed had messages. */
  #hadMessages = false
  #closed = false

  constructor(options: ReaderOptions, events: ReaderEvents) {
    this.#options = options
    this.#events = events
  }

  /**
   * Connects and joins.
   *
   * @returns what each partition held at that moment
   * @throws AuditError `TOPIC_MISSING`, `DELIVERY_TIMEOUT`, `DELIVERY_REFUSED`
   */
  async start(): Promise<ReadonlyMap<string, PartitionRange>> {
    const { connection, startTimeoutMillis } = this.#options
    const late = (): Error =>
      new AuditError(
        'DELIVERY_TIMEOUT',
        `Kafka at ${connection.brokers.join(', ')} did not answer within ${startTimeoutMillis} ms`,
      )
    try {
      return await withDeadline(this.#start(), startTimeoutMillis, { late, hold: true })
    } catch (error) {
      await this.close(0)
      throw readError('reading from Kafka', error)
    }
  }

  async #start(): Promise<ReadonlyMap<string, PartitionRange>> {
    const { connection, topics, group, from, sessionTimeoutMillis } = this.#options
    const client = (this.#client = await openKafkajs(connection, 'foreground'))
    if (this.#closed) client.discard()
    const admin = client.kafka.admin()
    await admin.connect()
    const ranges = await this.#onceLed(() => partitionRanges(admin, this.#options))
    void admin.disconnect().catch(() => undefined)
    const consumer = (this.#consumer = client.kafka.consumer({
      groupId: group ?? `audit-reader-${crypto.randomUUID()}`,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: FETCH_WAIT_MILLIS,
      // No sink of ours uses transactions; waiting for somebody's to end would let him stop the reading.
      readUncommitted: true,
      sessionTimeout: sessionTimeoutMillis,
      heartbeatInterval: Math.ceil(sessionTimeoutMillis / HEARTBEATS_PER_SESSION),
      retry: { retries: 10, initialRetryTime: 100, maxRetryTime: 1_000 },
    }))
    this.#listen(consumer)
    const begin = group === undefined ? this.#beginnings(ranges) : new Map<string, bigint>()
    // Before anything is fetched, so that what comes before the seek takes effect does not count.
    for (const [place, offset] of begin) this.#positions.advance(place, offset)
    await consumer.connect()
    await consumer.subscribe({ topics: [...topics], fromBeginning: from.kind !== 'end' })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#eachBatch(payload),
    })
    for (const [place, offset] of begin) {
      consumer.seek({ ...splitPlace(place), offset: `${offset}` })
    }
    return ranges
  }

  /** A topic that was just made, or is changing its leader, has none for a moment; so has a group. */
  async #onceLed<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        const { kind, reason } = kafkajsFault(error)
        if (error instanceof AuditError || kind !== 'retriable' || this.#closed) throw error
        if (reason !== 'other') throw error
        await new Promise((resolve) => setTimeout(resolve, RETRY_MILLIS))
      }
    }
  }

  #beginnings(ranges: ReadonlyMap<string, PartitionRange>): Map<string, bigint> {
    const { from, resume } = this.#options
    if (from.kind === 'beginning') return new Map(resume)
    return new Map([...ranges].map(([place, { begin }]) => [place, resume.get(place) ?? begin]))
  }

  #listen(consumer: Consumer): void {
    consumer.on('consumer.group_join', ({ payload }) => {
      const { partitions: wanted } = this.#options
      const places = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => ({ topic, partition })),
      )
      const isWanted = ({ partition }: Place): boolean => wanted?.has(partition) !== false
      const others = places.filter((place) => !isWanted(place))
      for (const { topic, partition } of others)
        consumer.pause([{ topic, partitions: [partition] }])
      this.#assigned = new Set(places.filter(isWanted).map(placeName))
      this.#positions.keepOnly(this.#assigned)
      this.#events.assigned(this.#assigned)
    })
    consumer.on('consumer.start_batch_process', () => (this.#hadMessages = false))
    consumer.on('consumer.end_batch_process', ({ payload }) => {
      if (!this.#hadMessages) this.#pass(payload)
    })
    consumer.on('consumer.commit_offsets', () => void this.#commits++)
    consumer.on('consumer.crash', ({ payload }) => {
      if (payload.restart || this.#closed) return
      this.#failure = readError('reading from Kafka', payload.error)
      this.#events.failed(this.#failure)
    })
  }

  /** What kafkajs filtered away as a whole is behind us, unless something before it is missing. */
  #pass({ topic, partition, firstOffset, lastOffset }: FilteredBatch): void {
    const place = placeName({ topic, partition })
    if (!this.#assigned.has(place)) return
    const next = BigInt(lastOffset) + 1n
    const known = this.#positions.get(place)
    if (known !== undefined && (BigInt(firstOffset) > known || next <= known)) return
    this.#positions.advance(place, next)
    this.#events.passed(topic, partition, next)
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload
    this.#hadMessages = true
    const { topic, partition, messages } = batch
    const place = placeName({ topic, partition })
    const [first] = messages
    const last = messages.at(-1)
    if (first === undefined || last === undefined || !payload.isRunning() || payload.isStale())
      return
    if (!this.#assigned.has(place)) return payload.resolveOffset(last.offset)
    const admission = this.#positions.admit(place, BigInt(first.offset))
    if (admission.kind === 'seek') {
      this.#consumer?.seek({ topic, partition, offset: `${admission.to}` })
      return
    }
    const fresh = messages.filter(({ offset }) => BigInt(offset) >= admission.from)
    if (fresh.length > 0) await this.#events.messages(topic, partition, fresh)
    // The partition may have become somebody else's while a message was put aside.
    if (!this.#assigned.has(place)) return
    this.#positions.advance(place, BigInt(last.offset) + 1n)
    // For the last message kafkajs goes on behind what it filtered away after it.
    payload.resolveOffset(last.offset)
    this.#pass({ topic, partition, firstOffset: last.offset, lastOffset: batch.lastOffset() })
    do await payload.heartbeat()
    while (payload.isRunning() && !(await this.#events.room()))
  }

  /**
   * Commits the next offsets to read, for the partitions that are still ours; the others' new owner
   * reads them again.
   *
   * @throws AuditError `DELIVERY_TIMEOUT` when the group does not take it within `timeoutMillis`;
   * that of the reading when it has ended
   */
  async commit(next: ReadonlyMap<string, bigint>, timeoutMillis: number): Promise<void> {
    if (this.#options.group === undefined) return
    const deadline = performance.now() + timeoutMillis
    let failure: unknown
    do {
      const offsets = [...next]
        .filter(([place]) => this.#assigned.has(place))
        .map(([place, offset]) => ({ ...splitPlace(place), offset: `${offset}` }))
      if (offsets.length === 0 || this.#closed) return
      if (this.#failure !== undefined) throw this.#failure
      const before = this.#commits
      // While it is joining, kafkajs answers without having committed; the event tells.
      failure = await this.#consumer?.commitOffsets(offsets).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (this.#commits > before) return
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLIS))
    } while (performance.now() < deadline)
    throw new AuditError(
      'DELIVERY_TIMEOUT',
      `the group ${this.#options.group} took no commit within ${timeoutMillis} ms`,
      { cause: failure },
    )
  }

  /** Leaves the group and disconnects, by force after `timeoutMillis`. Never rejects. */
  async close(timeoutMillis: number): Promise<void> {
    this.#closed = true
    if (timeoutMillis > 0 && this.#consumer !== undefined) {
      await settledWithin(this.#consumer.disconnect(), timeoutMillis)
    }
    this.#client?.discard()
  }
}

interface FilteredBatch {
  readonly topic: string
  readonly partition: number
  readonly firstOffset: string
  readonly lastOffset: string
}

interface Place {
  readonly topic: string
  readonly partition: number
}

export function placeName({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}

function splitPlace(place: string): Place {
  const slash = place.lastIndexOf('/')
  return { topic: place.slice(0, slash), partition: Number(place.slice(slash + 1)) }
}

async function partitionRanges(
  admin: Admin,
  { topics, group, from }: ReaderOptions,
): Promise<ReadonlyMap<string, PartitionRange>> {
  const ranges = new Map<string, PartitionRange>()
  for (const topic of topics) {
    try {
      const byTime = from.kind === 'time' ? await offsetsByTime(admin, topic, from.millis) : []
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        const place = placeName({ topic, partition })
        const range = { low: BigInt(low), high: BigInt(high) }
        const found = byTime.find((entry) => entry.partition === partition)?.offset
        const begin = beginningOf(from, { place, found, ...range })
        ranges.set(place, { ...range, begin })
      }
    } catch (cause) {
      if (kafkajsFault(cause).reason !== 'topic-missing') throw cause
      throw new AuditError(
        'TOPIC_MISSING',
        `the topic ${topic} does not exist; create it: spanseal topics create --brokers …`,
        { cause, details: { topic } },
      )
    }
  }
  assertPartitions(from, new Set(ranges.keys()))
  if (group === undefined) return ranges
  const committed = await admin.fetchOffsets({ groupId: group, topics: [...topics] })
  for (const { topic, partitions } of committed) {
    for (const { partition, offset } of partitions) {
      const place = placeName({ topic, partition })
      const range = ranges.get(place)
      if (range && BigInt(offset) >= 0n) ranges.set(place, { ...range, committed: BigInt(offset) })
    }
  }
  return ranges
}

/** Per partition, the first offset whose message is of `millis` or later; its end where none is. */
function offsetsByTime(
  admin: Admin,
  topic: string,
  millis: number,
): Promise<readonly { readonly partition: number; readonly offset: string }[]> {
  return admin.fetchTopicOffsetsByTimestamp(topic, millis)
}

function readError(what: string, cause: unknown): AuditError {
  if (cause instanceof AuditError) return cause
  const fault = kafkajsFault(cause)
  const code = fault.reason === 'unauthorized' ? 'DELIVERY_REFUSED' : 'DELIVERY_TIMEOUT'
  return new AuditError(code, `${what}: ${fault.message}`, { cause })
}
