// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { AuditError } from '@spanseal/core'
import type { LogFs } from './log-fs.ts'
import { errnoOf, PRIVATE } from './log-fs.ts'

const LOCK_FILE = 'lock'
const ATTEMPTS_MAX = 16

/** Which process holds a lock. */
interface Holder {
  /** Machine, host name and process-id namespace: within one, a pid means one process. */
  readonly host: string
  readonly boot: string
  readonly pid: number
  /** In clock ticks since boot; empty where the system does not tell. */
  readonly started: string
  /** Tells two locks of one process apart. */
  readonly nonce: string
}

/** Keeps a second sealer away from a log, until `release` or the end of the process. */
export interface LogLock {
  /** @throws AuditError `LOG_UNUSABLE` when somebody took the lock away */
  assertHeld(): void
  release(): void
}

/**
 * Takes the lock in `folder`, also one that a process left that is no more.
 *
 * @throws AuditError `LOG_UNUSABLE` when another process, or another log object of this one, holds it
 */
export function lockLog(folder: string, port: LogFs): LogLock {
  const path = join(folder, LOCK_FILE)
  const nonce = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`
  const content = JSON.stringify({ ...ownProcess(), nonce } satisfies Holder)
  const draft = `${path}.${process.pid}-${nonce}`
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (takeWith(port, { path, draft, content })) return heldLock(port, path, content)
    const found = readText(path)
    if (found === undefined) continue
    if (!isLeft(found)) throw inUse(path, found)
    removeLeft(port, { path, aside: `${draft}.left`, found })
  }
  throw inUse(path, '')
}

/** The content is whole from the first moment on: a link is made to a file that has it. */
function takeWith(
  port: LogFs,
  {
    path,
    draft,
    content,
  }: { readonly path: string; readonly draft: string; readonly content: string },
): boolean {
  const bytes = Buffer.from(content)
  const fd = port.openSync(draft, 'wx', PRIVATE.file)
  try {
    port.writeSync(fd, bytes, 0, bytes.length)
  } finally {
    port.closeSync(fd)
  }
  try {
    port.linkSync(draft, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  } finally {
    port.unlinkSync(draft)
  }
}

/**
 * Two may find the same lock left behind. Each moves away what is there by then; who gets the fresh
 * lock of the other puts it back, and that one finds out by `assertHeld` if a third was quicker.
 */
function removeLeft(
  port: LogFs,
  { path, aside, found }: { readonly path: string; readonly aside: string; readonly found: string },
): void {
  try {
    port.renameSync(path, aside)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw error
  }
  try {
    if (readText(aside) !== found) port.linkSync(aside, path)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  } finally {
    port.unlinkSync(aside)
  }
}

function heldLock(port: LogFs, path: string, content: string): LogLock {
  const isHeld = (): boolean => readText(path) === content
  return {
    assertHeld() {
      if (!isHeld()) throw inUse(path, readText(path) ?? '')
    },
    release() {
      if (isHeld()) port.unlinkSync(path)
    },
  }
}

function inUse(path: string, found: string): AuditError {
  const holder = parseHolder(found)
  const who =
    holder === undefined
      ? 'another sealer has the log open'
      : `process ${holder.pid} of ${holder.host.split(' ')[0]} has the log open`
  const message = `${path}: ${who}; one sealer writes at a time. Remove the file if it is surely gone`
  return new AuditError('LOG_UNUSABLE', message, { details: { file: path } })
}

function isLeft(content: string): boolean {
  const holder = parseHolder(content)
  const self = ownProcess()
  // Of another host nothing can be known.
  if (holder === undefined || holder.host !== self.host) return false
  if (holder.boot !== self.boot) return true
  const started = startOf(holder.pid)
  if (started !== undefined && holder.started !== '') return started !== holder.started
  try {
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return errnoOf(error) !== 'EPERM'
  }
}

function parseHolder(content: string): Holder | undefined {
  try {
    const holder = JSON.parse(content) as Partial<Holder> | null
    const fits =
      typeof holder?.host === 'string' &&
      typeof holder.boot === 'string' &&
      typeof holder.started === 'string' &&
      Number.isSafeInteger(holder.pid) &&
      (holder.pid as number) > 0
    return fits ? (holder as Holder) : undefined
  } catch {
    return undefined
  }
}

function ownProcess(): Omit<Holder, 'nonce'> {
  const machine = readText('/etc/machine-id')?.trim() ?? ''
  return {
    host: `${hostname()} ${machine} ${namespaceOf()}`,
    boot: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
    pid: process.pid,
    started: startOf(process.pid) ?? '',
  }
}

// Containers on one machine share its boot id, while pid 7 is another process in each.
function namespaceOf(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** Field 22 of /proc/<pid>/stat (proc(5)); the name in field 2 may hold anything but the last ")". */
function startOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
