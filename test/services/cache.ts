// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readFileSync } from 'node:fs'
import { glob, mkdir, mkdtemp, open, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const GONE = { recursive: true, force: true }

/** What a cached folder is built from: any change of the inputs is another folder. */
export interface CachedBuild {
  /** First part of the folder's name. */
  readonly name: string
  /** Versions, contents of pom or builder files, platform: all that decides what comes out. */
  readonly inputs: readonly string[]
  /** Fills the given empty folder; a folder whose build threw is never seen by anybody. */
  readonly build: (folder: string) => Promise<void>
}

/**
 * The folder that holds everything built for tests, outside the tree so that a fresh clone finds it:
 * `SPANSEAL_TEST_CACHE`, else `spanseal-test` in `XDG_CACHE_HOME`, else in `~/.cache`.
 */
export function cacheRoot(): string {
  const named = process.env['SPANSEAL_TEST_CACHE']
  if (named) return named
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'spanseal-test')
}

/** The folder that `cached` would return, whether it exists or not. */
export async function cachedPath(build: Pick<CachedBuild, 'name' | 'inputs'>): Promise<string> {
  // The length before each input keeps ['ab', 'c'] and ['a', 'bc'] apart.
  const text = build.inputs.map((input) => `${input.length}:${input}`).join('')
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return join(cacheRoot(), `${build.name}-${Buffer.from(digest).toString('hex').slice(0, 16)}`)
}

/**
 * The folder with the result of `build`, built now if nobody has before. Two processes may ask at
 * once: each builds into a folder of its own and renames it, so a half-built one is never used; a
 * lock keeps the second from building what the first is about to finish.
 */
export async function cached(build: CachedBuild): Promise<string> {
  const target = await cachedPath(build)
  if (existsSync(target)) return target
  await mkdir(dirname(target), { recursive: true })
  const unlock = await lock(`${target}.lock`, () => existsSync(target))
  if (!unlock) return target
  // What a builder left that was killed; nobody else builds while we hold the lock.
  for await (const left of glob(`${target}.tmp-*`)) await rm(left, GONE)
  const fresh = await mkdtemp(`${target}.tmp-`)
  try {
    await build.build(fresh)
    await rename(fresh, target)
  } catch (error) {
    await rm(fresh, GONE)
    if (!existsSync(target)) throw error
  } finally {
    await unlock()
  }
  return target
}

/** Returns the unlocking function, or undefined once `done()` holds. */
async function lock(file: string, done: () => boolean): Promise<(() => Promise<void>) | undefined> {
  for (; ; await sleep(200)) {
    if (done()) return undefined
    try {
      const handle = await open(file, 'wx')
      await handle.writeFile(`${process.pid}`)
      await handle.close()
      return () => rm(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (await abandoned(file)) await rm(file, { force: true })
  }
}

async function abandoned(file: string): Promise<boolean> {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    // An empty file is being written just now, unless its writer was killed right there.
    if (!pid) return Date.now() - (await stat(file)).mtimeMs > 10_000
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
