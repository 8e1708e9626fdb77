// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { chmodSync, copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Commitment } from '@spanseal/core'
import { commitmentDigest, plainCommitment } from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import { openKeyring } from '../keyring.ts'
import type { MasterKey } from './master-key.ts'
import { FileMasterKeys } from './master-key.ts'
import { knownVaults, openVault } from './open-vault.ts'
import { aFolder, anEntry, aVault, codeOf, filesBelow, LOG } from './vault.fixture.ts'
import { putFile } from './vault-fs.ts'

function valueFiles(root: string): string[] {
  return [...filesBelow(root).keys()].filter((path) => path.includes('/values/'))
}

describe('a vault', () => {
  test('gives a value by its commitment, with what opens it', async () => {
    const { keyring, vault, root } = aVault()
    for (const value of [{ order: 'A-1' }, 'a text', Buffer.from([0, 255]), new Map([[1, 2]])]) {
      const entry = anEntry(value, keyring.commitKeys())
      expect(await vault.put(entry)).toBe('stored')
      expect(await vault.put(entry)).toBe('held')
      for (const wanted of [entry.commitment, entry.commitment.c]) {
        const found = await vault.get(wanted)
        expect(Buffer.from(found.bytes)).toEqual(Buffer.from(entry.body as string))
        expect(found.opening).toEqual({ place: entry.place, salt: entry.salt })
        const body = found.bytes
        expect(commitmentDigest({ enc: found.enc, body }, entry.place, entry.salt)).toBe(
          entry.commitment.c,
        )
      }
    }
    expect(await vault.stat()).toMatchObject({ files: 4, readable: 4, keys: { held: 1, gone: 0 } })
    const all = Buffer.concat([...filesBelow(join(root, 'vault')).values()])
    expect(all.includes('A-1')).toBe(false)
    expect(all.includes('a text')).toBe(false)
  })

  test('keeps plain digests too, once for each person', async () => {
    const { keyring, vault } = aVault()
    const commitment = plainCommitment('text', 'the same for both')
    const place = { epoch: '', seq: 0, pointer: '' }
    for (const person of ['alice', 'bob']) {
      const kids = keyring.commitKeys([person]).keys.map(({ kid }) => kid)
      const entry = { commitment, place, kids, body: 'the same for both' }
      expect(await vault.put(entry)).toBe('stored')
    }
    await vault.destroyKey(keyring.commitKeys(['alice']).keys[0].kid)
    const found = await vault.get(commitment)
    expect(Buffer.from(found.bytes).toString()).toBe('the same for both')
    expect(found.opening).toBeUndefined()
  })

  test('says what it does not hold, and what is too large', async () => {
    const { keyring, vault } = aVault({ valueBytesMax: 100 })
    const entry = anEntry('x'.repeat(101), keyring.commitKeys())
    expect(await vault.put(entry)).toBe('too_large')
    expect(await codeOf(vault.get(entry.commitment))).toBe('NOT_FOUND')
    expect(await codeOf(vault.get('../../etc/passwd'))).toBe('INVALID_OPTION')
  })

  test('a file that was changed, moved or swapped is not taken', async () => {
    const { keyring, vault, root } = aVault()
    const entries = ['one', 'two'].map((text, seq) =>
      anEntry(text, keyring.commitKeys(), { ...anEntry('', keyring.commitKeys()).place, seq }),
    )
    for (const entry of entries) await vault.put(entry)
    const [first, second] = entries.map(
      ({ commitment }) => valueFiles(root).find((path) => path.includes(commitment.c)) as string,
    ) as [string, string]
    const { commitment } = entries[0] as { commitment: Commitment }
    copyFileSync(first, `${first}.kept`)
    copyFileSync(second, first)
    expect(await codeOf(vault.get(commitment))).toBe('VAULT_UNUSABLE')
    renameSync(`${first}.kept`, first)
    expect((await vault.get(commitment)).c).toBe(commitment.c)
    const swapped =
      commitment.alg === 'sha256' ? commitment : { ...commitment, kid: '0'.repeat(16) }
    expect(await codeOf(vault.get(swapped))).toBe('VAULT_UNUSABLE')
    expect(await codeOf(vault.get({ ...commitment, enc: 'bytes' }))).toBe('VAULT_UNUSABLE')
    chmodSync(first, 0o644)
    expect(await codeOf(vault.get(commitment))).toBe('VAULT_UNUSABLE')
  })

  test('values of several people need the keys of all', async () => {
    const { keyring, vault } = aVault()
    const keys = keyring.commitKeys(['alice', 'bob'])
    const entry = anEntry('about both', keys)
    await vault.put(entry)
    expect(await vault.destroyKey(keys.keys[1]?.kid as string)).toBe(true)
    expect(await codeOf(vault.get(entry.commitment))).toBe('NOT_FOUND')
    expect(await vault.put(anEntry('later', keys))).toBe('erased')
    expect(await vault.stat()).toMatchObject({ erased: 1, readable: 0, keys: { held: 1, gone: 1 } })
    expect(await vault.compact()).toMatchObject({ removed: 1 })
    expect(await vault.stat()).toMatchObject({ files: 0 })
  })

  test('processes that share a vault agree on the key, and see at once that it is destroyed', async () => {
    const { keyring, root } = aVault()
    const vaults = Array.from({ length: 8 }, () => aVault({ keyring }, root).vault)
    const keys = keyring.commitKeys(['alice'])
    const place = anEntry('', keys).place
    const entries = vaults.map((_, seq) => anEntry(`text ${seq}`, keys, { ...place, seq }))
    await Promise.all(vaults.map((vault, i) => vault.put(entries[i] as (typeof entries)[0])))
    for (const { commitment, body } of entries) {
      expect(Buffer.from((await vaults[0]?.get(commitment))?.bytes ?? []).toString()).toBe(body)
    }
    await vaults[0]?.destroyKey(keys.keys[0].kid)
    for (const vault of vaults) {
      expect(await vault.put(anEntry('more', keys))).toBe('erased')
      expect(await codeOf(vault.get(entries[0]?.commitment as Commitment))).toBe('NOT_FOUND')
    }
  })

  test('a key that an erasure of the keyring names is gone, whatever lies in the vault', async () => {
    const { keyring, vault } = aVault()
    const entry = anEntry('about alice', keyring.commitKeys(['alice']))
    await vault.put(entry)
    keyring.forget('alice')
    expect(await codeOf(vault.get(entry.commitment))).toBe('NOT_FOUND')
    expect(await vault.put(entry)).toBe('held')
    expect((await vault.compact()).removed).toBe(1)
    expect(await vault.put(entry)).toBe('erased')
  })

  test('a lost data key is told apart from a destroyed one', async () => {
    const { keyring, root, vault } = aVault()
    const entry = anEntry('text', keyring.commitKeys())
    await vault.put(entry)
    const [key = ''] = [...filesBelow(root).keys()].filter(
      (path) => path.includes('/vault/') && path.endsWith('.key'),
    )
    renameSync(key, `${key}.away`)
    const fresh = aVault({ keyring }, root).vault
    await expect(fresh.get(entry.commitment)).rejects.toThrow(/missing; restore it/)
    expect(await fresh.stat()).toMatchObject({ keyMissing: 1 })
    expect(await fresh.compact()).toMatchObject({ removed: 0 })
  })
})

describe('master keys', () => {
  test('a rotation wraps every key anew; back-ups under the old one are dead', async () => {
    const { keyring, root, vault } = aVault()
    const entry = anEntry('text', keyring.commitKeys())
    await vault.put(entry)
    const masters = new FileMasterKeys(`${keyring.folder}/example.com_support/vault-master`)
    const before = masters.rotate()
    expect(await vault.rewrap()).toBe(1)
    expect(masters.retireOlder()).toBe(1)
    const fresh = aVault({ keyring }, root).vault
    expect(Buffer.from((await fresh.get(entry.commitment)).bytes).toString()).toBe('text')
    expect(Buffer.concat([...filesBelow(join(root, 'vault')).values()]).includes(before)).toBe(true)
  })

  test('a rotation while a data key is made leaves no key that nobody can unwrap', async () => {
    const { keyring, root } = aVault()
    const files = new FileMasterKeys(join(root, 'master'))
    let wraps = 0
    const master: MasterKey = {
      wrap: (key, bound) => {
        const wrapped = files.wrap(key, bound)
        if (++wraps === 1) {
          files.rotate()
          files.retireOlder()
        }
        return wrapped
      },
      unwrap: files.unwrap.bind(files),
    }
    const { vault } = aVault({ keyring, master }, root)
    const entry = anEntry('text', keyring.commitKeys())
    expect(await vault.put(entry)).toBe('stored')
    const fresh = aVault({ keyring, master }, root).vault
    expect(Buffer.from((await fresh.get(entry.commitment)).bytes).toString()).toBe('text')
  })

  test('without its master key nothing can be read, and that is said', async () => {
    const { keyring, root, vault } = aVault()
    const entry = anEntry('text', keyring.commitKeys())
    await vault.put(entry)
    const master = new FileMasterKeys(join(root, 'elsewhere'))
    const fresh = aVault({ keyring, master }, root).vault
    expect(await codeOf(fresh.get(entry.commitment))).toBe('NOT_FOUND')
  })
})

describe('openVault', () => {
  test('refuses a place in or around journal and keyring, sizes, and looser rights', () => {
    const root = aFolder()
    const keyring = openKeyring({ log: LOG, folder: join(root, 'keys') })
    const journal = join(root, 'audit')
    const code = (options: object): string => {
      try {
        openVault({ keyring, folder: join(root, 'vault'), ...options })
        return 'opened'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(code({ create: false })).toBe('NOT_FOUND')
    expect(code({ journal, folder: join(journal, 'vault') })).toBe('VAULT_UNUSABLE')
    expect(code({ journal, folder: root })).toBe('VAULT_UNUSABLE')
    expect(code({ folder: join(root, 'keys/vault') })).toBe('VAULT_UNUSABLE')
    expect(code({ valueBytesMax: 2 ** 40 })).toBe('INVALID_OPTION')
    expect(code({})).toBe('opened')
    expect(knownVaults(keyring)).toEqual([join(root, 'vault')])
    chmodSync(join(root, 'vault'), 0o755)
    expect(code({})).toBe('KEYRING_UNSAFE')
  })

  test.skipIf(process.platform !== 'linux')(
    'a place that takes no folders is refused, not asked for ever',
    async () => {
      const path = '/proc/self/none/of/this/value'
      const drafts = '/proc/self/none/drafts'
      expect(await codeOf(putFile(path, Buffer.from('x'), { drafts }))).toBe('VAULT_UNUSABLE')
    },
  )

  test('a folder is made with all that it lies in, by two at once', async () => {
    const root = join(aFolder(), 'a', 'b')
    const paths = [join(root, 'c', 'one'), join(root, 'c', 'd', 'two')]
    const drafts = join(root, 'drafts')
    expect(
      await Promise.all(paths.map((path) => putFile(path, Buffer.from('x'), { drafts }))),
    ).toEqual([true, true])
    expect([...filesBelow(root).keys()].sort()).toEqual(paths.sort())
  })

  test('a link or a folder in the place of a value is no value', async () => {
    const { keyring, root, vault } = aVault()
    const entry = anEntry('text', keyring.commitKeys())
    await vault.put(entry)
    const [path = ''] = valueFiles(root)
    renameSync(path, `${path}.away`)
    symlinkSync(`${path}.away`, path)
    expect(await codeOf(vault.get(entry.commitment))).toBe('VAULT_UNUSABLE')
    const other = anEntry('other', keyring.commitKeys())
    const folder = join(root, 'vault/example.com_support/values', other.commitment.c.slice(0, 2))
    mkdirSync(join(folder, `${other.commitment.c}-${'0'.repeat(16)}`), { recursive: true })
    expect(await codeOf(vault.get(other.commitment))).toBe('VAULT_UNUSABLE')
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    expect((await vault.stat()).unreadable).toBeGreaterThan(0)
  })
})
