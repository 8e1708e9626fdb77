// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cached, cachedPath } from './cache.ts'

describe('the cache of test servers', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'spanseal-cache-'))
    vi.stubEnv('SPANSEAL_TEST_CACHE', root)
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('builds once for two who ask at the same time', async () => {
    let builds = 0
    const build = async (folder: string): Promise<void> => {
      builds++
      await sleep(50)
      writeFileSync(join(folder, 'made'), 'whole')
    }
    const ask = () => cached({ name: 'thing', inputs: ['1'], build })
    const [one, two] = await Promise.all([ask(), ask()])
    expect(one).toBe(two)
    expect(readFileSync(join(one, 'made'), 'utf8')).toBe('whole')
    expect(builds).toBe(1)
    expect(readdirSync(root)).toHaveLength(1)
  })

  it('builds anew when an input changes, however the inputs are cut', async () => {
    const paths = await Promise.all(
      [['ab', 'c'], ['a', 'bc'], ['abc']].map((inputs) => cachedPath({ name: 'thing', inputs })),
    )
    expect(new Set(paths).size).toBe(3)
  })

  it('leaves nothing of a build that failed', async () => {
    const build = (folder: string): Promise<void> => {
      writeFileSync(join(folder, 'made'), 'half')
      return Promise.reject(new Error('no compiler'))
    }
    await expect(cached({ name: 'thing', inputs: [], build })).rejects.toThrow('no compiler')
    expect(readdirSync(root)).toEqual([])
  })

  it('does not wait for a builder that was killed', async () => {
    const target = await cachedPath({ name: 'thing', inputs: [] })
    // The largest process number of Linux is smaller than this one.
    writeFileSync(`${target}.lock`, `${2 ** 22 + 1}`)
    mkdirSync(`${target}.tmp-abc`)
    const build = (): Promise<void> => Promise.resolve()
    const folder = await cached({ name: 'thing', inputs: [], build })
    expect(readdirSync(root)).toEqual([basename(folder)])
  })
})
