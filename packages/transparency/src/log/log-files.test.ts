// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { aFolder, checkedLog, codeOf, entriesFrom, TENANT } from './a-log.fixture.ts'
import { readTenantLog } from './log-files.ts'
import { TenantLog } from './tenant-log.ts'
import { proveEntry, proveGrowth } from './tenant-log-proof.ts'

let folder: string
beforeEach(async () => {
  folder = join(aFolder(), 'log')
  const log = await TenantLog.open({ folder, signer: TENANT })
  await log.append(entriesFrom(0, 300))
  await log.close()
})

async function allEntries(): Promise<number> {
  let count = 0
  for await (const _ of readTenantLog(folder).entries(300)) count++
  return count
}

const replace = (path: string, act: (file: string) => void): void => {
  rmSync(join(folder, path), { recursive: true, force: true })
  act(join(folder, path))
}

const hostile: [string, (file: string) => void, string][] = [
  ['is missing', () => undefined, 'NOT_FOUND'],
  ['is a folder', (file) => mkdirSync(file), 'LOG_UNUSABLE'],
  ['is a named pipe', (file) => void execFileSync('mkfifo', [file]), 'LOG_UNUSABLE'],
  ['is a device', (file) => symlinkSync('/dev/zero', file), 'LOG_UNUSABLE'],
  ['is a loop of links', (file) => symlinkSync(file, file), 'LOG_UNUSABLE'],
  [
    'is far too long',
    (file) => {
      writeFileSync(file, '')
      truncateSync(file, 2 ** 33)
    },
    'LOG_UNUSABLE',
  ],
]

test.each(hostile)(
  'a checkpoint or bundle that %s is coded, and waited for by nobody',
  async (_what, act, code) => {
    replace('tile/entries/001.p/44', act)
    expect(await codeOf(allEntries())).toBe(code)
    replace('checkpoint', act)
    expect(await codeOf(readTenantLog(folder).checkpoint())).toBe(code)
    replace('tile/0/001.p/44', act)
    expect(await codeOf(readTenantLog(folder).tile({ level: 0, index: 1, width: 44 }))).toBe(code)
  },
)

test('bundles that break off or go on are coded', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), Buffer.from([255, 255, 1])]) {
    writeFileSync(join(folder, 'tile/entries/000'), bytes)
    expect(await codeOf(allEntries())).toBe('MALFORMED_TILE')
  }
})

test('the full tile stands in for a part of it that was cleared away', async () => {
  const log = await TenantLog.open({ folder, signer: TENANT })
  const old = await log.tiles.checkpoint()
  await log.append(entriesFrom(300, 300))
  await log.close()
  rmSync(join(folder, 'tile/0/001.p'), { recursive: true })
  rmSync(join(folder, 'tile/entries/001.p'), { recursive: true })
  expect(await checkedLog(folder)).toHaveLength(600)
  writeFileSync(join(folder, 'checkpoint'), old)
  expect(await checkedLog(folder)).toHaveLength(300)
})

test('proofs out of other tiles than the checkpoint’s are not handed out', async () => {
  const other = join(aFolder(), 'log')
  const log = await TenantLog.open({ folder: other, signer: TENANT })
  await log.append(entriesFrom(1, 300))
  const { root = '' } = log.head ?? {}
  await log.close()
  cpSync(join(other, 'tile'), join(folder, 'tile'), { recursive: true })
  const tiles = readTenantLog(folder)
  expect(await codeOf(proveEntry(tiles, 7))).toBe('LOG_UNUSABLE')
  expect(await codeOf(proveEntry(tiles, 300))).toBe('NOT_FOUND')
  expect(await codeOf(proveEntry(tiles, 0.5))).toBe('NOT_FOUND')
  expect(await codeOf(proveGrowth(tiles, { size: 300, root }))).toBe('LOG_UNUSABLE')
  expect(await codeOf(proveGrowth(tiles, { size: 301, root }))).toBe('LOG_UNUSABLE')
})
