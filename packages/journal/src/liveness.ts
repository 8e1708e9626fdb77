// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { sha256Hex } from '@spanseal/core'
import { openRegular, readRange } from './byte-file.ts'
import type { PendingGap } from './gap.ts'
import { gapFrom } from './gap.ts'
import type { JournalFs } from './journal-fs.ts'
import { errnoOf, FILE_MODE, isShortage, writeAll } from './journal-fs.ts'
import { listSegments, WRITER_FILE } from './journal-layout.ts'

/** Which process an epoch belongs to. */
export interface ProcessIdentity {
  /** 32 hex digits of machine, host name and process-id namespace: within one, a pid means one process. */
  readonly host: string
  /** The kernel's boot id; empty where the system has none. */
  readonly boot: string
  readonly pid: number
  /** Start time of the process in clock ticks since boot; empty where the system does not tell. */
  readonly started: string
}

/** `writer.json`, replaced at every beat. */
export interface WriterState extends ProcessIdentity {
  /** Unix milliseconds. */
  readonly beat: number
  /** Records written to the epoch by then. */
  readonly records: number
  /** How many of them were known to be on disk. */
  readonly synced: number
  /** The epoch takes no more records, though its process may live: closed, or given up. */
  readonly ended?: 'closed' | 'failed'
  /** What the writer could not write and no gap said by then. */
  readonly gap?: PendingGap
  /** What the process says of itself. */
  readonly vitals?: Readonly<Record<string, unknown>>
  /** It said too much to be kept. */
  readonly vitals_too_large?: true
}

/**
 * `gone`: it cannot come back. `silent`: without a beat for too long, of another host or of a writer
 * that cannot be told.
 */
export type Liveness = 'live' | 'silent' | 'gone'

/** Another host's epoch counts as live until its beat is this old. */
export const SILENT_AFTER_MILLIS = 300_000
/** A `writer.json` beyond this is none of ours. */
const STATE_BYTES_MAX = 64 * 1024

let own: ProcessIdentity | undefined

/** This process; worker threads and further copies of the library share it. */
export function ownProcess(): ProcessIdentity {
  own ??= {
    host: hostId(),
    boot: readTrimmed('/proc/sys/kernel/random/boot_id'),
    pid: process.pid,
    started: startOf(process.pid) ?? '',
  }
  return own
}

// Containers on one machine share its boot id and may share its machine id, while pid 7 is another
// process in each: the namespace tells them apart.
function hostId(): string {
  let namespace = ''
  try {
    namespace = readlinkSync('/proc/self/ns/pid')
  } catch (error) {
    if (isShortage(error)) throw error
    // No Linux, or no /proc.
  }
  const machine = readTrimmed('/etc/machine-id')
  return sha256Hex(`${machine}\0${hostname()}\0${namespace}`).slice(0, 32)
}

function readTrimmed(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    // What is found is kept for good: another identity for want of a descriptor would be wrong.
    if (isShortage(error)) throw error
    return ''
  }
}

/** Field 22 of /proc/<pid>/stat (proc(5)); the name in field 2 may hold anything but the last ")". */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** Replaces `writer.json` in one step. */
export function saveWriterState(fs: JournalFs, folder: string, state: WriterState): void {
  const path = join(folder, WRITER_FILE)
  const draft = `${path}.tmp` // one writer an epoch, so one name suffices
  try {
    const fd = fs.openSync(draft, 'w', FILE_MODE)
    try {
      writeAll(fs, fd, Buffer.from(JSON.stringify(state)))
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(draft, path)
  } catch (error) {
    discardDraft(draft)
    throw error
  }
}

function discardDraft(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // The next beat overwrites it.
  }
}

/**
 * What `writer.json` says, or undefined where it is missing or not ours; whoever can write to the
 * journal may have written it, so only what fits is taken over.
 *
 * @throws what the system throws when it has no descriptor left: silence would say that nobody writes
 */
export function readWriterState(folder: string): WriterState | undefined {
  try {
    return writerStateIn(JSON.parse(readCapped(join(folder, WRITER_FILE))))
  } catch (error) {
    if (isShortage(error)) throw error
    return undefined
  }
}

function readCapped(path: string): string {
  const file = openRegular(path)
  try {
    return file.size > STATE_BYTES_MAX ? '' : readRange(file, 0, file.size).toString('utf8')
  } finally {
    file.close()
  }
}

function writerStateIn(value: unknown): WriterState | undefined {
  const { host, boot, pid, started, beat, records, synced, ended, gap, vitals } = fieldsOf(value)
  if (typeof host !== 'string' || typeof boot !== 'string' || typeof started !== 'string') return
  if (!Number.isSafeInteger(pid) || typeof beat !== 'number') return
  const pending = gapFrom(gap)
  return {
    ...{ host, boot, pid: pid as number, started, beat },
    records: countIn(records),
    synced: countIn(synced),
    ...(ended === 'closed' || ended === 'failed' ? { ended } : {}),
    ...(pending === undefined ? {} : { gap: pending }),
    ...(isFields(vitals) ? { vitals } : {}),
    ...(fieldsOf(value)['vitals_too_large'] === true ? { vitals_too_large: true as const } : {}),
  }
}

function countIn(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isFields(value) ? value : {}
}

/** What an epoch's folder tells of its writer. */
export interface WriterSigns {
  /** Undefined where `writer.json` is missing, cannot be read or is not ours. */
  readonly state: WriterState | undefined
  readonly liveness: Liveness
  /** Unix milliseconds of the last sign of life. */
  readonly beat: number
}

/**
 * Whether an epoch's writer may still write. One of which nothing can be read is never `gone`: its
 * disk may be sick, or somebody may have removed the file. Each beat changes its folder, so that
 * tells whether it is `silent`.
 *
 * @throws what the system throws when it has no descriptor left
 */
export function writerSigns(folder: string, nowMillis: number): WriterSigns {
  const state = readWriterState(folder)
  if (state !== undefined) {
    return { state, liveness: livenessOf(state, nowMillis), beat: state.beat }
  }
  const beat = lastChange(folder) ?? nowMillis
  const isSilent = nowMillis - beat > SILENT_AFTER_MILLIS
  return { state, liveness: isSilent ? 'silent' : 'live', beat }
}

/** When something was last written in an epoch's folder; undefined where that cannot be told. */
function lastChange(folder: string): number | undefined {
  try {
    const last = listSegments(folder).at(-1)
    const segment = last === undefined ? undefined : statSync(last.path, { throwIfNoEntry: false })
    return Math.max(statSync(folder).mtimeMs, segment?.mtimeMs ?? 0)
  } catch (error) {
    if (isShortage(error)) throw error
    return undefined
  }
}

/** Whether the writer of an epoch that says so in `writer.json` may still write. */
export function livenessOf(state: WriterState | undefined, nowMillis: number): Liveness {
  if (state === undefined) return 'live' // see `writerSigns`
  if (state.ended !== undefined) return 'gone'
  const self = ownProcess()
  if (state.host !== self.host) {
    return nowMillis - state.beat > SILENT_AFTER_MILLIS ? 'silent' : 'live'
  }
  if (state.boot !== self.boot) return 'gone'
  return processRuns(state) ? 'live' : 'gone'
}

function processRuns({ pid, started }: ProcessIdentity): boolean {
  const now = startOf(pid)
  if (now !== undefined && started !== '') return now === started
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}
