// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cosignaturesOf, parseNote } from '@spanseal/core'
import type { CollectedCosignatures, Witness } from '@spanseal/transparency'
import { collectCosignatures, parseWitness, readTenantLog, TenantLog } from '@spanseal/transparency'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { aKey } from '../../packages/core/src/verify/a-journal.fixture.ts'
import { Litewitness } from '../services/litewitness.ts'

const folders: string[] = []
const aFolder = (): string => {
  const folder = mkdtempSync('/tmp/sealwit-')
  folders.push(folder)
  return folder
}

let server: Litewitness
let witness: Witness
beforeAll(async () => {
  server = await Litewitness.start(aFolder(), 'example.com/witness')
  witness = parseWitness(`${server.vkey}@${server.url}`)
})
afterAll(async () => {
  await server.stop()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

let count = 0
let tenant = aKey('example.com/log-0', 1)
beforeEach(() => {
  const name = `example.com/log-${++count}`
  tenant = aKey(name, count)
  server.addLog(name, tenant.vkey)
})

const entries = (prefix: string, first: number, n: number): Buffer[] =>
  Array.from({ length: n }, (_, i) => Buffer.from(`${prefix} ${first + i}\n`))

const open = (folder: string): Promise<TenantLog> => TenantLog.open({ folder, signer: tenant })

async function aLog(...sizes: readonly number[]): Promise<TenantLog> {
  const log = await open(join(aFolder(), 'log'))
  for (const size of sizes) await log.append(entries('entry', log.size, size - log.size))
  return log
}

async function ask(
  log: TenantLog,
  knownSizes = new Map<string, number>(),
): Promise<CollectedCosignatures> {
  return collectCosignatures(log, [witness], { knownSizes })
}

const reasons = ({ refused }: CollectedCosignatures): string[] =>
  refused.map(({ reason }) => reason)

test('it cosigns the log as it grows, over the sizes of every kind of tile', async () => {
  const log = await aLog(1)
  const knownSizes = new Map<string, number>()
  for (const size of [1, 2, 255, 256, 257, 700, 66_000]) {
    if (size > log.size) await log.append(entries('entry', log.size, size - log.size))
    expect([size, await ask(log, knownSizes)]).toEqual([size, { k: 1, n: 1, refused: [] }])
  }
  const note = parseNote(await readTenantLog(log.folder).checkpoint())
  expect(note.signatures).toHaveLength(2)
  const [cosignature] = cosignaturesOf(note, [witness.key])
  expect(Math.abs((cosignature?.time ?? 0) - Date.now() / 1000)).toBeLessThan(300)
  await log.close()
})

test('who does not know what it saw is told by it, also after it was killed', async () => {
  const log = await aLog(3)
  expect((await ask(log)).k).toBe(1)
  await log.append(entries('entry', 3, 300))
  await server.restart()
  expect(await ask(log)).toMatchObject({ k: 1, refused: [] })
  await log.close()
})

test('while it is down the log goes on, and is cosigned later', async () => {
  const log = await aLog(3)
  await server.kill()
  expect(reasons(await ask(log))).toEqual(['unreachable'])
  await log.append(entries('entry', 3, 2))
  await server.stop()
  server = await Litewitness.start(aFolder(), 'example.com/witness')
  witness = parseWitness(`${server.vkey}@${server.url}`)
  server.addLog(log.name, tenant.vkey)
  expect((await ask(log)).k).toBe(1)
  await log.close()
})

test('a log that it does not know, and a key that is not the log’s, are coded so', async () => {
  tenant = aKey('example.com/unknown', 1)
  const unknown = await aLog(1)
  expect(reasons(await ask(unknown))).toEqual(['unknown-log'])
  tenant = aKey(`example.com/log-${count}`, 99)
  const stolen = await aLog(1)
  expect(reasons(await ask(stolen))).toEqual(['signature'])
})

test('with the genuine log key: forks, rewritten history and rollbacks are refused', async () => {
  const log = await aLog(300)
  expect((await ask(log)).k).toBe(1)
  const other = async (...parts: readonly (readonly [string, number])[]): Promise<TenantLog> => {
    const forged = await open(join(aFolder(), 'log'))
    for (const [prefix, size] of parts) {
      await forged.append(entries(prefix, forged.size, size - forged.size))
    }
    return forged
  }
  const attacks: [string, TenantLog, string][] = [
    ['the same size, other entries', await other(['other', 300]), 'inconsistent'],
    ['history rewritten, then longer', await other(['other', 10], ['entry', 400]), 'inconsistent'],
    ['the tail cut and grown again', await other(['entry', 290], ['other', 400]), 'inconsistent'],
    ['rolled back', await other(['entry', 290]), 'ahead'],
    ['emptied and begun again', await other(['other', 1]), 'ahead'],
  ]
  for (const [what, forged, reason] of attacks) {
    const collected = await ask(forged)
    expect([what, collected.k, ...reasons(collected)]).toEqual([what, 0, reason])
    expect(collected.refused[0]?.error.code).toBe('WITNESS_REFUSED')
    await forged.close()
  }
  // The honest one goes on.
  await log.append(entries('entry', 300, 1))
  expect((await ask(log)).k).toBe(1)
  await log.close()
})

test('a log folder restored from an old copy, its sealer’s memory too, is found out by it', async () => {
  const log = await aLog(5)
  const copy = join(aFolder(), 'log')
  cpSync(log.folder, copy, { recursive: true })
  await log.append(entries('entry', 5, 5))
  expect((await ask(log)).k).toBe(1)
  await log.close()
  const restored = await open(copy)
  expect(reasons(await ask(restored))).toEqual(['ahead'])
  await restored.close()
})
