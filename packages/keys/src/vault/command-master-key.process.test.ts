// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandMasterKey } from './command-master-key.ts'
import { aFolder, anEntry, aVault, codeOf } from './vault.fixture.ts'

const KEY = Buffer.alloc(32, 7)
const BOUND = Buffer.from('what it belongs to')

/** A program that reads two lines of base64, as `bound` and `data`, and does this. */
function aProgram(body: string): string[] {
  const path = join(aFolder(), 'kms.mjs')
  const text = `
import { readFileSync } from 'node:fs'
import { createCipheriv, createDecipheriv } from 'node:crypto'
const verb = process.argv[2]
const [bound, data] = readFileSync(0, 'utf8').split('\\n').map((line) => Buffer.from(line, 'base64'))
const key = Buffer.alloc(32, 1)
const nonce = Buffer.alloc(12, 2)
${body}`
  writeFileSync(path, text)
  return [process.execPath, path]
}

const WRAPS = `
const cipher = verb === 'wrap' ? createCipheriv('aes-256-gcm', key, nonce) : createDecipheriv('aes-256-gcm', key, nonce)
cipher.setAAD(bound)
if (verb === 'unwrap') cipher.setAuthTag(data.subarray(-16))
process.on('uncaughtException', () => process.exit(1))
const out = Buffer.concat([cipher.update(verb === 'wrap' ? data : data.subarray(0, -16)), cipher.final()])
console.log(Buffer.concat([out, verb === 'wrap' ? cipher.getAuthTag() : Buffer.alloc(0)]).toString('base64'))
`

describe('a master key behind a command', () => {
  test('wraps and unwraps; with what it belongs to only', async () => {
    const master = commandMasterKey(aProgram(WRAPS), { id: 'kms-1' })
    const wrapped = await master.wrap(KEY, BOUND)
    expect(wrapped.master).toBe('kms-1')
    expect(Buffer.from(await master.unwrap(wrapped, BOUND))).toEqual(KEY)
    const elsewhere = Promise.resolve(master.unwrap(wrapped, Buffer.from('elsewhere')))
    expect(await codeOf(elsewhere)).toBe('VAULT_UNUSABLE')
  })

  test('holds a vault', async () => {
    const { keyring, vault } = aVault({ master: commandMasterKey(aProgram(WRAPS)) })
    const entry = anEntry({ order: 'A-1' }, keyring.commitKeys(['alice']))
    expect(await vault.put(entry)).toBe('stored')
    expect((await vault.get(entry.commitment)).enc).toBe('json')
  })

  test.each([
    ['ends with an error', 'process.exit(3)'],
    ['says nothing', ''],
    ['says what is no base64', "console.log('*** not found')"],
    ['never ends', 'setInterval(() => {}, 1_000)'],
    ['never stops talking', "setInterval(() => process.stdout.write('A'.repeat(60_000)), 1)"],
    ['gives a key of another length', "console.log('AAAA')"],
  ])('one that %s makes the vault unusable, and no more', async (_, body) => {
    const master = commandMasterKey(aProgram(body), { timeoutMillis: 2_000 })
    const { keyring, vault } = aVault({ master })
    expect(await codeOf(vault.put(anEntry('text', keyring.commitKeys())))).toBe('VAULT_UNUSABLE')
  })

  test('one that is not there too; an empty one is refused', async () => {
    const missing = commandMasterKey(['/nowhere/kms'])
    expect(await codeOf(Promise.resolve(missing.wrap(KEY, BOUND)))).toBe('VAULT_UNUSABLE')
    expect(() => commandMasterKey([])).toThrow('name a command')
    expect(() => commandMasterKey(['kms'], { id: 'K M S' })).toThrow('an id has')
  })
})
