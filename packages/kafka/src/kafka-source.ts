// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  Batch,
  BatchLimits,
  RecordSource,
  SealedCheckpoint,
  SealedRecord,
} from '@spanseal/core'
import { AuditError, DEFAULT_BATCH_LIMITS, pause } from '@spanseal/core'
import type { KafkaMessage } from 'kafkajs'
import { Arrivals } from './arrivals.ts'
import type { MalformedMessage } from './dead-letter-message.ts'
import { DeadLetters } from './dead-letters.ts'
import type { PartitionRange } from './kafkajs-reader.ts'
import { KafkajsReader, placeName } from './kafkajs-reader.ts'
import { KafkajsTransport } from './kafkajs-transport.ts'
import { readMessage } from './parse-message.ts'
import { SeenWindow } from './seen-window.ts'
import type { KafkaSourceOptions, SourceSettings } from './source-options.ts'
import { checkSourceOptions } from './source-options.ts'

/** How many there were since the source was made; what is read again counts again. */
export interface SourceCounts {
  readonly records: number
  readonly checkpoints: number
  /** Records that had been handed out before, and were dropped. */
  readonly duplicates: number
  /** Other records at a place seen before; they are among `records`. */
  readonly forks: number
  /** Messages that are not what their topic holds: put aside, or told. */
  readonly malformed: number
}

/** A source that knows its end. */
export interface KafkaSource extends RecordSource {
  /** The next batch; default limits as for a journal. */
  read(limits?: BatchLimits): Promise<Batch | undefined>
  /** What came until now. */
  readonly counts: SourceCounts
  /** With `untilEnd`: whether all that was there at the start has been read. */
  readonly ended: boolean
}

/**
 * A source that reads records and checkpoints back from Kafka.
 *
 * In order within an epoch; duplicates that a producer's resending left are dropped within a window.
 * Offsets are committed by `commit`, and where nothing was handed out since the last one; so a crash
 * leads to reading again and never to leaving out. Connects at the first `read`; keeps the process alive until `close`.
 *
 * `read` rejects with an AuditError: `TOPIC_MISSING`, `DELIVERY_REFUSED` (credentials),
 * `DELIVERY_TIMEOUT` (no broker answers, or a message cannot be put aside); the next `read` tries
 * again. With `untilEnd` it waits, and returns undefined only at the end.
 *
 * @throws AuditError `INVALID_OPTION` naming the option, the value and what to give
 */
export function kafkaSource(options: KafkaSourceOptions): KafkaSource {
  return new BufferedKafkaSource(checkSourceOptions(options))
}

const HEARTBEAT_MILLIS = 1_000
const COMMIT_TIMEOUT_MILLIS = 30_000
const CLOSE_TIMEOUT_MILLIS = 5_000

class BufferedKafkaSource implements KafkaSource {
  readonly #settings: SourceSettings
  readonly #arrivals = new Arrivals()
  readonly #seen: SeenWindow
  readonly #deadLetters: DeadLetters
  /** Of each batch handed out: per partition, the next offset to read behind it. */
  readonly #behind = new WeakMap<Batch, ReadonlyMap<string, bigint>>()
  #reader: KafkajsReader | undefined
  #starting: Promise<void> | undefined
  /** Handed out last, until it is committed. */
  #pending: Batch | undefined
  #failure: AuditError | undefined
  #closed = false
  readonly #counts = { records: 0, checkpoints: 0, duplicates: 0, forks: 0, malformed: 0 }
  /** Below: what the reader has told; reset when another one starts. */
  #ranges: ReadonlyMap<string, PartitionRange> = new Map()
  #assigned: ReadonlySet<string> | undefined
  #fetched = new Map<string, bigint>()
  #handedOut = new Map<string, bigint>()
  #committed = new Map<string, bigint>()

  constructor(settings: SourceSettings) {
    this.#settings = settings
    this.#seen = new SeenWindow(settings.seenRecordsMax)
    const { connection, topics } = settings
    const newTransport = (): KafkajsTransport => new KafkajsTransport(connection, 'none')
    this.#deadLetters = new DeadLetters(topics.deadLetters, newTransport)
  }

  get ended(): boolean {
    if (!this.#settings.untilEnd || this.#assigned === undefined) return false
    return this.#arrivals.empty && [...this.#assigned].every((place) => this.#reachedEnd(place))
  }

  get counts(): SourceCounts {
    return { ...this.#counts }
  }

  async read(limits: BatchLimits = DEFAULT_BATCH_LIMITS): Promise<Batch | undefined> {
    let idleSince = performance.now()
    while (!this.#closed) {
      await this.#ensureReading()
      const before = this.#handedOut.size === 0 ? undefined : this.#progressMark()
      const batch = this.#nextBatch(limits)
      if (batch !== undefined) return batch
      await this.#passSkipped()
      if (this.#failure !== undefined) await this.#giveUp(this.#failure)
      if (!this.#settings.untilEnd || this.ended) return undefined
      await this.#arrivals.changed(HEARTBEAT_MILLIS)
      if (before !== this.#progressMark() || !this.#arrivals.empty) idleSince = performance.now()
      if (performance.now() - idleSince > this.#settings.attemptTimeoutMillis) throw this.#stalled()
    }
    return undefined
  }

  async commit(batch: Batch): Promise<void> {
    const behind = this.#behind.get(batch)
    if (behind === undefined) return
    if (this.#pending === batch) this.#pending = undefined
    await this.#commit(behind, COMMIT_TIMEOUT_MILLIS)
  }

  async #commit(behind: ReadonlyMap<string, bigint>, timeoutMillis: number): Promise<void> {
    const changed = new Map(
      [...behind].filter(([place, next]) => this.#committedBefore(place, next)),
    )
    if (changed.size === 0) return
    await this.#reader?.commit(changed, timeoutMillis)
    for (const [place, next] of changed) this.#committed.set(place, next)
  }

  /** What held nothing to hand out is behind us, so that a restart does not put it aside again. */
  async #passSkipped(): Promise<void> {
    if (this.#settings.group === undefined || this.#pending !== undefined) return
    // What is not taken now comes again, as after any commit that fails.
    await this.#commit(this.#handedOut, HEARTBEAT_MILLIS).catch(() => undefined)
  }

  async rewind(): Promise<void> {
    this.#pending = undefined
    const reader = this.#reader
    this.#reader = undefined
    await reader?.close(CLOSE_TIMEOUT_MILLIS)
    await this.#starting?.catch(() => undefined)
    this.#starting = undefined
    this.#failure = undefined
    this.#arrivals.clear()
    // What is read again must not be taken for a duplicate.
    this.#seen.clear()
  }

  async wait(timeoutMillis: number, signal: AbortSignal): Promise<void> {
    if (!this.#arrivals.empty || this.#failure !== undefined) return
    await Promise.race([pause(timeoutMillis, signal), this.#arrivals.changed(timeoutMillis)])
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#arrivals.wake()
    await this.rewind()
    await this.#deadLetters.close(CLOSE_TIMEOUT_MILLIS)
  }

  /** The next read begins anew behind what was committed. */
  async #giveUp(failure: AuditError): Promise<never> {
    await this.rewind()
    throw failure
  }

  async #ensureReading(): Promise<void> {
    this.#starting ??= this.#start()
    try {
      await this.#starting
    } catch (error) {
      this.#starting = undefined
      throw error
    }
  }

  async #start(): Promise<void> {
    const { connection, topics, group, partitions, from, sessionTimeoutMillis } = this.#settings
    this.#assigned = undefined
    this.#fetched = new Map()
    this.#handedOut = new Map(this.#committed)
    const reader = new KafkajsReader(
      {
        connection,
        topics: [topics.records, topics.checkpoints],
        group,
        partitions,
        from,
        resume: this.#committed,
        sessionTimeoutMillis,
        startTimeoutMillis: this.#settings.attemptTimeoutMillis,
      },
      {
        assigned: (places) => this.#onAssigned(places),
        messages: (topic, partition, messages) => this.#onMessages(topic, partition, messages),
        passed: (topic, partition, next) => this.#onPassed(placeName({ topic, partition }), next),
        room: () => this.#room(),
        failed: (error) => this.#onFailed(error),
      },
    )
    this.#reader = reader
    const ranges = await reader.start()
    // The end stays where it was when the source was first asked.
    if (this.#ranges.size > 0) return
    this.#ranges = ranges
    if (group !== undefined || from.kind === 'beginning') return
    for (const [place, { begin }] of ranges) this.#committed.set(place, begin)
  }

  #onAssigned(places: ReadonlySet<string>): void {
    const lost = [...(this.#assigned ?? [])].some((place) => !places.has(place))
    if (lost) {
      this.#arrivals.keepOnly(places)
      this.#seen.clear()
      for (const map of [this.#fetched, this.#handedOut, this.#committed]) {
        for (const place of map.keys()) if (!places.has(place)) map.delete(place)
      }
    }
    this.#assigned = places
    this.#arrivals.wake()
  }

  async #onMessages(
    topic: string,
    partition: number,
    messages: readonly KafkaMessage[],
  ): Promise<void> {
    const place = placeName({ topic, partition })
    const end = this.#settings.untilEnd ? this.#ranges.get(place)?.high : undefined
    const { logs, topics } = this.#settings
    const kind = topic === topics.records ? 'record' : 'checkpoint'
    const arrived = []
    const malformed: MalformedMessage[] = []
    for (const { key, value, headers, offset: digits } of messages) {
      const offset = BigInt(digits)
      if (end !== undefined && offset >= end) break
      const parsed = readMessage({ key, value, headers }, { kind, logs })
      const common = { place, offset, bytes: value?.length ?? 0 }
      if ('malformed' in parsed) {
        const reason = parsed.malformed
        malformed.push({ topic, partition, offset: digits, reason, key, value, headers })
        // Nothing of it waits to be read, but its offset is to be passed.
        arrived.push({ ...common, bytes: 0 })
      } else if ('note' in parsed) arrived.push({ ...common, checkpoint: parsed })
      else arrived.push({ ...common, record: parsed })
    }
    if (malformed.length > 0) await this.#putAside(malformed)
    const last = messages.at(-1)
    if (last !== undefined) this.#fetched.set(place, BigInt(last.offset) + 1n)
    if (this.#assigned?.has(place) === true) this.#arrivals.push(arrived)
  }

  #onPassed(place: string, next: bigint): void {
    this.#fetched.set(place, next)
    this.#arrivals.wake()
  }

  async #putAside(malformed: readonly MalformedMessage[]): Promise<void> {
    const { onMalformed, attemptTimeoutMillis } = this.#settings
    try {
      if (onMalformed === 'park') await this.#deadLetters.parkAll(malformed, attemptTimeoutMillis)
      else for (const message of malformed) await onMalformed(message)
    } catch (error) {
      const failure =
        error instanceof AuditError
          ? error
          : new AuditError('DELIVERY_TIMEOUT', 'a malformed message cannot be put aside', {
              cause: error,
            })
      this.#onFailed(failure)
      throw error
    }
    this.#counts.malformed += malformed.length
  }

  async #room(): Promise<boolean> {
    if (this.#arrivals.bytes < this.#settings.bufferBytesMax) return true
    await this.#arrivals.changed(HEARTBEAT_MILLIS)
    return this.#arrivals.bytes < this.#settings.bufferBytesMax
  }

  #onFailed(error: AuditError): void {
    this.#failure = error
    this.#arrivals.wake()
  }

  #nextBatch(limits: BatchLimits): Batch | undefined {
    const records: SealedRecord[] = []
    const checkpoints: SealedCheckpoint[] = []
    // A run of duplicates only is no batch.
    while (records.length + checkpoints.length === 0 && !this.#arrivals.empty) {
      for (const { place, offset, record, checkpoint } of this.#arrivals.take(limits)) {
        this.#handedOut.set(place, offset + 1n)
        if (checkpoint !== undefined) checkpoints.push(checkpoint)
        if (record !== undefined && this.#isWanted(record)) records.push(record)
      }
    }
    if (records.length + checkpoints.length === 0) return undefined
    const batch: Batch = { records, checkpoints }
    this.#counts.records += records.length
    this.#counts.checkpoints += checkpoints.length
    this.#behind.set(batch, new Map(this.#handedOut))
    this.#pending = batch
    return batch
  }

  #isWanted(record: SealedRecord): boolean {
    const sighting = this.#seen.see(record)
    if (sighting === 'duplicate') this.#counts.duplicates++
    if (sighting === 'fork') {
      this.#counts.forks++
      this.#settings.onFork?.({ epoch: record.epoch, seq: record.seq, leaf: record.leaf })
    }
    return sighting !== 'duplicate'
  }

  #reachedEnd(place: string): boolean {
    const range = this.#ranges.get(place)
    if (range === undefined) return true
    const start = this.#committed.get(place) ?? range.committed ?? range.begin
    return (this.#fetched.get(place) ?? start) >= range.high
  }

  #committedBefore(place: string, next: bigint): boolean {
    const committed = this.#committed.get(place)
    return committed === undefined || committed < next
  }

  /** Changes whenever something was fetched. */
  #progressMark(): string {
    return [...this.#fetched].join(';')
  }

  #stalled(): AuditError {
    return new AuditError(
      'DELIVERY_TIMEOUT',
      `Kafka handed out nothing for ${this.#settings.attemptTimeoutMillis} ms, and the end is not reached`,
    )
  }
}
