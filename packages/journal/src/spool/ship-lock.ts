// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { linkSync, lstatSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '@spanseal/core'
import { openRegular, readRange } from '../byte-file.ts'
import { errnoOf, FILE_MODE, isShortage } from '../journal-fs.ts'
import { CURSORS_FOLDER, RESTORE_LOCK, SINK_NAME } from '../journal-layout.ts'
import type { ProcessIdentity } from '../liveness.ts'
import { livenessOf, ownProcess } from '../liveness.ts'
import { makeFolder } from '../make-folder.ts'
import { draftPath } from './spool-fs.ts'

export interface ShipLock {
  /** Whether this call got it, and still has it. */
  readonly held: boolean
  /** Who has it instead, as far as that can be read; `host` is 8 hex digits. */
  readonly owner?: { readonly pid: number; readonly host: string }
  /** Gives it back; idempotent, never throws. */
  release(): void
}

export interface ShipLockOptions {
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
  /** How often the holder says that it lives; default 30,000. */
  readonly beatMillis?: number
}

/** A file of the lock: `.lock-<generation>.json`. */
interface LockState extends ProcessIdentity {
  /** Unix milliseconds. */
  readonly beat: number
  readonly released?: boolean
}

/** Generations: 500 takings a second for a month. Nobody made one that is greater. */
const GENERATION_MAX = 999_999_999
const LOCK = /^\.lock-([1-9]\d{0,8})\.json$/
const LOCK_BYTES_MAX = 4_096
const BEAT_MILLIS = 30_000
/** A lock that says nothing may be being written, where the file system knows no links. */
const UNREADABLE_MILLIS = 10_000
const ATTEMPTS_MAX = 10

/**
 * One shipper a sink and journal. A holder that is gone loses it: on this machine by its process, on
 * another host by a beat that is five minutes old. Nobody waits.
 *
 * It only saves work: two that ship at once deliver the same bytes twice.
 *
 * @throws AuditError `INVALID_OPTION` when `sinkName` cannot name a cursor
 * @throws AuditError `JOURNAL_UNUSABLE` when the lock cannot be written
 */
export function shipLock(
  journal: string,
  sinkName: string,
  options: ShipLockOptions = {},
): ShipLock {
  return locked(lockFolder(journal, sinkName), { journal, name: sinkName, options })
}

/**
 * One process that restores into a journal at a time; the rest as {@link shipLock}.
 *
 * @throws AuditError `JOURNAL_UNUSABLE` when the lock cannot be written
 */
export function restoreLock(journal: string, options: ShipLockOptions = {}): ShipLock {
  return locked(join(journal, RESTORE_LOCK), { journal, name: 'restore', options })
}

function locked(
  folder: string,
  {
    journal,
    name,
    options,
  }: { readonly journal: string; readonly name: string; readonly options: ShipLockOptions },
): ShipLock {
  try {
    makeFolder(folder)
    return take(folder, options)
  } catch (cause) {
    throw new AuditError(
      'JOURNAL_UNUSABLE',
      `journal: ${journal} cannot be locked for ${name} (${errnoOf(cause) ?? 'unknown'})`,
      { cause, details: { option: 'journal', file: folder } },
    )
  }
}

/** Who ships a journal for a sink at present; undefined where nobody does. */
export function lockOwner(journal: string, sinkName: string, nowMillis: number): ShipLock['owner'] {
  return ownerIn(lockFolder(journal, sinkName), nowMillis)
}

/** Who restores into a journal at present; undefined where nobody does. */
export function restoreOwner(journal: string, nowMillis: number): ShipLock['owner'] {
  return ownerIn(join(journal, RESTORE_LOCK), nowMillis)
}

function ownerIn(folder: string, nowMillis: number): ShipLock['owner'] {
  try {
    return ownerOf(folder, newest(folder), nowMillis)
  } catch (error) {
    if (isShortage(error)) throw error
    return undefined // no lock was ever taken
  }
}

function lockFolder(journal: string, sinkName: string): string {
  if (SINK_NAME.test(sinkName)) return join(journal, CURSORS_FOLDER, sinkName)
  const given = JSON.stringify(sinkName)
  throw new AuditError('INVALID_OPTION', `sinkName: ${given} given, expected [a-z0-9-]{1,64}`, {
    details: { option: 'sinkName' },
  })
}

/**
 * Each taking makes the next generation, which only one process can; the greatest holds, and is
 * never removed, only said to be released. So a stale lock is taken over without a moment in which
 * a second process could remove what the first has just made.
 */
function take(folder: string, options: ShipLockOptions): ShipLock {
  const now = options.now ?? Date.now
  let owner: ShipLock['owner']
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const last = newest(folder)
    owner = ownerOf(folder, last, now())
    if (owner !== undefined) break
    if (last >= GENERATION_MAX) {
      // Behind the last there is none: whoever holds nothing with it must not lock everybody out.
      rmSync(pathOf(folder, last), { recursive: true, force: true })
      continue
    }
    const generation = last + 1
    if (!create(folder, generation, { ...ownProcess(), beat: now() })) continue
    if (newest(folder) !== generation) {
      rmSync(pathOf(folder, generation), { force: true }) // made behind somebody's back
      continue
    }
    removeBelow(folder, generation)
    return new HeldLock({ folder, generation, now, beatMillis: options.beatMillis ?? BEAT_MILLIS })
  }
  return { held: false, ...(owner === undefined ? {} : { owner }), release: () => {} }
}

class HeldLock implements ShipLock {
  readonly #folder: string
  readonly #generation: number
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout
  #held = true

  constructor(options: {
    readonly folder: string
    readonly generation: number
    readonly now: () => number
    readonly beatMillis: number
  }) {
    this.#folder = options.folder
    this.#generation = options.generation
    this.#now = options.now
    this.#timer = setInterval(() => this.#beat(), options.beatMillis)
    this.#timer.unref()
  }

  get held(): boolean {
    return this.#held
  }

  release(): void {
    if (!this.#held) return
    this.#end()
    this.#say({ released: true })
  }

  #beat(): void {
    try {
      // Another host may have thought that we are gone.
      if (newest(this.#folder) !== this.#generation) return this.#end()
    } catch {
      return // Told by whatever else reads the folder; the next beat looks again.
    }
    this.#say({})
  }

  #end(): void {
    this.#held = false
    clearInterval(this.#timer)
  }

  #say(more: Partial<LockState>): void {
    try {
      const draft = writeDraft(this.#folder, this.#generation, {
        ...ownProcess(),
        beat: this.#now(),
        ...more,
      })
      renameSync(draft, pathOf(this.#folder, this.#generation))
    } catch {
      // A full disk: on this machine our process is known to live, or to be gone.
    }
  }
}

/** The greatest generation; 0 where there is none. */
function newest(folder: string): number {
  return Math.max(0, ...generations(folder))
}

function generations(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => {
    const [, digits] = LOCK.exec(name) ?? []
    return digits === undefined ? [] : [Number(digits)]
  })
}

function ownerOf(folder: string, generation: number, nowMillis: number): ShipLock['owner'] {
  if (generation === 0) return undefined
  const path = pathOf(folder, generation)
  const state = readState(path)
  if (state === undefined) {
    const age = nowMillis - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
    return age < UNREADABLE_MILLIS ? { pid: 0, host: '' } : undefined
  }
  const { released, ...process } = state
  const isHeld =
    released !== true && livenessOf({ ...process, records: 0, synced: 0 }, nowMillis) === 'live'
  return isHeld ? { pid: state.pid, host: state.host.slice(0, 8) } : undefined
}

function readState(path: string): LockState | undefined {
  try {
    const file = openRegular(path, false)
    try {
      if (file.size > LOCK_BYTES_MAX) return undefined
      const { host, boot, pid, started, beat, released } = Object(
        JSON.parse(readRange(file, 0, file.size).toString()),
      ) as Readonly<Record<string, unknown>>
      const fits =
        typeof host === 'string' &&
        typeof boot === 'string' &&
        typeof started === 'string' &&
        Number.isSafeInteger(pid) &&
        typeof beat === 'number'
      if (!fits) return undefined
      return { host, boot, pid: pid as number, started, beat, released: released === true }
    } finally {
      file.close()
    }
  } catch (error) {
    if (isShortage(error)) throw error
    return undefined
  }
}

/** @returns false where another process was quicker */
function create(folder: string, generation: number, state: LockState): boolean {
  const path = pathOf(folder, generation)
  const draft = writeDraft(folder, generation, state)
  try {
    linkSync(draft, path) // appears whole, and only if there is none
    return true
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error
    return createUnlinked(path, state)
  } finally {
    rmSync(draft, { force: true })
  }
}

function createUnlinked(path: string, state: LockState): boolean {
  try {
    writeFileSync(path, JSON.stringify(state), { mode: FILE_MODE, flag: 'wx' })
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

function writeDraft(folder: string, generation: number, state: LockState): string {
  const draft = draftPath(folder, `lock-${generation}`)
  writeFileSync(draft, JSON.stringify(state), { mode: FILE_MODE, flag: 'wx' })
  return draft
}

function removeBelow(folder: string, generation: number): void {
  for (const each of generations(folder)) {
    if (each < generation) rmSync(pathOf(folder, each), { force: true })
  }
}

function pathOf(folder: string, generation: number): string {
  return join(folder, `.lock-${generation}.json`)
}
