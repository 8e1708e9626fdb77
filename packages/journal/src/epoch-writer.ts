// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EventType, RecordDraft } from '@spanseal/core'
import { AuditError, assertLogName, recordLine } from '@spanseal/core'
import type { AppendedRecord, AppendOptions, RecordPlace, WriterHealth } from './append.ts'
import { Budget } from './budget.ts'
import type { GapReason } from './gap.ts'
import { GapTally, gapDraft } from './gap.ts'
import { HeadKeeper } from './head-keeper.ts'
import { errnoOf } from './journal-fs.ts'
import { openJournalFolder, unusable } from './journal-path.ts'
import type { LiveEpoch } from './live-epoch.ts'
import { openNextEpoch } from './next-epoch.ts'
import { OpenCalls } from './open-calls.ts'
import { refuseOtherLog } from './other-log.ts'
import { OwnEpochs } from './own-epochs.ts'
import { TimeText } from './record-time.ts'
import { SyncLoop } from './sync-loop.ts'
import { Pulses } from './vitals.ts'
import type { GivenUpFor } from './write-failure.ts'
import {
  FAILED_CLOSE,
  FAILED_MEANWHILE,
  FAILED_SYNC,
  FAILED_WRITE,
  journalFailed,
  messageOf,
  openFailure,
  standingError,
  WriteFailure,
} from './write-failure.ts'
import type { WriterOptions, WriterSettings } from './writer-options.ts'
import { writerSettings } from './writer-options.ts'

/** A record with its time: nanoseconds since `epoch.open`. */
interface NewRecord {
  readonly draft: RecordDraft
  readonly ageNanos: number
  readonly options: AppendOptions
}

const NANOS_PER_MILLI = 1_000_000
const NO_SPACE = new Set(['ENOSPC', 'EDQUOT'])
/** A build that itself appends moves its own place and is run again, this often at most. */
const BUILD_ATTEMPTS_MAX = 8
/** Where a record is built that cannot stand anywhere. */
const NOWHERE: RecordPlace = { epoch: '00000000-0000-7000-8000-000000000000', seq: 0 }

/**
 * Opens an epoch in a journal and writes to it.
 *
 * Guarantee: a record whose `append` returned survives the end of the process, however it ends, and
 * a crash of the machine as `durability` says. Any number of writers may share a folder, in any
 * number of processes, threads and copies of this library: each writes to epochs of its own.
 *
 * @throws AuditError `INVALID_OPTION` for an option that cannot be used
 * @throws AuditError `JOURNAL_UNUSABLE` when the folder cannot be made or written to, or holds
 * another log
 * @throws AuditError `JOURNAL_FULL` when not even another epoch fits into its budget
 */
export function openWriter(options: WriterOptions): EpochWriter {
  const settings = writerSettings(options)
  assertLogName(settings.log)
  const journal = openJournalFolder(settings.journal, settings.refuseInside)
  refuseOtherLog(journal, settings.log)
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
  readonly #budget: Budget
  readonly #gap = new GapTally()
  readonly #pulses: Pulses

  // Owned by the synchronous methods below. `#live` is undefined while writing fails and once closed.
  #live: LiveEpoch | undefined
  #calls: OpenCalls = new OpenCalls('')
  #closed = false
  #records = 0
  #failure: WriteFailure | undefined
  /** Why the last epoch was given up or none could be opened, though others were since. */
  #lastReason: GapReason = 'write_failed'
  #retryAtNanos = 0n
  readonly #own = new OwnEpochs()
  readonly #time = new TimeText()

  constructor(settings: WriterSettings) {
    this.#settings = settings
    this.journal = settings.journal
    this.log = settings.log
    this.#budget = new Budget(settings)
    this.#pulses = new Pulses(settings, () => this.#gap.whole)
    this.#loop = new SyncLoop(settings, {
      failed: (live, error) => void this.#giveUp(live, error, FAILED_MEANWHILE),
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
    return this.#own.ids
  }

  /** The epoch that takes the next record, unless it is rolled first; absent while writing fails. */
  get epoch(): string | undefined {
    return this.#live?.chain.epoch
  }

  health(): WriterHealth {
    const live = this.#live
    const { pending, written } = this.#gap
    return {
      ...(live === undefined ? {} : { epoch: live.chain.epoch }),
      records: this.#records,
      unsynced:
        this.#own.neverSynced + (live === undefined ? 0 : live.chain.size - live.syncedSize),
      bytes: live?.bytes ?? 0,
      full: this.#budget.isFull,
      ...(pending === undefined ? {} : { gap: pending }),
      gaps: written,
      failedEpochs: this.#own.failed,
      ...(this.#failure === undefined ? {} : { failure: this.#failure.reason }),
    }
  }

  /**
   * Writes one record; when it returns the record is in the file, and on disk under durability
   * `every`. Synchronous.
   *
   * @param build gets the record's place and returns the rest; it may be called again with another
   * place, when it appended itself or the epoch had to be given up
   * @throws AuditError `JOURNAL_FAILED` when it could not be written: it is then in no readable part
   * of the journal, and the next gap counts it; the next call tries a new epoch. Under durability
   * `every` also when it was written and its sync failed: then it stands, is in no gap, and must not
   * be appended again; `details` name `epoch` and `seq`, and `standingRecord` gives it.
   * @throws AuditError `JOURNAL_FULL` when the budget is used up: nothing was written
   * @throws AuditError `JOURNAL_CLOSED` after `close`
   * @throws AuditError `RECORD_TOO_LARGE`, `NOT_REPRESENTABLE`, what `build` throws: see `noteLost`
   */
  append(build: (at: RecordPlace) => RecordDraft, options: AppendOptions = {}): AppendedRecord {
    let { type } = options
    let failure: WriteFailure | undefined
    for (let attempt = 0; attempt < BUILD_ATTEMPTS_MAX; attempt++) {
      try {
        const live = this.#usable(this.#settings.clock.monoNanos())
        const { epoch, size: seq } = live.chain
        const draft = build({ epoch, seq })
        if (this.#live !== live || live.chain.size !== seq) continue
        type = draft.type
        // Not the reading from above: behind it may stand an opening, or a gap, with a later time.
        const ageNanos = live.ageNanos(this.#settings.clock.monoNanos())
        return this.#write(live, { draft, ageNanos, options }, false)
      } catch (error) {
        if (!(error instanceof WriteFailure)) throw error
        // Nothing of it can be read, so it may stand in a new epoch; twice is enough.
        const isLast = failure !== undefined || !error.mayRetry
        failure = error
        if (isLast) break
      }
    }
    const moved = 'a record kept moving while it was built'
    failure ??= new WriteFailure(this.#failed(undefined, moved), 'write_failed')
    // It is not lost: whoever reads the journal finds it, and no gap may count it.
    if (failure.written !== undefined) throw standingError(this.journal, failure, failure.written)
    if (options.comesAgain !== true) {
      const lostType = type ?? build(NOWHERE).type
      this.#noteLoss((now) => this.#gap.lost(lostType, failure.gap, now))
    }
    throw failure.reason
  }

  /** A call was not made, as its intent could not be made durable: the next gap says how many. */
  noteRefused(): void {
    const reason = this.#gap.reason ?? (this.#budget.isFull ? 'journal_full' : this.#lastReason)
    this.#noteLoss((now) => this.#gap.refused(reason, now))
  }

  /** A record could not be made, so that `append` counted nothing: the next gap does. */
  noteLost(type: EventType): void {
    this.#noteLoss((now) => this.#gap.lost(type, 'write_failed', now))
  }

  #noteLoss(count: (nowMillis: number) => void): void {
    const isFirst = !this.#gap.isPending
    count(this.#settings.clock.wallMillis())
    // Left in the folder at once: should the process end, it is all that is said.
    if (isFirst && !this.#closed) this.#pulses.tryBeat(this.#live)
  }

  /**
   * Resolves once the record is on disk, whatever the durability; whoever waits shares one sync.
   *
   * @param record default: everything appended so far to the present epoch
   * @throws (rejects) AuditError `JOURNAL_FAILED` when its epoch was given up before it was synced
   */
  synced(record?: RecordPlace): Promise<void> {
    const live = this.#live
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
        throw this.#giveUp(live, error, FAILED_SYNC)
      }
      return
    }
    const lost = this.#lostBefore(record)
    if (lost !== undefined) throw lost
  }

  /**
   * Writes the gap that is due, ends the epoch with `epoch.close` and its last checkpoint, syncs (but
   * for durability `none`) and lets go of the files. Synchronous and idempotent.
   *
   * @throws AuditError `JOURNAL_FAILED` when the end could not be written, the epoch then counts as
   * crashed; or when records were lost and no gap could be written that says so
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#beat)
    const untold = this.#gap.isPending ? this.#tellGap() : undefined
    if (this.#live !== undefined) this.#endEpoch(this.#live, 'shutdown')
    else if (untold !== undefined) this.#pulses.renew()
    if (untold !== undefined) throw untold
  }

  // The last chance to say what was lost: the reserve is for that, and one failure is not the end.
  #tellGap(): AuditError | undefined {
    let failure: unknown
    for (let attempt = 0; attempt < 2 && this.#gap.isPending; attempt++) {
      try {
        this.#writeGap(this.#live ?? this.#openEpoch())
      } catch (error) {
        failure = error
      }
    }
    const { pending } = this.#gap
    if (pending === undefined) return undefined
    const lost = `${pending.records} records and ${pending.refused} refused calls stand in no gap`
    return journalFailed(this.journal, lost, { cause: new Error(messageOf(failure)) })
  }

  // The epoch to write to: the present one, its successor when it is full, a new one after a failure.
  #usable(nowNanos: bigint): LiveEpoch {
    if (this.#closed) throw new AuditError('JOURNAL_CLOSED', 'the journal is closed')
    const live = this.#live
    // While the budget is used up a gap is pending, too.
    if (
      live !== undefined &&
      !this.#gap.isPending &&
      !this.#isFull(live, live.ageNanos(nowNanos))
    ) {
      return live
    }
    return this.#renewed(nowNanos)
  }

  #renewed(nowNanos: bigint): LiveEpoch {
    if (!this.#budget.hasRoom(nowNanos)) {
      throw new WriteFailure(this.#budget.failure(), 'journal_full')
    }
    let live = this.#live
    if (live === undefined && nowNanos < this.#retryAtNanos && this.#failure !== undefined) {
      throw this.#failure
    }
    if (live === undefined || this.#isFull(live, live.ageNanos(nowNanos))) {
      try {
        if (live !== undefined) this.#roll(live)
        live = this.#openEpoch()
      } catch (error) {
        this.#retryAtNanos = nowNanos + BigInt(this.#settings.retryMillis * NANOS_PER_MILLI)
        this.#failure = openFailure(this.journal, error)
        this.#lastReason = this.#failure.gap
        throw this.#failure
      }
    }
    if (this.#gap.isPending) this.#writeGap(live)
    return live
  }

  /** The first record when writing works again says what is missing before it. */
  #writeGap(live: LiveEpoch): void {
    const size = live.chain.size
    const { whole } = this.#gap
    try {
      if (whole !== undefined) this.#writeOwn(live, gapDraft(whole), { checkpoint: true })
    } catch (error) {
      // Whatever became of the gap, nothing of the record behind it was written.
      if (!(error instanceof WriteFailure)) throw error
      throw new WriteFailure(error.reason, error.gap, { mayRetry: true })
    } finally {
      // A gap whose sync failed can be read: the next epoch observes it, it cannot vanish unseen.
      if (live.chain.size > size) this.#gap.settle()
      this.#pulses.told(live)
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
      live.chain.size >= epochRecordsMax - (this.#gap.isPending ? 2 : 1) || // `gap`, `epoch.close`
      live.bytes >= epochBytesMax ||
      ageNanos >= epochMillisMax * NANOS_PER_MILLI
    )
  }

  #openEpoch(): LiveEpoch {
    const { keys } = this.#settings
    this.#budget.admitEpoch()
    const { live, note, opening, gaps, settled } = openNextEpoch(this.#settings, this.#own)
    this.#live = live
    this.#calls = new OpenCalls(live.chain.epoch)
    this.#records++
    this.#heads.keep(live.chain.epoch, note)
    this.#writeOpening(live, opening)
    for (const { gap } of gaps) this.#gap.toldAnother(gap)
    this.#own.named()
    this.#failure = undefined
    try {
      // Until the gap stands somewhere, its epoch must be looked at again.
      const isDue = this.#gap.isPending ? (epoch: string) => !this.#own.ids.has(epoch) : () => true
      keys.heads.settle(settled.filter(isDue))
    } catch (error) {
      this.#report(error, 'the keyring could not note what was observed')
    }
    return live
  }

  #writeOpening(live: LiveEpoch, drafts: readonly RecordDraft[]): void {
    try {
      for (const draft of drafts) this.#writeOwn(live, draft)
      if (drafts.some(({ type }) => type === 'gap')) live.checkpointDue = true
      if (drafts.length > 0 && this.#settings.durability !== 'none') this.#loop.syncNow(live)
    } catch (error) {
      if (error instanceof WriteFailure) throw error.reason
      throw this.#giveUp(live, error, FAILED_SYNC)
    }
  }

  /** Writes one of the log's own records. */
  #writeOwn(live: LiveEpoch, draft: RecordDraft, options: AppendOptions = {}): void {
    const ageNanos = live.ageNanos(this.#settings.clock.monoNanos())
    this.#write(live, { draft, ageNanos, options }, true)
  }

  /** @throws WriteFailure when the budget is used up, or the epoch had to be given up */
  #write(live: LiveEpoch, record: NewRecord, isOwn: boolean): AppendedRecord {
    const { draft, ageNanos, options } = record
    const { chain } = live
    const { log, epoch, prev, size: seq } = chain
    const at = this.#time.of(this.#settings.clock.wallMillis())
    const mono_ns = String(ageNanos)
    const { eventAt } = options
    const time = eventAt === undefined ? { at, mono_ns } : { at, event_at: eventAt, mono_ns }
    const frame = chain.frame(recordLine(draft, { log, epoch, seq, prev }, time))
    const { bytes, leaf } = frame
    if (isOwn) this.#budget.spend(bytes.length)
    else if (!this.#budget.admit(bytes.length)) {
      throw new WriteFailure(this.#budget.failure(), 'journal_full')
    }
    try {
      live.write(frame)
    } catch (error) {
      const mayRetry = true
      throw new WriteFailure(this.#giveUp(live, error, FAILED_WRITE), 'write_failed', { mayRetry })
    }
    this.#records++
    this.#calls.note(draft, seq)
    const written = { epoch, seq, leaf, prev }
    try {
      this.#loop.appended(live, ageNanos, options.checkpoint === true)
    } catch (error) {
      throw new WriteFailure(this.#giveUp(live, error, FAILED_SYNC), 'sync_failed', { written })
    }
    return written
  }

  #endEpoch(live: LiveEpoch, reason: 'shutdown' | 'rolled'): void {
    const detail = { ...this.#calls.listed(), reason, records: live.chain.size + 1 }
    try {
      this.#writeOwn(live, { type: 'epoch.close', severity: 'info', detail })
      live.checkpointDue = true
      const durable = this.#settings.durability !== 'none'
      const note = durable ? live.sync(true) : live.checkpointUnsynced()
      if (durable) live.syncCheckpoints()
      if (note !== undefined) this.#heads.keep(live.chain.epoch, note)
      this.#heads.flush()
    } catch (error) {
      if (error instanceof WriteFailure) throw error.reason
      throw this.#giveUp(live, error, FAILED_CLOSE)
    }
    this.#live = undefined
    this.#own.closed(live)
    this.#loop.leave(live)
    live.release()
    this.#pulses.leave(live, 'closed')
  }

  /** Stops writing to an epoch; what it holds stays as it is, and the next opener names it. */
  #giveUp(live: LiveEpoch, cause: unknown, { what, gap }: GivenUpFor): AuditError {
    const { epoch } = live.chain
    if (this.#own.wasGivenUp(epoch)) return this.#failed(cause, what)
    const failure = this.#failed(cause, what, { epoch })
    this.#own.gaveUp(live, cause)
    this.#failure = new WriteFailure(failure, gap)
    this.#lastReason = gap
    if (NO_SPACE.has(errnoOf(cause) ?? '')) this.#budget.exhausted()
    if (this.#live === live) this.#live = undefined
    live.release()
    this.#pulses.leave(live, 'failed')
    this.#loop.leave(live, failure)
    this.#heads.flush()
    this.#settings.onProblem(failure)
    return failure
  }

  // Without a record: whether writing fails at present.
  #lostBefore(record: RecordPlace | undefined): AuditError | undefined {
    if (record === undefined) return this.#failure?.reason
    if (!this.#own.lost(record)) return undefined
    const { epoch, seq } = record
    const what = 'the epoch was given up before the record was synced'
    return this.#failed(undefined, what, { epoch, seq })
  }

  #onBeat(): void {
    const live = this.#live
    if (live !== undefined) this.#beatOf(live)
    else this.#pulses.renew()
    this.#budget.refresh()
    if (!this.#gap.isPending) return
    try {
      // Nobody may append for long: then the gap must not wait for it.
      this.#usable(this.#settings.clock.monoNanos())
    } catch {
      // It was told when it first failed.
    }
  }

  #beatOf(live: LiveEpoch): void {
    try {
      this.#pulses.beat(live)
      if (!live.isInPlace()) throw new Error('its file was removed or replaced')
    } catch (error) {
      if (live.isInPlace()) this.#report(error, 'the beat could not be written')
      else this.#giveUp(live, error, FAILED_MEANWHILE)
    }
  }

  #report(cause: unknown, what: string): void {
    this.#settings.onProblem(this.#failed(cause, what))
  }

  #failed(cause: unknown, what: string, at?: Partial<RecordPlace>): AuditError {
    return journalFailed(this.journal, what, { cause, ...(at === undefined ? {} : { at }) })
  }
}
