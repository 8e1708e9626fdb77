// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ObservedEpoch, RecordDraft } from '@spanseal/core'
import { AuditError, assertLogName, recordLine } from '@spanseal/core'
import { createEpoch } from './create-epoch.ts'
import { HeadKeeper } from './head-keeper.ts'
import { openJournalFolder, unusable } from './journal-path.ts'
import type { LiveEpoch } from './live-epoch.ts'
import { ownProcess, saveWriterState } from './liveness.ts'
import { OpenCalls } from './open-calls.ts'
import { surveyJournal } from './survey.ts'
import { SyncLoop } from './sync-loop.ts'
import type { WriterOptions, WriterSettings } from './writer-options.ts'
import { writerSettings } from './writer-options.ts'

/** Where the record that is being built will stand: commitments are bound to it. */
export interface RecordPlace {
  readonly epoch: string
  readonly seq: number
}

/** A record that was written. */
export interface AppendedRecord extends RecordPlace {
  /** Its leaf hash, 64 hex digits. */
  readonly leaf: string
  /** The leaf hash of the record before it. */
  readonly prev: string
}

export interface AppendOptions {
  /** `YYYY-MM-DDTHH:mm:ss.sssZ` of what is recorded, where that was earlier. */
  readonly eventAt?: string
  /** Take a checkpoint as soon as the record is synced; default false. */
  readonly checkpoint?: boolean
}

export interface WriterHealth {
  /** The epoch that takes the next record; absent while writing fails and after `close`. */
  readonly epoch?: string
  /** Records written by this writer in all its epochs, the log's own included. */
  readonly records: number
  /** Of the present epoch: written and not known to be on disk. */
  readonly unsynced: number
  /** Epochs given up after a failed write or sync. */
  readonly failedEpochs: number
  /** Why the last one was given up, or why no new one can be opened. */
  readonly failure?: AuditError
}

/** A record with its time: nanoseconds since `epoch.open`. */
interface NewRecord {
  readonly draft: RecordDraft
  readonly ageNanos: number
  readonly options: AppendOptions
}

/** `epoch.open` holds this many observations, further ones follow in `epoch.observed`. */
const OBSERVED_MAX = 64
const NANOS_PER_MILLI = 1_000_000
/** A build that itself appends moves its own place and is run again, this often at most. */
const BUILD_ATTEMPTS_MAX = 8
/** Epochs given up of which the writer remembers how far they were synced. */
const REMEMBERED_FAILURES_MAX = 1_000

/**
 * Opens an epoch in a journal and writes to it.
 *
 * Guarantee: a record whose `append` returned survives the end of the process, however it ends, and
 * a crash of the machine as `durability` says. Any number of writers may share a folder, in any
 * number of processes, threads and copies of this library: each writes to epochs of its own.
 *
 * @throws AuditError `INVALID_OPTION` for an option that cannot be used
 * @throws AuditError `JOURNAL_UNUSABLE` when the folder cannot be made or written to
 */
export function openWriter(options: WriterOptions): EpochWriter {
  const settings = writerSettings(options)
  assertLogName(settings.log)
  const journal = openJournalFolder(settings.journal, settings.refuseInside)
  return new EpochWriter({ ...settings, journal })
}

/** The one writer of its epochs. */
export class EpochWriter {
  /** The journal's real path. */
  readonly journal: string
  readonly log: string
  readonly #settings: WriterSettings
  readonly #loop: SyncLoop
  readonly #heads: HeadKeeper
  readonly #beat: NodeJS.Timeout

  // Owned by the synchronous methods below. `#live` is undefined while writing fails and once closed.
  #live: LiveEpoch | undefined
  #calls: OpenCalls = new OpenCalls('')
  #closed = false
  #records = 0
  #failure: AuditError | undefined
  #retryAtNanos = 0n
  #failedEpochs = 0
  /** All epochs of this writer, in order. */
  readonly #epochs = new Set<string>()
  /** Of epochs given up: how many of their records were synced. */
  readonly #givenUp = new Map<string, number>()
  #lastMillis = -1
  #lastAt = ''

  constructor(settings: WriterSettings) {
    this.#settings = settings
    this.journal = settings.journal
    this.log = settings.log
    this.#loop = new SyncLoop(settings, {
      failed: (live, error) => void this.#giveUp(live, error, 'writing cannot go on'),
      checkpoint: (live, note) => this.#heads.keep(live.chain.epoch, note),
    })
    this.#heads = new HeadKeeper(settings.keys.heads, settings.clock.monoNanos, (error) =>
      this.#report(error, 'the newest checkpoint could not be kept in the keyring'),
    )
    try {
      this.#openEpoch()
    } catch (error) {
      if (error instanceof AuditError && error.code !== 'JOURNAL_FAILED') throw error
      throw unusable(settings.journal, `cannot be written to (${messageOf(error)})`, error)
    }
    this.#beat = setInterval(() => this.#onBeat(), settings.beatMillis)
    this.#beat.unref()
  }

  /** The epochs of this writer, oldest first; the last one takes the next record. */
  get epochs(): ReadonlySet<string> {
    return this.#epochs
  }

  /** The epoch that takes the next record, unless it is rolled first; absent while writing fails. */
  get epoch(): string | undefined {
    return this.#live?.chain.epoch
  }

  health(): WriterHealth {
    const live = this.#live
    return {
      ...(live === undefined ? {} : { epoch: live.chain.epoch }),
      records: this.#records,
      unsynced: live === undefined ? 0 : live.chain.size - live.syncedSize,
      failedEpochs: this.#failedEpochs,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    }
  }

  /**
   * Writes one record; when it returns the record is in the file, and on disk under durability
   * `every`. Synchronous.
   *
   * @param build gets the record's place and returns the rest; it may be called again with another
   * place, when it appended itself or the epoch had to be given up
   * @throws AuditError `JOURNAL_FAILED` when it could not be written: it is then in no readable part
   * of the journal, but for durability `every`, where it may be. The next call tries a new epoch.
   * @throws AuditError `JOURNAL_CLOSED` after `close`
   * @throws AuditError `RECORD_TOO_LARGE`, `NOT_REPRESENTABLE` and what `build` throws: nothing was
   * written
   */
  append(build: (at: RecordPlace) => RecordDraft, options: AppendOptions = {}): AppendedRecord {
    let failure: AuditError | undefined
    for (let attempt = 0; attempt < BUILD_ATTEMPTS_MAX; attempt++) {
      const nowNanos = this.#settings.clock.monoNanos()
      const live = this.#usable(nowNanos)
      const { epoch, size: seq } = live.chain
      const draft = build({ epoch, seq })
      if (this.#live !== live || live.chain.size !== seq) continue
      try {
        const ageNanos = live.ageNanos(nowNanos)
        return this.#write(live, { draft, ageNanos, options })
      } catch (error) {
        if (!(error instanceof WriteFailure)) throw error
        // Nothing of it can be read, so it may stand in a new epoch; twice is enough.
        if (failure !== undefined || error.written) throw error.reason
        failure = error.reason
      }
    }
    throw failure ?? new AuditError('JOURNAL_FAILED', 'a record kept moving while it was built')
  }

  /**
   * Resolves once the record is on disk, whatever the durability; whoever waits shares one sync.
   *
   * @param record default: everything appended so far to the present epoch
   * @throws (rejects) AuditError `JOURNAL_FAILED` when its epoch was given up before it was synced
   */
  synced(record?: RecordPlace): Promise<void> {
    const live = this.#live
    if (record === undefined && live === undefined) {
      return this.#failure === undefined ? Promise.resolve() : Promise.reject(this.#failure)
    }
    if (live !== undefined && (record === undefined || record.epoch === live.chain.epoch)) {
      return this.#loop.synced(live, record?.seq ?? live.chain.size - 1)
    }
    const lost = this.#lostBefore(record)
    return lost === undefined ? Promise.resolve() : Promise.reject(lost)
  }

  /**
   * As {@link synced}, for callers that cannot wait: returns once the record is on disk.
   *
   * @throws AuditError `JOURNAL_FAILED` when the sync fails or failed before
   */
  syncNow(record?: RecordPlace): void {
    const live = this.#live
    if (live !== undefined && (record === undefined || record.epoch === live.chain.epoch)) {
      if ((record?.seq ?? live.chain.size) < live.syncedSize) return
      try {
        this.#loop.syncNow(live)
      } catch (error) {
        throw this.#giveUp(live, error, 'a sync failed')
      }
      return
    }
    const lost = record === undefined ? this.#failure : this.#lostBefore(record)
    if (lost !== undefined) throw lost
  }

  /**
   * Ends the epoch with `epoch.close` and its last checkpoint, syncs (but for durability `none`) and
   * lets go of the files. Synchronous and idempotent.
   *
   * @throws AuditError `JOURNAL_FAILED` when the end could not be written; the epoch then counts as
   * crashed
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#beat)
    if (this.#live !== undefined) this.#endEpoch(this.#live, 'shutdown')
  }

  // The epoch to write to: the present one, its successor when it is full, a new one after a failure.
  #usable(nowNanos: bigint): LiveEpoch {
    if (this.#closed) throw new AuditError('JOURNAL_CLOSED', 'the journal is closed')
    const live = this.#live
    if (live !== undefined && !this.#isFull(live, live.ageNanos(nowNanos))) return live
    if (live === undefined && nowNanos < this.#retryAtNanos && this.#failure !== undefined) {
      throw this.#failure
    }
    try {
      if (live !== undefined) this.#roll(live)
      return this.#openEpoch()
    } catch (error) {
      this.#retryAtNanos = nowNanos + BigInt(this.#settings.retryMillis * NANOS_PER_MILLI)
      this.#failure = this.#failed(error, 'no epoch can be opened')
      throw this.#failure
    }
  }

  #roll(live: LiveEpoch): void {
    try {
      this.#endEpoch(live, 'rolled')
    } catch {
      // It was given up, which was reported; its successor names it as crashed.
    }
  }

  #isFull(live: LiveEpoch, ageNanos: number): boolean {
    const { epochRecordsMax, epochBytesMax, epochMillisMax } = this.#settings
    return (
      live.chain.size >= epochRecordsMax - 1 || // one more: `epoch.close`
      live.bytes >= epochBytesMax ||
      ageNanos >= epochMillisMax * NANOS_PER_MILLI
    )
  }

  #openEpoch(): LiveEpoch {
    const { fs, keys, clock, durability } = this.#settings
    const durable = durability !== 'none'
    // Again for every epoch: meanwhile it may have been removed, or replaced by a link.
    if (openJournalFolder(this.journal, this.#settings.refuseInside) !== this.journal) {
      throw unusable(this.journal, 'was replaced by a link')
    }
    const { observed, settled } = surveyJournal({
      journal: this.journal,
      heads: keys.heads,
      fs,
      nowMillis: clock.wallMillis(),
      own: this.#epochs,
      durable,
    })
    const first = observed.slice(0, OBSERVED_MAX)
    const { live, note } = createEpoch({ ...this.#settings, durable, observed: first })
    this.#live = live
    this.#calls = new OpenCalls(live.chain.epoch)
    this.#epochs.add(live.chain.epoch)
    this.#records++
    this.#heads.keep(live.chain.epoch, note)
    this.#writeObserved(live, observed.slice(OBSERVED_MAX))
    this.#failure = undefined
    try {
      keys.heads.settle(settled)
    } catch (error) {
      this.#report(error, 'the keyring could not note what was observed')
    }
    return live
  }

  #writeObserved(live: LiveEpoch, observed: readonly ObservedEpoch[]): void {
    try {
      for (let i = 0; i < observed.length; i += OBSERVED_MAX) {
        const detail = { observed: observed.slice(i, i + OBSERVED_MAX) }
        this.#writeOwn(live, { type: 'epoch.observed', severity: 'info', detail })
      }
      if (observed.length > 0 && this.#settings.durability !== 'none') this.#loop.syncNow(live)
    } catch (error) {
      if (error instanceof WriteFailure) throw error.reason
      throw this.#giveUp(live, error, 'a sync failed')
    }
  }

  /** Writes one of the log's own records. */
  #writeOwn(live: LiveEpoch, draft: RecordDraft): void {
    const ageNanos = live.ageNanos(this.#settings.clock.monoNanos())
    this.#write(live, { draft, ageNanos, options: {} })
  }

  /** @throws WriteFailure when the epoch had to be given up */
  #write(live: LiveEpoch, { draft, ageNanos, options }: NewRecord): AppendedRecord {
    const { chain } = live
    const { log, epoch, prev, size: seq } = chain
    const at = this.#at()
    const mono_ns = String(ageNanos)
    const { eventAt } = options
    const time = eventAt === undefined ? { at, mono_ns } : { at, event_at: eventAt, mono_ns }
    const frame = chain.frame(recordLine(draft, { log, epoch, seq, prev }, time))
    const { leaf } = frame
    try {
      live.write(frame)
    } catch (error) {
      throw new WriteFailure(this.#giveUp(live, error, 'a write failed'), false)
    }
    this.#records++
    this.#calls.note(draft, seq)
    try {
      this.#loop.appended(live, ageNanos, options.checkpoint === true)
    } catch (error) {
      throw new WriteFailure(this.#giveUp(live, error, 'a sync failed'), true)
    }
    return { epoch, seq, leaf, prev }
  }

  // Formatting a time costs as much as writing a line; most records share a millisecond with another.
  #at(): string {
    const millis = this.#settings.clock.wallMillis()
    if (millis !== this.#lastMillis) {
      this.#lastMillis = millis
      this.#lastAt = new Date(millis).toISOString()
    }
    return this.#lastAt
  }

  #endEpoch(live: LiveEpoch, reason: 'shutdown' | 'rolled'): void {
    const detail = { ...this.#calls.listed(), reason, records: live.chain.size + 1 }
    try {
      this.#writeOwn(live, { type: 'epoch.close', severity: 'info', detail })
      live.checkpointDue = true
      const durable = this.#settings.durability !== 'none'
      const note = durable ? live.sync() : live.checkpointUnsynced()
      if (durable) live.syncCheckpoints()
      if (note !== undefined) this.#heads.keep(live.chain.epoch, note)
      this.#heads.flush()
    } catch (error) {
      if (error instanceof WriteFailure) throw error.reason
      throw this.#giveUp(live, error, 'the epoch could not be closed')
    }
    this.#live = undefined
    this.#loop.leave(live)
    live.release()
  }

  /** Stops writing to an epoch; what it holds stays as it is, and the next opener names it. */
  #giveUp(live: LiveEpoch, cause: unknown, what: string): AuditError {
    const { epoch } = live.chain
    if (this.#givenUp.has(epoch) || !this.#epochs.has(epoch)) return this.#failed(cause, what)
    const failure = this.#failed(cause, what, { epoch, seq: live.chain.size })
    this.#givenUp.set(epoch, live.syncedSize)
    if (this.#givenUp.size > REMEMBERED_FAILURES_MAX) {
      this.#givenUp.delete(this.#givenUp.keys().next().value as string)
    }
    this.#failedEpochs++
    this.#failure = failure
    if (this.#live === live) this.#live = undefined
    live.release()
    try {
      const beat = this.#settings.clock.wallMillis()
      saveWriterState(live.folder, { ...ownProcess(), beat, failed: true })
    } catch {
      // On a full disk others take it for live as long as this process runs.
    }
    this.#loop.leave(live, failure)
    this.#heads.flush()
    this.#settings.onProblem(failure)
    return failure
  }

  #lostBefore(record: RecordPlace | undefined): AuditError | undefined {
    if (record === undefined) return this.#failure
    const synced = this.#givenUp.get(record.epoch)
    if (synced === undefined || record.seq < synced) return undefined
    const { epoch, seq } = record
    return this.#failed(undefined, 'the epoch was given up before the record was synced', {
      epoch,
      seq,
    })
  }

  #onBeat(): void {
    const live = this.#live
    if (live === undefined) return
    try {
      saveWriterState(live.folder, { ...ownProcess(), beat: this.#settings.clock.wallMillis() })
      if (!live.isInPlace()) throw new Error('its file was removed or replaced')
    } catch (error) {
      if (live.isInPlace()) this.#report(error, 'the beat could not be written')
      else this.#giveUp(live, error, 'writing cannot go on')
    }
  }

  #report(cause: unknown, what: string): void {
    this.#settings.onProblem(this.#failed(cause, what))
  }

  #failed(cause: unknown, what: string, at?: RecordPlace): AuditError {
    if (cause instanceof AuditError) return cause
    const why = cause === undefined ? '' : ` (${messageOf(cause)})`
    const message = `journal ${this.journal}: ${what}${why}`
    return new AuditError('JOURNAL_FAILED', message, {
      cause,
      details: { file: this.journal, ...at },
    })
  }
}

/** Carries out of `#write` whether the record may be read although the call failed. */
class WriteFailure extends Error {
  readonly reason: AuditError
  readonly written: boolean

  constructor(reason: AuditError, written: boolean) {
    super(reason.message)
    this.reason = reason
    this.written = written
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
