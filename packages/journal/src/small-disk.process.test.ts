// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SmallDiskReport } from './small-disk-agent.fixture.ts'

const AGENT = join(import.meta.dirname, 'small-disk-agent.fixture.ts')

/** A tmpfs of 4 MiB in a name space of its own: it is gone with the command. */
function onSmallDisk(...command: readonly string[]): { status: number | null; stdout: string } {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-small-disk-'))
  try {
    const script = 'mount -t tmpfs -o size=4m tmpfs "$0" && exec "$@" "$0"'
    return spawnSync('unshare', ['-rm', 'sh', '-c', script, folder, ...command], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const mayMount = process.platform === 'linux' && onSmallDisk('true').status === 0
const unless = mayMount ? '' : ' (skipped: this process may not mount a tmpfs)'

test.skipIf(!mayMount)(
  `on a disk of 4 MiB three times as much is recorded and delivered, and what is lost is counted${unless}`,
  { timeout: 300_000 },
  () => {
    const node = [process.execPath, '--conditions=spanseal-source', AGENT]
    const { status, stdout } = onSmallDisk(...node)
    expect(status).toBe(0)
    const report = JSON.parse(stdout) as SmallDiskReport
    const { diskBytes, delivered, kept, full, gaps, faults } = report
    expect(delivered).toMatchObject({ refused: 0 })
    expect(delivered.bytes).toBeGreaterThan(3 * diskBytes - 10_000)
    // By default a twentieth of so small a disk stays free for others.
    expect(kept.code).toBe('JOURNAL_FULL')
    expect(kept.freeBytes).toBeGreaterThan(diskBytes / 20 - 8_192)
    expect(kept.freeBytes).toBeLessThan(diskBytes / 10)
    expect(new Set(full.codes)).toEqual(new Set(['JOURNAL_FAILED']))
    expect(full.found).toBe(full.acknowledged)
    expect(gaps).toEqual({ count: 1, records: full.codes.length, refused: 0 })
    expect(faults).toEqual([])
  },
)
