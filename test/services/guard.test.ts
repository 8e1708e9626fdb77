// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'

/** The guard is a process as any other on a machine that has other work. */
const PATIENCE = { timeout: 60_000 }

describe('the guard of a test process', () => {
  it.each(['SIGKILL', 'SIGINT'] as const)(
    'ends its servers and removes its folders after %s',
    async (signal) => {
      const fixture = join(import.meta.dirname, 'guard.fixture.ts')
      const test = spawn(process.execPath, [fixture], { stdio: ['ignore', 'pipe', 'inherit'] })
      const [line] = (await once(createInterface(test.stdout), 'line')) as [string]
      const { pid, folder } = JSON.parse(line) as { pid: number; folder: string }
      expect(runs(pid)).toBe(true)
      expect(existsSync(folder)).toBe(true)
      test.kill(signal)
      await expect.poll(() => runs(pid), PATIENCE).toBe(false)
      await expect.poll(() => existsSync(folder), PATIENCE).toBe(false)
    },
  )
})

/** A zombie has ended: in a container nobody may be there to bury it. */
function runs(pid: number): boolean {
  const stat = `/proc/${pid}/stat`
  try {
    if (existsSync(stat)) return !/^\d+ \(.*\) Z/.test(readFileSync(stat, 'utf8'))
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
