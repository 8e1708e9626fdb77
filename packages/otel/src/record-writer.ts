// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Block, EventType, RecordDraft, Retention, TraceRef } from '@spanseal/core'
import { AuditError, block, EVENT_TYPES } from '@spanseal/core'
import type { AppendedRecord, AppendOptions, EpochWriter, RecordPlace } from '@spanseal/journal'
import { standingRecord } from '@spanseal/journal'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import type { VaultIntake } from './vault-intake.ts'

/** What a record says beside who it is about. */
export type RecordContent = Omit<RecordDraft, 'type' | 'trace' | 'retention'>

export interface RecordHead {
  readonly type: EventType
  readonly trace: TraceRef
  /** When it happened, where that was earlier. */
  readonly eventAt?: string | undefined
  /** Followed by a checkpoint as soon as it is synced. */
  readonly urgent?: boolean | undefined
}

/** What a record about the audit itself says. */
type OwnContent = Omit<RecordDraft, 'type'>

/** A record that is written as soon as writing works. */
interface Remembered {
  readonly type: EventType
  readonly build: (at: RecordPlace) => OwnContent
  /** When it was first tried. */
  readonly since: string
}

/** Records that wait until writing works again; there are two a break-glass period. */
const REMEMBERED_MAX = 1_000

/** Appends records. What goes wrong is counted and said, never thrown into the agent. */
export class RecordWriter {
  readonly #writer: EpochWriter
  readonly #counters: Counters
  readonly #retention: Block<Retention> | undefined
  readonly #vault: VaultIntake | undefined
  readonly #now: () => number
  /** Oldest first; owned by appendSurely and writeRemembered. */
  #remembered: Remembered[] = []
  #isWritingRemembered = false
  /** The last record that was written. */
  last: AppendedRecord | undefined
  /** Why the last `append` gave nothing, or a record that is not known to be on disk. */
  failure: unknown
  /** Records that came after the journal was closed: no gap can count them. */
  late = 0

  constructor(
    writer: EpochWriter,
    counters: Counters,
    {
      retention,
      vault,
      now,
    }: {
      readonly retention: Retention | undefined
      readonly vault: VaultIntake | undefined
      readonly now: () => number
    },
  ) {
    this.#now = now
    this.#vault = vault
    this.#writer = writer
    this.#counters = counters
    this.#retention = retention && block(retention)
  }

  /**
   * Appends one record; `build` is given its place, which commitments are bound to, and may be run
   * again with another.
   *
   * @returns undefined where it could not be written; for that, and for a record that was written under
   * durability `every` and not synced, see {@link failure}
   */
  append(head: RecordHead, build: (at: RecordPlace) => RecordContent): AppendedRecord | undefined {
    const { type, trace, eventAt, urgent } = head
    const retention = this.#retention
    if (this.#remembered.length > 0) this.writeRemembered()
    const options = eventAt === undefined && urgent !== true ? OF_TYPE[type] : optionsOf(head)
    try {
      const appended = this.#writer.append((at) => {
        this.#vault?.restart()
        const content = build(at)
        return retention === undefined
          ? { ...content, trace, type }
          : { ...content, retention, trace, type }
      }, options)
      this.failure = undefined
      return this.#written(appended)
    } catch (error) {
      this.failure = error
      const standing = standingRecord(error)
      if (standing !== undefined) return this.#unsynced(standing, error)
      this.#vault?.restart()
      this.#lost(type, error)
      this.#counters.warnOnce('write', `a record could not be written: ${reasonOf(error)}`)
      return undefined
    }
  }

  /** How many records wait until writing works again. */
  get remembered(): number {
    return this.#remembered.length
  }

  /**
   * Appends a record about the audit itself, checkpointed at once. Where it cannot be written it is
   * remembered, and written before any other record once that is possible. Never throws.
   */
  appendSurely(type: EventType, build: (at: RecordPlace) => OwnContent): void {
    const since = new Date(this.#now()).toISOString()
    if (this.#remembered.length >= REMEMBERED_MAX) {
      // Not the first, which may be being written.
      const [, second] = this.#remembered
      if (second !== undefined) this.#forget(second, TOO_MANY)
    }
    this.#remembered.push({ type, build, since })
    this.writeRemembered()
  }

  /**
   * Writes what is remembered, as far as that is possible. Never throws.
   *
   * @param comesAgain false the last time: what cannot be written then is lost, and a gap counts it
   */
  writeRemembered(comesAgain = true): void {
    // The writer asks for vitals as it writes, and they find that a period is over.
    if (this.#isWritingRemembered) return
    this.#isWritingRemembered = true
    try {
      for (let first = this.#remembered[0]; first !== undefined; first = this.#remembered[0]) {
        if (!this.#writeFirst(first, comesAgain)) return
      }
    } finally {
      this.#isWritingRemembered = false
    }
  }

  /** @returns whether it is done with: written, or lost */
  #writeFirst(first: Remembered, comesAgain: boolean): boolean {
    const { type, build, since } = first
    const isLate = new Date(this.#now()).toISOString() !== since
    const options = { type, checkpoint: true, comesAgain, ...(isLate && { eventAt: since }) }
    try {
      const appended = this.#writer.append((at) => {
        this.#vault?.restart()
        return { ...build(at), type }
      }, options)
      this.#written(appended)
    } catch (error) {
      const standing = standingRecord(error)
      if (standing === undefined) {
        this.#vault?.restart()
        if (comesAgain && isPassing(error)) return false
        this.#forget(first, error)
        return true
      }
      this.#unsynced(standing, error)
    }
    this.#remembered = this.#remembered.filter((each) => each !== first)
    return true
  }

  #written(record: AppendedRecord): AppendedRecord {
    this.#counters.recordsWritten++
    this.#vault?.take()
    this.last = record
    return record
  }

  /** It stands in the journal, and may not be on disk: it must not be written again. */
  #unsynced(record: AppendedRecord, why: unknown): AppendedRecord {
    this.#counters.recordsFailed++
    this.#counters.warnOnce('sync', `records could not be synced: ${reasonOf(why)}`)
    return this.#written(record)
  }

  #forget(forgotten: Remembered, why: unknown): void {
    this.#remembered = this.#remembered.filter((each) => each !== forgotten)
    this.#lost(forgotten.type, why)
    const reason = why === TOO_MANY ? TOO_MANY : reasonOf(why)
    this.#counters.warnOnce('remember', `a record about the audit itself is lost: ${reason}`)
  }

  /** Whatever the reason, the next gap counts what is missing. */
  #lost(type: EventType, why: unknown): void {
    this.#counters.recordsFailed++
    const code = why instanceof AuditError ? why.code : undefined
    if (code === 'JOURNAL_CLOSED') this.late++
    else if (!isPassing(why)) this.#writer.noteLost(type)
  }
}

const TOO_MANY = 'too many wait'

/** A failure of the writer's own, which counts in its gap what is not to come again. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof AuditError &&
    (error.code === 'JOURNAL_FAILED' || error.code === 'JOURNAL_FULL')
  )
}

// Made once: nearly every record is appended with nothing but its type.
const OF_TYPE = Object.fromEntries(EVENT_TYPES.map((type) => [type, { type }])) as {
  readonly [T in EventType]: AppendOptions
}

function optionsOf({ type, eventAt, urgent }: RecordHead): AppendOptions {
  return { type, ...(eventAt !== undefined && { eventAt }), checkpoint: urgent === true }
}
