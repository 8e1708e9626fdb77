// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { leafHash, MerkleFrontier } from '@spanseal/core'
import { expect, test } from 'vitest'
import { aFolder, aKey, checkedLog, codeOf, entriesFrom, LOG, TENANT } from './a-log.fixture.ts'
import { sealerFolder, TenantLog } from './tenant-log.ts'
import { proveEntry, proveGrowth } from './tenant-log-proof.ts'

const open = (folder: string, signer = TENANT): Promise<TenantLog> =>
  TenantLog.open({ folder, signer })

function filesBelow(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => statSync(join(folder, name)).isFile())
  return new Map(files.map((name) => [name, readFileSync(join(folder, name), 'hex')]))
}

test('a log grows over tiles of every kind, and nothing that was published changes', {
  timeout: 120_000,
}, async () => {
  const folder = join(aFolder(), 'log')
  const log = await open(folder)
  const roots: { size: number; root: string }[] = []
  let published = new Map<string, string>()
  for (const count of [1, 1, 3, 250, 1, 1, 255, 1, 700, 64_000, 400]) {
    await log.append(entriesFrom(log.size, count))
    roots.push({ size: log.size, root: log.head?.root ?? '' })
    const files = filesBelow(folder)
    files.delete('checkpoint')
    for (const [name, bytes] of published)
      expect([name, files.get(name) === bytes]).toEqual([name, true])
    published = files
    expect(await checkedLog(folder)).toHaveLength(log.size)
  }
  for (const head of roots) expect((await proveGrowth(log.tiles, head)).path).toBeDefined()
  for (const index of [0, 255, 256, 65_535, 65_536, log.size - 1]) {
    expect(Buffer.from((await proveEntry(log.tiles, index)).bytes).toString()).toBe(
      `entry ${index}\n`,
    )
  }
  await log.close()
})

test('opened again it goes on at every width', async () => {
  const folder = join(aFolder(), 'log')
  const tree = new MerkleFrontier()
  for (const count of [1, 254, 1, 1, 255, 513]) {
    const log = await open(folder)
    const entries = entriesFrom(log.size, count)
    await log.append(entries)
    for (const entry of entries) tree.append(leafHash(entry))
    expect(log.head).toEqual({ origin: LOG, size: tree.size, root: tree.root() })
    await log.close()
  }
})

test('appends take turns', async () => {
  const folder = join(aFolder(), 'log')
  const log = await open(folder)
  await Promise.all([log.append(entriesFrom(0, 2)), log.append(entriesFrom(2, 1))])
  await log.append([])
  expect(await checkedLog(folder)).toEqual(['entry 0\n', 'entry 1\n', 'entry 2\n'])
  await log.close()
  expect(await codeOf(log.append(entriesFrom(3, 1)))).toBe('LOG_UNUSABLE')
})

test('a second sealer is kept away while the first lives, and not after', async () => {
  const folder = join(aFolder(), 'log')
  const log = await open(folder)
  expect(await codeOf(open(folder))).toBe('LOG_UNUSABLE')
  await log.close()
  await (await open(folder)).close()
})

test('a lock that a dead process or an earlier boot left is taken over, another host’s is not', async () => {
  const folder = join(aFolder(), 'log')
  await (await open(folder)).close()
  const lock = join(sealerFolder(folder), 'lock')
  const log = await open(folder)
  const own = JSON.parse(readFileSync(lock, 'utf8')) as Record<string, unknown>
  await log.close()
  const left = (change: Record<string, unknown>): void =>
    writeFileSync(lock, JSON.stringify({ ...own, ...change }))
  for (const change of [{ started: '1' }, { boot: 'another' }]) {
    left(change)
    await (await open(folder)).close()
    expect(existsSync(lock)).toBe(false)
  }
  for (const change of [{ host: 'elsewhere' }, { pid: 'x' }]) {
    left(change)
    expect(await codeOf(open(folder))).toBe('LOG_UNUSABLE')
  }
})

test('a sealer whose lock was taken away publishes nothing more', async () => {
  const folder = join(aFolder(), 'log')
  const log = await open(folder)
  await log.append(entriesFrom(0, 1))
  rmSync(join(sealerFolder(folder), 'lock'))
  const other = await open(folder)
  expect(await codeOf(log.append(entriesFrom(1, 1)))).toBe('LOG_UNUSABLE')
  await other.append(entriesFrom(1, 2))
  expect(await checkedLog(folder)).toHaveLength(3)
  await log.close()
  await other.append(entriesFrom(3, 1))
  await other.close()
})

test('many that open at once are one sealer', async () => {
  const folder = join(aFolder(), 'log')
  await (await open(folder)).close()
  writeFileSync(join(sealerFolder(folder), 'lock'), 'garbage')
  rmSync(join(sealerFolder(folder), 'lock'))
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => open(folder)))
  const opened = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  expect(opened).toHaveLength(1)
  await opened[0]?.close()
})

test('what was rolled back, removed, cut or changed is not gone on with', async () => {
  const folder = join(aFolder(), 'log')
  const old = join(aFolder(), 'old')
  const log = await open(folder)
  await log.append(entriesFrom(0, 300))
  cpSync(folder, old, { recursive: true })
  await log.append(entriesFrom(300, 5))
  await log.close()
  const good = join(aFolder(), 'good')
  cpSync(folder, good, { recursive: true })
  const restore = (from: string): void => {
    rmSync(folder, { recursive: true })
    cpSync(from, folder, { recursive: true })
  }
  const damage: (() => void)[] = [
    () => restore(old),
    () => rmSync(join(folder, 'checkpoint')),
    () => rmSync(join(folder, 'tile/0/001.p/49')),
    () => writeFileSync(join(folder, 'tile/0/001.p/49'), Buffer.alloc(49 * 32)),
    () => writeFileSync(join(folder, 'tile/entries/001.p/49'), Buffer.alloc(49 * 2)),
    () => writeFileSync(join(folder, 'tile/1/000.p/1'), Buffer.alloc(31)),
    () => writeFileSync(join(folder, 'checkpoint'), 'nonsense'),
    () => {
      rmSync(join(folder, 'checkpoint'))
      mkdirSync(join(folder, 'checkpoint'))
    },
  ]
  for (const [i, act] of damage.entries()) {
    act()
    expect([i, await codeOf(open(folder))]).toEqual([i, 'LOG_UNUSABLE'])
    restore(good)
  }
  const again = await open(folder)
  expect(again.size).toBe(305)
  await again.close()
  expect(await codeOf(open(folder, aKey(LOG, 9)))).toBe('LOG_UNUSABLE')
})

test('another log of the same key in the same place is seen', async () => {
  const folder = join(aFolder(), 'log')
  const log = await open(folder)
  await log.append(entriesFrom(0, 3))
  await log.close()
  rmSync(folder, { recursive: true })
  const elsewhere = join(aFolder(), 'log')
  const other = await open(elsewhere)
  await other.append(entriesFrom(7, 9))
  await other.close()
  cpSync(elsewhere, folder, { recursive: true })
  expect(await codeOf(open(folder))).toBe('LOG_UNUSABLE')
})

test('a signer that fails or signs something else leaves the log as it was', async () => {
  const folder = join(aFolder(), 'log')
  let act = (message: Uint8Array): Uint8Array => TENANT.sign(message)
  const log = await open(folder, { vkey: TENANT.vkey, sign: (message) => act(message) })
  await log.append(entriesFrom(0, 1))
  act = () => new Uint8Array(64)
  expect(await codeOf(log.append(entriesFrom(1, 1)))).toBe('SIGNER_FAILED')
  act = (message) => TENANT.sign(message)
  expect(await codeOf(log.append([Buffer.alloc(65_536)]))).toBe('MALFORMED_TILE')
  await log.append(entriesFrom(1, 1))
  expect(await checkedLog(folder)).toEqual(['entry 0\n', 'entry 1\n'])
  await log.close()
})

test('a time-stamp lies beside the checkpoint of its size, and is handed out while that is the newest', async () => {
  const folder = join(aFolder(), 'log')
  const log = await open(folder)
  await log.append(entriesFrom(0, 2))
  await log.addTimestamp(2, Buffer.from('token'))
  const tokens = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const token of log.tiles.timestamps()) found.push(Buffer.from(token).toString())
    return found
  }
  expect(await tokens()).toEqual(['token'])
  await log.append(entriesFrom(2, 1))
  expect(await tokens()).toEqual([])
  expect(readFileSync(join(folder, 'timestamps/2.tsr'), 'utf8')).toBe('token')
  await log.close()
})

test('a name that anybody may have is refused', async () => {
  const folder = join(aFolder(), 'log')
  expect(await codeOf(open(folder, aKey('localhost/agent', 1)))).toBe('INVALID_OPTION')
  expect(await codeOf(open(folder, aKey('example.com/issuer-1', 1)))).toBe('INVALID_OPTION')
  expect(existsSync(folder)).toBe(false)
})
