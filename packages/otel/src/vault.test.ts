// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Commitment } from '@spanseal/core'
import { commitmentsOf } from '@spanseal/core'
import type { MasterKey } from '@spanseal/keys'
import { defaultVaultFolder, FileMasterKeys, openKeyring, openVault } from '@spanseal/keys'
import { describe, expect, test } from 'vitest'
import { aFolder, anAudit } from './audit.fixture.ts'
import { optionsFromEnv } from './env.ts'
import { FaultyDisk, TestClock } from './faulty-disk.fixture.ts'

const LOG = 'localhost/support-agent'

/** A master key that can be switched off. */
function aMasterKey(): MasterKey & { works: boolean } {
  const keys = new FileMasterKeys(join(aFolder(), 'master'))
  const master = {
    works: true,
    wrap: (key: Uint8Array, bound: Uint8Array) => {
      if (!master.works) throw new Error('the KMS is down')
      return keys.wrap(key, bound)
    },
    unwrap: keys.unwrap.bind(keys),
  }
  return master
}

describe('an audit with a vault', () => {
  test('keeps why glass was broken, also where that could be recorded only later', async () => {
    const disk = new FaultyDisk()
    const clock = new TestClock()
    const times = { now: clock.now, monoNanos: clock.monoNanos }
    const { audit, journal, records } = anAudit({ vault: true, fs: disk.fs, ...times })
    const tool = audit.tool({ name: 'refund' }, () => 1)
    audit.breakGlass({ reason: 'written at once' }).close()
    disk.fail('write', 'ENOSPC')
    audit.breakGlass({ reason: 'written later' })
    tool()
    disk.mend()
    clock.pass(1_001)
    tool()
    await audit.forceFlush()
    const vault = openVault({
      keyring: openKeyring({ log: LOG, journal, create: false }),
      folder: defaultVaultFolder(journal),
      create: false,
    })
    const reasons = records()
      .filter(({ type }) => type === 'breakglass.open')
      .flatMap(commitmentsOf)
      .map(async ({ commitment }) => Buffer.from((await vault.get(commitment)).bytes).toString())
    expect(await Promise.all(reasons)).toEqual(['written at once', 'written later'])
  })

  test('keeps every value that it commits, as it was before redaction', async () => {
    const { audit, journal, records } = anAudit({ vault: true })
    const tool = audit.tool({ name: 'refund' }, (order: object) => ({ done: order }))
    const stream = audit.tool({ name: 'lines' }, () =>
      Readable.from([Buffer.from('a,b\n'), Buffer.from('c')]),
    )
    const fails = audit.tool({ name: 'fails' }, () => {
      throw new TypeError('no such order')
    })
    await audit.task({ name: 't' }, async (task) => {
      await task.output('a long answer, in clear words')
      tool({ order: 'A-1', password: 'hunter2-hunter2' })
      expect(await Array.fromAsync(stream())).toHaveLength(2)
      expect(fails).toThrow('no such order')
    })
    await audit.forceFlush()
    const committed = records().flatMap(commitmentsOf)
    const keyring = openKeyring({ log: LOG, journal, create: false })
    const vault = openVault({ keyring, folder: defaultVaultFolder(journal), create: false })
    const kept = new Map<string, string>()
    for (const { commitment, field } of committed) {
      kept.set(
        commitment.c,
        `${field} ${Buffer.from((await vault.get(commitment)).bytes).toString()}`,
      )
    }
    expect([...kept.values()].toSorted()).toEqual([
      '/detail/content a long answer, in clear words',
      '/invocation/error/message no such order',
      '/invocation/input 0:',
      '/invocation/input 0:',
      '/invocation/input {"order":"A-1","password":"hunter2-hunter2"}',
      '/invocation/output a,b\nc',
      '/invocation/output {"done":{"order":"A-1","password":"hunter2-hunter2"}}',
    ])
    expect(audit.health()).toMatchObject({ ok: true, vault: { stored: 7, waiting: 0, dropped: 0 } })
  })

  test('is off unless it is asked for', async () => {
    const { audit, journal } = anAudit()
    audit.tool({ name: 'refund' }, () => 1)()
    await audit.forceFlush()
    expect(audit.health().vault).toBeUndefined()
    const keyring = openKeyring({ log: LOG, journal })
    const folder = defaultVaultFolder(journal)
    expect(() => openVault({ keyring, folder, create: false })).toThrow('there is none')
  })

  test('can be asked for by SPANSEAL_VAULT', () => {
    expect(optionsFromEnv({ SPANSEAL_VAULT: 'on' }).vault).toBe(true)
    expect(optionsFromEnv({ SPANSEAL_VAULT: '/var/vault' }).vault).toEqual({ folder: '/var/vault' })
    expect(optionsFromEnv({ SPANSEAL_VAULT: 'off' })).not.toHaveProperty('vault')
    expect(optionsFromEnv({})).not.toHaveProperty('vault')
  })

  test('bytes that the caller writes over are kept as they were committed', async () => {
    const { audit, journal, ofType } = anAudit({ vault: true })
    const buffer = Buffer.from('before')
    audit.tool({ name: 'write' }, (bytes: Buffer) => void bytes)(buffer)
    buffer.fill('x')
    await audit.forceFlush()
    const keyring = openKeyring({ log: LOG, journal })
    const vault = openVault({ keyring, folder: defaultVaultFolder(journal) })
    const commitment = ofType('tool.start')[0]?.invocation.input as Commitment
    expect(Buffer.from((await vault.get(commitment)).bytes).toString()).toBe('before')
  })

  test('one that fails never stops the agent, and nothing is lost once it works again', async () => {
    const master = aMasterKey()
    master.works = false
    const { audit } = anAudit({ vault: { master, retryMillis: 5 } })
    const tool = audit.tool({ name: 'refund' }, (n: number) => n + 1)
    expect(tool(1)).toBe(2)
    await expect.poll(() => audit.health().vault?.failure).toContain('Error')
    expect(audit.health()).toMatchObject({ ok: false, vault: { stored: 0, waiting: 2 } })
    expect(tool(2)).toBe(3)
    master.works = true
    await audit.forceFlush()
    expect(audit.health()).toMatchObject({ ok: true, vault: { stored: 4, waiting: 0 } })
  })

  test('what there is no room for, or is too large, is counted', async () => {
    const master = aMasterKey()
    master.works = false
    const { audit } = anAudit({
      vault: { master, valueBytesMax: 100, queueBytesMax: 2_000, retryMillis: 60_000 },
      shutdownTimeoutMillis: 200,
    })
    const tool = audit.tool({ name: 'echo' }, (text: string) => void text)
    tool('x'.repeat(101))
    for (let i = 0; i < 5; i++) tool('y'.repeat(90))
    const { vault } = audit.health()
    expect(vault).toMatchObject({ tooLarge: 1, waiting: 3, dropped: 8 })
    expect(await audit.shutdown()).toMatchObject({ unkept: 3 })
    expect(audit.health().vault).toMatchObject({ dropped: 11 })
  })

  test('with onFailure refuse no tool runs while it fails', async () => {
    const master = aMasterKey()
    const { audit, ofType } = anAudit({ vault: { master, retryMillis: 5, onFailure: 'refuse' } })
    let runs = 0
    const tool = audit.tool({ name: 'refund' }, (n: number) => {
      runs += Math.sign(n)
    })
    const later = audit.tool({ name: 'later', async: true }, async () => void runs++)
    master.works = false
    tool(1)
    await expect.poll(() => audit.health().vault?.failure).toBeDefined()
    expect(() => tool(2)).toThrow(expect.objectContaining({ code: 'VAULT_UNUSABLE' }))
    await expect(later()).rejects.toMatchObject({ code: 'VAULT_UNUSABLE' })
    expect(runs).toBe(1)
    master.works = true
    await audit.forceFlush()
    tool(3)
    expect(runs).toBe(2)
    const ends = ofType('tool.end').map(({ invocation }) => invocation.status)
    expect(ends).toEqual(['success', 'error', 'error', 'success'])
  })

  test.each([
    { vault: 'yes' },
    { vault: { folder: '' } },
    { vault: { keys: 1 } },
    { vault: { onFailure: 'stop' } },
    { vault: { valueBytesMax: 0 } },
    { vault: { master: {} } },
  ])('refuses %j', (options) => {
    expect(() => anAudit(options as object)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})

describe('Audit.forget', () => {
  test('destroys, records, and what is said later about the person has a new key', async () => {
    const { audit, journal, ofType } = anAudit({ vault: true })
    const tool = audit.tool({ name: 'look up', subjects: (id) => [id] }, (id: string) => ({ id }))
    tool('alice')
    tool('bob')
    await audit.forceFlush()
    expect(await audit.forget('alice', 'she asked')).toMatchObject({ of: 'person', closed: 2 })
    expect(await audit.forget('mallory')).toBeUndefined()
    tool('alice')
    await audit.forceFlush()
    const [erasure] = ofType('erasure.done')
    const starts = ofType('tool.start').map(({ invocation }) => invocation.input as Commitment)
    const [first, bob, again] = starts.map((c) => (c.alg === 'sha256' ? '' : c.kid))
    expect(erasure?.detail).toMatchObject({ kids: [first], closed: 2 })
    expect(JSON.stringify(erasure)).not.toContain('alice')
    expect(JSON.stringify(erasure)).not.toContain('she asked')
    expect(again).not.toBe(first)
    const keyring = openKeyring({ log: LOG, journal })
    expect([first, bob, again].map((kid) => keyring.keyOfKid(kid as string) !== undefined)).toEqual(
      [false, true, true],
    )
    const vault = openVault({ keyring, folder: defaultVaultFolder(journal) })
    await expect(vault.get(starts[0] as Commitment)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await vault.get(starts[2] as Commitment)).bytes.length).toBeGreaterThan(0)
  })

  test('another process that has the key in memory notices within 60 seconds', async () => {
    let now = Date.now()
    const { audit, journal, ofType } = anAudit({ now: () => now })
    const tool = audit.tool({ name: 'look up', subjects: (id) => [id] }, (id: string) => id.length)
    const kidOfLast = (): unknown => {
      const input = ofType('tool.start').at(-1)?.invocation.input
      return input?.alg === 'blinded-sha256' && input.kid
    }
    tool('alice')
    const first = kidOfLast()
    openKeyring({ log: LOG, journal }).forget('alice')
    // Even where the person has a new key by then.
    openKeyring({ log: LOG, journal }).commitKeys(['alice'])
    now += 59_000
    tool('alice')
    expect(kidOfLast()).toBe(first)
    now += 1_000
    tool('alice')
    expect(kidOfLast()).not.toBe(first)
  })
})
