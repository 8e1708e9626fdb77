// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, readlinkSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { sha256Hex } from '@spanseal/core'
import { errnoOf, FILE_MODE } from './journal-fs.ts'
import { WRITER_FILE } from './journal-layout.ts'

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
  /** The writer gave the epoch up after a failed write, and goes on in another one. */
  readonly failed?: true
}

/** `gone`: it cannot come back. `silent`: another host's, without a beat for too long. */
export type Liveness = 'live' | 'silent' | 'gone'

/** Another host's epoch counts as live until its beat is this old. */
export const SILENT_AFTER_MILLIS = 300_000

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
  } catch {
    // No Linux, or no /proc.
  }
  const machine = readTrimmed('/etc/machine-id')
  return sha256Hex(`${machine}\0${hostname()}\0${namespace}`).slice(0, 32)
}

function readTrimmed(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
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
export function saveWriterState(folder: string, state: WriterState): void {
  const path = join(folder, WRITER_FILE)
  const draft = `${path}.tmp` // one writer an epoch, so one name suffices
  writeFileSync(draft, JSON.stringify(state), { mode: FILE_MODE })
  renameSync(draft, path)
}

/** What `writer.json` says, or undefined where it is missing or not ours. */
export function readWriterState(folder: string): WriterState | undefined {
  try {
    const path = join(folder, WRITER_FILE)
    if (!statSync(path).isFile()) return undefined
    const state = JSON.parse(readFileSync(path, 'utf8')) as Partial<WriterState> | null
    const fits =
      typeof state?.host === 'string' &&
      typeof state.boot === 'string' &&
      Number.isSafeInteger(state.pid) &&
      typeof state.started === 'string' &&
      typeof state.beat === 'number'
    return fits ? (state as WriterState) : undefined
  } catch {
    return undefined
  }
}

/** Whether an epoch's writer may still write. */
export function livenessOf(state: WriterState | undefined, nowMillis: number): Liveness {
  if (state === undefined || state.failed === true) return 'gone'
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
