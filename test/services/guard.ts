// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'

let pipe: Writable | undefined

/**
 * Starts the guard of this process once. An exit hook would not run after SIGKILL; the closing of
 * a pipe is noticed whatever ended us.
 */
function tell(line: string): void {
  if (!pipe) {
    const guard = spawn('sh', [join(import.meta.dirname, 'guard.sh')], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    guard.unref()
    pipe = guard.stdin
    ;(guard.stdin as Socket).unref()
  }
  pipe.write(`${line}\n`)
}

/** From now on the process is killed when this one ends. */
export function guardProcess(pid: number): void {
  tell(`+ ${pid}`)
}

/** The process has ended by itself: its number may go to another. */
export function releaseProcess(pid: number): void {
  tell(`- ${pid}`)
}

/** A new folder in the system's temporary one; removed when this process ends, if not before. */
export function scratchFolder(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `spanseal-test-${purpose}-`))
  tell(`d ${folder}`)
  return folder
}

/** Removes a folder that `scratchFolder` made. */
export function removeScratchFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  tell(`u ${folder}`)
}
