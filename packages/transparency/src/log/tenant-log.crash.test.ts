// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError, parseCheckpoint, parseNote } from '@spanseal/core'
import { expect, test } from 'vitest'
import { aFolder, checkedLog, codeOf, entriesFrom, TENANT } from './a-log.fixture.ts'
import { LosingFs } from './losing-fs.fixture.ts'
import { TenantLog } from './tenant-log.ts'

const SLOW = process.env['SLOW'] === '1'

/** Sizes between which a log grows: within a tile, over its end, over two ends. */
const growths: [number, number][] = [
  [0, 1],
  [3, 5],
  [250, 256],
  [255, 520],
]

interface Run {
  /** Whether it came to its end. */
  readonly survived: boolean
  readonly calls: number
  /** What was acknowledged. */
  readonly sizes: readonly number[]
  readonly fs: LosingFs
}

/** Grows a copy of a log in `root`, and a cosignature comes, until the machine stops. */
async function runUntil(stopAt: number, root: string, size: number): Promise<Run> {
  const fs = new LosingFs(root, stopAt)
  const sizes: number[] = []
  try {
    const log = await TenantLog.open({ folder: join(root, 'log'), signer: TENANT, fs: fs.port })
    await log.append(entriesFrom(log.size, size - log.size))
    sizes.push(log.size)
    const text = parseNote(log.signedHead as string).text
    const signature = { name: 'w.example', keyId: '00112233', signature: Buffer.alloc(72) }
    await log.addCosignature(text, signature)
    await log.append(entriesFrom(log.size, 2))
    sizes.push(log.size)
    await log.close()
    return { survived: true, calls: fs.calls, sizes, fs }
  } catch (error) {
    const isStop = fs.calls >= stopAt
    if (!isStop) throw error
    return { survived: false, calls: fs.calls, sizes, fs }
  }
}

function publishedSize(root: string): number {
  const file = join(root, 'log', 'checkpoint')
  if (!existsSync(file)) return 0
  return parseCheckpoint(parseNote(readFileSync(file, 'utf8')).text).size
}

/** The log goes on from what is there, which is as much as was acknowledged. */
async function expectWhole(root: string, { sizes }: Run, before: number): Promise<void> {
  rmSync(join(root, 'log.sealer', 'lock'), { force: true })
  const published = publishedSize(root)
  expect(published).toBeGreaterThanOrEqual(sizes.at(-1) ?? before)
  const found = published === 0 ? [] : await checkedLog(join(root, 'log'))
  expect(found).toHaveLength(published)
  const log = await TenantLog.open({ folder: join(root, 'log'), signer: TENANT })
  expect(log.size).toBe(published)
  await log.append(entriesFrom(log.size, 7))
  await log.close()
  const entries = await checkedLog(join(root, 'log'))
  expect(entries).toEqual(entriesFrom(0, published + 7).map(String))
}

test.each(growths)(
  'stopped at every call to the file system, from size %i to %i: what was acknowledged is there, power lost or not',
  async (from, to) => {
    const base = aFolder()
    mkdirSync(join(base, 'log'), { recursive: true })
    const log = await TenantLog.open({ folder: join(base, 'log'), signer: TENANT })
    await log.append(entriesFrom(0, from))
    await log.close()
    const step = SLOW ? 1 : 7
    let stops = 0
    for (let stopAt = 1; ; stopAt += step) {
      const root = aFolder()
      cpSync(base, root, { recursive: true })
      const run = await runUntil(stopAt, root, to)
      const left = aFolder()
      run.fs.leaveTo(left)
      await expectWhole(left, run, from)
      if (run.survived) break
      await expectWhole(root, run, from)
      rmSync(root, { recursive: true })
      rmSync(left, { recursive: true })
      stops++
    }
    expect(stops).toBeGreaterThan(60 / step)
  },
  300_000,
)

test('an error of the disk is no acknowledgement, and nothing more is written before a new opening', async () => {
  const root = aFolder()
  const fs = new LosingFs(root, 45)
  const log = await TenantLog.open({ folder: join(root, 'log'), signer: TENANT, fs: fs.port })
  let failure: unknown
  for (let i = 0; failure === undefined; i++) {
    await log.append(entriesFrom(i, 1)).catch((error: unknown) => (failure = error))
  }
  expect(failure).toBeInstanceOf(AuditError)
  expect((failure as AuditError).code).toBe('LOG_UNUSABLE')
  const { calls } = fs
  expect(await codeOf(log.append(entriesFrom(9, 1)))).toBe('LOG_UNUSABLE')
  expect(fs.calls).toBe(calls)
})
