// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { LiveEpoch } from './live-epoch.ts'
import type { WriterSettings } from './writer-options.ts'

/** A record somebody waits for, until it is on disk. */
interface Waiter {
  readonly live: LiveEpoch
  readonly seq: number
  readonly resolve: () => void
  readonly reject: (error: AuditError) => void
}

export interface SyncLoopEvents {
  /** A sync or a checkpoint failed: the epoch must be given up. */
  readonly failed: (live: LiveEpoch, error: unknown) => void
  /** A checkpoint was taken. */
  readonly checkpoint: (live: LiveEpoch, note: string) => void
}

/** After this many intervals without a timer having run, the loop is blocked: sync in the append. */
const LATE_INTERVALS = 4
const NANOS_PER_MILLI = 1_000_000

/**
 * Decides when an epoch's records are synced and checkpoints are taken. Timers are unref'ed and
 * armed only while there is something to do; nothing is ever thrown from one.
 */
export class SyncLoop {
  readonly #settings: WriterSettings
  readonly #events: SyncLoopEvents
  readonly #lateNanos: number
  #timer: NodeJS.Timeout | undefined
  #running: LiveEpoch | undefined
  /** A round that starts once this turn of the event loop is over. */
  #due: NodeJS.Immediate | undefined
  #waiters: Waiter[] = []

  constructor(settings: WriterSettings, events: SyncLoopEvents) {
    this.#settings = settings
    this.#events = events
    this.#lateNanos = settings.syncIntervalMillis * NANOS_PER_MILLI * LATE_INTERVALS
  }

  /**
   * Takes note of a record that was just written.
   *
   * @throws what the sync throws, under durability `every` only
   */
  appended(live: LiveEpoch, ageNanos: number, checkpoint: boolean): void {
    const { durability, checkpointRecords } = this.#settings
    const { size } = live.chain
    if (size === live.syncedSize + 1) live.unsyncedSinceNanos = ageNanos
    if (checkpoint || size - live.checkpointedSize >= checkpointRecords) live.checkpointDue = true
    if (durability === 'every') this.#note(live, live.sync())
    else if (durability === 'none') this.#checkpointUnsynced(live)
    else if (checkpoint) this.#round(live)
    else if (ageNanos - live.unsyncedSinceNanos > this.#lateNanos) this.#syncLate(live, ageNanos)
    if (this.#timer === undefined && !live.released) this.#arm(live)
  }

  /** Resolves once record `seq` of `live` is on disk. */
  synced(live: LiveEpoch, seq: number): Promise<void> {
    if (seq < live.syncedSize) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ live, seq, resolve, reject })
      // Not at once: whoever else is about to append, and to wait, then shares this sync. A write to
      // a file that is being synced would also block the thread until the sync is done.
      if (this.#running !== live && this.#due === undefined) {
        this.#due = setImmediate(() => {
          this.#due = undefined
          if (!live.released && this.#waiters.length > 0) this.#round(live)
        })
      }
    })
  }

  /**
   * Syncs in place. Whoever waits for an asynchronous sync that is under way is answered by that one:
   * it may still fail.
   *
   * @throws what the sync throws
   */
  syncNow(live: LiveEpoch): void {
    if (live.chain.size > live.syncedSize || live.checkpointDue) this.#note(live, live.sync())
    this.#answer(live)
  }

  /** Ends what concerns `live`, which was closed in order or given up. */
  leave(live: LiveEpoch, error?: AuditError): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#due)
    this.#timer = undefined
    this.#due = undefined
    this.#answer(live)
    const left = this.#waiters.filter((waiter) => waiter.live === live)
    this.#waiters = this.#waiters.filter((waiter) => waiter.live !== live)
    const reason = error ?? new AuditError('JOURNAL_CLOSED', 'the journal was closed meanwhile')
    for (const { reject } of left) reject(reason)
  }

  #arm(live: LiveEpoch): void {
    const { durability, checkpointMillis, syncIntervalMillis } = this.#settings
    const delay = durability === 'none' ? checkpointMillis : syncIntervalMillis
    this.#timer = setTimeout(() => this.#onTimer(live), delay)
    this.#timer.unref()
  }

  #onTimer(live: LiveEpoch): void {
    this.#timer = undefined
    try {
      if (!live.isInPlace()) throw new Error('its file was removed or replaced')
      const { clock, checkpointMillis, durability } = this.#settings
      const age = live.ageNanos(clock.monoNanos()) - live.checkpointedAtNanos
      const isNew = live.chain.size > live.checkpointedSize
      if (isNew && age >= checkpointMillis * NANOS_PER_MILLI) live.checkpointDue = true
      if (durability === 'none') this.#checkpointUnsynced(live)
      else if (live.chain.size > live.syncedSize || live.checkpointDue) this.#round(live)
      if (isNew && !live.released) this.#arm(live)
    } catch (error) {
      this.#events.failed(live, error)
    }
  }

  #checkpointUnsynced(live: LiveEpoch): void {
    if (!live.checkpointDue) return
    try {
      this.#note(live, live.checkpointUnsynced())
    } catch (error) {
      this.#events.failed(live, error)
    }
  }

  #syncLate(live: LiveEpoch, ageNanos: number): void {
    try {
      this.syncNow(live)
      // Beside an asynchronous sync it does not count yet, and must not be run again at each record.
      live.unsyncedSinceNanos = ageNanos
    } catch (error) {
      this.#events.failed(live, error)
    }
  }

  /** One shared sync; whoever comes while it runs shares the next. */
  #round(live: LiveEpoch): void {
    if (this.#running === live) return
    this.#running = live
    const done = (error: unknown, note?: string): void => {
      if (this.#running === live) this.#running = undefined
      if (live.released) return
      if (error !== undefined) return this.#events.failed(live, error)
      this.#note(live, note)
      this.#answer(live)
      if (live.checkpointDue || this.#waiters.some((waiter) => waiter.live === live))
        this.#round(live)
    }
    try {
      live.startSync(done)
    } catch (error) {
      done(error)
    }
  }

  #note(live: LiveEpoch, note: string | undefined): void {
    if (note === undefined) return
    live.checkpointedAtNanos = live.ageNanos(this.#settings.clock.monoNanos())
    this.#events.checkpoint(live, note)
  }

  #answer(live: LiveEpoch): void {
    if (this.#waiters.length === 0) return
    const isOnDisk = (waiter: Waiter): boolean =>
      waiter.live === live && waiter.seq < live.syncedSize
    const answered = this.#waiters.filter(isOnDisk)
    this.#waiters = this.#waiters.filter((waiter) => !isOnDisk(waiter))
    for (const { resolve } of answered) resolve()
  }
}
