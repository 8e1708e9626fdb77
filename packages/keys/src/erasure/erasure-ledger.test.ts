// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditRecord } from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import { openKeyring } from '../keyring.ts'
import { aFolder, LOG } from '../vault/vault.fixture.ts'
import type { Erased } from './forget.ts'
import { completeErasures, forgetPerson } from './forget.ts'

const KID = '00112233aabbccdd'

async function* noRecords(): AsyncGenerator<AuditRecord> {
  // A journal that says nothing.
}

function aKeyring(folder: string = join(aFolder(), 'keys')): {
  readonly keyring: ReturnType<typeof openKeyring>
  readonly erasures: string
  readonly people: string
} {
  const keyring = openKeyring({ log: LOG, folder })
  const own = `${keyring.folder}/example.com_support`
  return { keyring, erasures: `${own}/erasures`, people: `${own}/people` }
}

describe('the ledger of erasures', () => {
  test('knows what was begun, what was done, and never who it was', () => {
    const { keyring, erasures } = aKeyring()
    keyring.commitKeys(['alice@example.com'])
    const kid = keyring.forget('alice@example.com') as string
    expect(keyring.erasures.pending()).toMatchObject([{ kid, of: 'person' }])
    expect(keyring.erasures.names(kid)).toBe(true)
    const text = readFileSync(join(erasures, `${kid}.json`), 'utf8')
    expect(text).not.toContain('alice')
    expect(statSync(join(erasures, `${kid}.json`)).mode & 0o077).toBe(0)
    keyring.erasures.done(kid, 'e/1')
    keyring.erasures.done(kid, 'e/2')
    expect(keyring.erasures.pending()).toEqual([])
    expect(keyring.erasures.kids()).toEqual([kid])
    expect(readdirSync(erasures)).toEqual([`${kid}.done`])
  })

  test.each([
    '',
    'null',
    '[]',
    '{"kid":"00112233aabbccdd"}',
    `{"kid":"ffffffffffffffff","of":"person","file":"00.json","at":1}`,
    `{"kid":"${KID}","of":"person","file":"../../heads","at":1}`,
    `{"kid":"${KID}","of":"tenant","file":"00.json","at":1}`,
    `{"kid":"${KID}","of":"person","file":"00.json","at":"now"}`,
    `{"kid":"${KID}","of":"person","file":"00.json","at":1,"reason":7}`,
  ])('an entry that is none is said, and nothing is destroyed: %s', (text) => {
    const { keyring, erasures } = aKeyring()
    mkdirSync(erasures, { mode: 0o700 })
    writeFileSync(join(erasures, `${KID}.json`), text, { mode: 0o600 })
    expect(() => keyring.erasures.pending()).toThrow(
      expect.objectContaining({ code: 'KEYRING_UNUSABLE' }),
    )
  })
})

describe('forgetPerson', () => {
  test('what fails on the way stays begun, and the next run completes it', async () => {
    const { keyring, people } = aKeyring()
    const { kid } = keyring.commitKeys(['alice']).keys[0]
    const record = (): Promise<string> => Promise.reject(new Error('the disk is full'))
    const failing = { keyring, vaults: [], records: noRecords, record }
    await expect(forgetPerson('alice', undefined, failing)).rejects.toThrow('the disk is full')
    expect(readdirSync(people)).toEqual([])
    expect(keyring.erasures.pending()).toMatchObject([{ kid }])
    const working = { ...failing, record: (): Promise<string> => Promise.resolve('e/1') }
    const expected: Erased = { kid, of: 'person', closed: 0, openable: { count: 0 }, record: 'e/1' }
    expect(await completeErasures(working)).toEqual([expected])
    expect(await completeErasures(working)).toEqual([])
    expect(await forgetPerson('alice', undefined, working)).toBeUndefined()
  })

  test('a key that the person was given meanwhile stays', async () => {
    const { keyring } = aKeyring()
    const first = keyring.commitKeys(['alice']).keys[0].kid
    keyring.forget('alice')
    const second = keyring.commitKeys(['alice']).keys[0].kid
    expect(second).not.toBe(first)
    const record = (): Promise<string> => Promise.resolve('e/1')
    await completeErasures({ keyring, vaults: [], records: noRecords, record })
    expect(keyring.commitKeys(['alice']).keys[0].kid).toBe(second)
    expect([first, second].map((kid) => keyring.keyOfKid(kid) !== undefined)).toEqual([false, true])
  })

  test('a key that comes back with a back-up is not used again', () => {
    const { keyring, people } = aKeyring()
    const { kid } = keyring.commitKeys(['alice']).keys[0]
    const [name = ''] = readdirSync(people)
    const backup = readFileSync(join(people, name))
    keyring.forget('alice')
    writeFileSync(join(people, name), backup, { mode: 0o600 })
    expect(keyring.keyOfKid(kid)).toBeUndefined()
    const later = openKeyring({ log: LOG, folder: keyring.folder })
    expect(later.commitKeys(['alice']).keys[0].kid).not.toBe(kid)
    expect(readFileSync(join(people, name), 'utf8')).not.toContain(kid)
  })
})
