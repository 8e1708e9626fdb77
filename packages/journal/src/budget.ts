// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, RECORD_BYTES_MAX } from '@spanseal/core'
import { FolderSize } from './folder-size.ts'
import { freeSpace } from './journal-fs.ts'
import { journalFailed } from './write-failure.ts'
import type { WriterOptions, WriterSettings } from './writer-options.ts'

/** What a journal may take of the disk. */
export interface BudgetOptions {
  /**
   * Bytes of all epochs in the folder; at least 1 MiB, default: no limit. The last sixteenth, at
   * most 1 MiB, is kept for the log's own records.
   */
  readonly bytesMax?: number
  /**
   * Bytes of the file system that stay free for others; default: 64 MiB, or a twentieth of the file
   * system where that is less. 0: until nothing is left.
   */
  readonly freeBytesMin?: number
  /**
   * When a record does not fit: `refuse` it (`JOURNAL_FULL`), or `make-room` first by what
   * `WriterOptions.makeRoom` can remove. Default `refuse`.
   */
  readonly policy?: 'refuse' | 'make-room'
}

/** {@link BudgetOptions}, checked; an absent `freeBytesMin` follows from the file system. */
export interface BudgetLimits {
  readonly bytesMax: number
  readonly freeBytesMin: number | undefined
  readonly makesRoom: boolean
}

const MEBIBYTE = 1024 * 1024
const BYTES_MAX_MIN = MEBIBYTE
const RESERVE_BYTES_MAX = MEBIBYTE
const RESERVE_SHARE = 16
const FREE_BYTES_MIN_DEFAULT = 64 * MEBIBYTE
const FREE_SHARE_DEFAULT = 20
/** Room that is looked for before a full journal takes records again: no gap for every second one. */
const RESUME_BYTES = 2 * RECORD_BYTES_MAX
/** Half of the room that is there is written before one looks again, but at least this much. */
const GRANT_BYTES_MIN = MEBIBYTE
/** Room is made in steps of this size, so that it is not made for every record. */
const ROOM_STEP_BYTES = 16 * MEBIBYTE
const ROOM_STEP_SHARE = 8
const NANOS_PER_MILLI = 1_000_000

/** @throws AuditError `INVALID_OPTION` naming the option */
export function budgetLimits({ budget = {}, makeRoom }: WriterOptions): BudgetLimits {
  const { bytesMax, freeBytesMin, policy = 'refuse' } = budget
  if (bytesMax !== undefined && !(Number.isSafeInteger(bytesMax) && bytesMax >= BYTES_MAX_MIN)) {
    throw invalid('budget.bytesMax', bytesMax, `a whole number from ${BYTES_MAX_MIN} on`)
  }
  if (freeBytesMin !== undefined && !(Number.isSafeInteger(freeBytesMin) && freeBytesMin >= 0)) {
    throw invalid('budget.freeBytesMin', freeBytesMin, 'a whole number from 0 on')
  }
  if (policy !== 'refuse' && policy !== 'make-room') {
    throw invalid('budget.policy', policy, 'refuse or make-room')
  }
  if (policy === 'make-room' && makeRoom === undefined) {
    throw invalid('budget.policy', policy, 'refuse, as nobody can make room here')
  }
  return {
    bytesMax: bytesMax ?? Number.POSITIVE_INFINITY,
    freeBytesMin,
    makesRoom: policy === 'make-room',
  }
}

function invalid(option: string, value: unknown, expected: string): AuditError {
  const message = `${option}: ${String(value)} given, expected ${expected}`
  return new AuditError('INVALID_OPTION', message, { details: { option } })
}

/**
 * Keeps a writer within what its journal may take. It counts what it writes and looks at the disk
 * only now and then: at each beat, and each time that half of the room it saw last is used up.
 * Several writers may together go beyond the limit by what they write between two beats.
 */
export class Budget {
  readonly #settings: WriterSettings
  readonly #size: FolderSize
  /** Bytes that may be written before one looks again. */
  #granted = 0
  #isFull = false
  #lookAgainAtNanos = 0n
  /** The system said that there is no space, whatever was counted. */
  #isExhausted = false
  /** What the last look found short. */
  #shortage = ''

  constructor(settings: WriterSettings) {
    this.#settings = settings
    this.#size = new FolderSize(settings.journal)
  }

  /** The last record was refused, and no room was found since. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Counts a record of the log's own, for which there is a reserve. */
  spend(bytes: number): void {
    this.#granted -= bytes
  }

  /** Whether a record may be written; counts it. */
  admit(bytes: number): boolean {
    this.#granted -= bytes
    return this.#granted >= 0 || this.#admitSlowly(bytes)
  }

  #admitSlowly(bytes: number): boolean {
    const room = this.#roomFor(bytes)
    if (room < bytes) {
      this.#close()
      return false
    }
    this.#granted = grantOf(room, bytes) - bytes
    return true
  }

  /** Whether records may be written again; looks at most once in `retryMillis`. */
  hasRoom(nowNanos: bigint): boolean {
    if (!this.#isFull) return true
    if (nowNanos < this.#lookAgainAtNanos) return false
    const room = this.#roomFor(RESUME_BYTES)
    if (room < RESUME_BYTES) {
      this.#close()
      return false
    }
    this.#isFull = false
    this.#granted = grantOf(room, RESUME_BYTES)
    return true
  }

  /**
   * Makes sure that another epoch may be opened: that is the log's own, too.
   *
   * @throws AuditError `JOURNAL_FULL` when even the reserve is used up
   */
  admitEpoch(): void {
    if (this.#isExhausted) this.#makeRoom(RESUME_BYTES)
    this.#isExhausted = false
    const { bytesMax } = this.#settings.budget
    if (bytesMax === Number.POSITIVE_INFINITY) return
    const used = (): number => this.#size.bytes()
    if (used() < bytesMax || (this.#makeRoom(RESUME_BYTES) > 0 && used() < bytesMax)) return
    this.#look()
    this.#close()
    throw this.failure()
  }

  /** Looks at the disk, as others use it too. */
  refresh(): void {
    if (!this.#isFull) this.#granted = grantOf(this.#look(), 0)
  }

  /** Takes note that the system had no space left. */
  exhausted(): void {
    this.#isExhausted = true
  }

  /** Why a record is refused. */
  failure(): AuditError {
    const { journal } = this.#settings
    return new AuditError('JOURNAL_FULL', `journal ${journal}: full, ${this.#shortage}`, {
      details: { file: journal },
    })
  }

  #close(): void {
    const { clock, retryMillis } = this.#settings
    this.#isFull = true
    this.#granted = 0
    this.#lookAgainAtNanos = clock.monoNanos() + BigInt(retryMillis * NANOS_PER_MILLI)
  }

  /** Bytes that there are for ordinary records, after room was made where that is the policy. */
  #roomFor(bytes: number): number {
    const room = this.#look()
    return room < bytes && this.#makeRoom(bytes) > 0 ? this.#look() : room
  }

  #makeRoom(bytes: number): number {
    const { budget, makeRoom, onProblem, journal } = this.#settings
    if (!budget.makesRoom || makeRoom === undefined) return 0
    const step = Math.min(ROOM_STEP_BYTES, Math.ceil(budget.bytesMax / ROOM_STEP_SHARE))
    try {
      return makeRoom(Math.max(bytes, step))
    } catch (cause) {
      onProblem(journalFailed(journal, 'no room could be made', { cause }))
      return 0
    }
  }

  #look(): number {
    const { bytesMax } = this.#settings.budget
    const free = this.#freeRoom()
    if (bytesMax === Number.POSITIVE_INFINITY) return free
    const used = this.#size.bytes()
    const reserve = Math.min(RESERVE_BYTES_MAX, Math.ceil(bytesMax / RESERVE_SHARE))
    const room = bytesMax - reserve - used
    if (room > free) return free
    this.#shortage =
      `its epochs take ${used} of ${bytesMax} bytes (budget.bytesMax); ` +
      'deliver them and remove what was delivered, or raise the budget'
    return room
  }

  #freeRoom(): number {
    const { fs, journal, budget } = this.#settings
    if (budget.freeBytesMin === 0) return Number.POSITIVE_INFINITY
    try {
      const { freeBytes, totalBytes } = fs.freeSpace?.(journal) ?? freeSpace(journal)
      // Some file systems tell nothing, and then all numbers are 0.
      if (totalBytes === 0) return Number.POSITIVE_INFINITY
      const share = Math.floor(totalBytes / FREE_SHARE_DEFAULT)
      const min = budget.freeBytesMin ?? Math.min(FREE_BYTES_MIN_DEFAULT, share)
      this.#shortage =
        `${freeBytes} bytes are free on its file system, of which ${min} are to stay so ` +
        '(budget.freeBytesMin); make room there, or give the journal a file system of its own'
      return freeBytes - min
    } catch {
      return Number.POSITIVE_INFINITY // then a write will say it
    }
  }
}

function grantOf(room: number, bytes: number): number {
  return Math.max(0, Math.min(room, Math.max(room / 2, GRANT_BYTES_MIN, bytes)))
}
