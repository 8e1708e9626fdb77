// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommitKey } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seal, unseal } from './sealed-box.ts'
import { anEntry, aVault, filesBelow } from './vault.fixture.ts'

const RUNS = { numRuns: process.env['SLOW'] === '1' ? 5_000 : 150 }
const REFUSALS = ['VAULT_UNUSABLE', 'NOT_FOUND']

/** What somebody with write access does to a file. */
const aChange: fc.Arbitrary<(file: Buffer) => Buffer> = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, by]) => (file: Buffer) => {
    const changed = Buffer.from(file)
    const where = at % changed.length
    changed[where] = (changed[where] as number) ^ by
    return changed
  }),
  fc.nat().map((length) => (file: Buffer) => file.subarray(0, length % file.length)),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more) => (file: Buffer) => {
    return Buffer.concat([file, more])
  }),
  fc.uint8Array({ maxLength: 300 }).map((other) => () => Buffer.from(other)),
  fc.nat().map((at) => (file: Buffer) => {
    const where = at % file.length
    return Buffer.concat([file.subarray(0, where), file.subarray(where + 1)])
  }),
)

describe('a hostile vault', () => {
  test.each(['/values/', '/vault/example.com_support/keys/'])(
    'a changed file in %s gives a coded error or the value, never another one',
    async (part) => {
      const { keyring, root, vault } = aVault()
      const entry = anEntry({ order: 'A-1' }, keyring.commitKeys())
      await vault.put(entry)
      const [path = ''] = [...filesBelow(root).keys()].filter((one) => one.includes(part))
      const file = readFileSync(path)
      await fc.assert(
        fc.asyncProperty(aChange, async (change) => {
          const changed = change(file)
          fc.pre(!changed.equals(file))
          writeFileSync(path, changed)
          // A process that has no key in memory.
          const fresh = aVault({ keyring }, root).vault
          const outcome = await fresh.get(entry.commitment).then(
            ({ bytes }) => Buffer.from(bytes).toString(),
            (error: unknown) => (error instanceof AuditError ? error.code : error),
          )
          // A line feed less at the end of a key file says the same.
          expect([entry.body, ...REFUSALS]).toContain(outcome)
          expect((await fresh.stat()).files).toBe(1)
        }),
        RUNS,
      )
    },
  )

  test('a file in the place of another is not taken, whoever may read both', async () => {
    const { keyring, root, vault } = aVault()
    const people = ['alice', 'bob', 'alice and bob']
    const entries = people.flatMap((who, i) =>
      [1, 2, 3].map((seq) => {
        const keys = keyring.commitKeys(who.split(' and '))
        return anEntry(`${who} ${seq}`, keys, { ...anEntry(0, keys).place, seq: seq + 10 * i })
      }),
    )
    for (const entry of entries) await vault.put(entry)
    const files = filesBelow(join(root, 'vault/example.com_support/values'))
    const paths = [...files.keys()]
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (a, b) => {
        const [from, to] = [paths[a % paths.length] as string, paths[b % paths.length] as string]
        fc.pre(from !== to)
        writeFileSync(to, files.get(from) as Buffer)
        for (const { commitment, body } of entries) {
          const found = await vault.get(commitment).then(
            ({ bytes }) => Buffer.from(bytes).toString(),
            ({ code }: AuditError) => code,
          )
          expect([body, ...REFUSALS]).toContain(found)
        }
        writeFileSync(to, files.get(to) as Buffer)
      }),
      { numRuns: 40 },
    )
  })
})

describe('what is put', () => {
  test('comes out as it was, under any number of keys', async () => {
    const { keyring, vault } = aVault()
    let seq = 0
    const value = fc.oneof(fc.uint8Array(), fc.string({ unit: 'binary' }), fc.anything())
    await fc.assert(
      fc.asyncProperty(value, fc.uniqueArray(fc.nat(20), { maxLength: 4 }), async (what, who) => {
        const keys = keyring.commitKeys(who.map((n) => `person ${n}`))
        const entry = anEntry(what, keys, { ...anEntry(0, keys).place, seq: seq++ })
        expect(await vault.put(entry)).toBe('stored')
        const { bytes } = await vault.get(entry.commitment)
        expect(Buffer.from(bytes)).toEqual(Buffer.from(entry.body as string))
      }),
      RUNS,
    )
  })

  test('destroying any one key closes it', async () => {
    const people = fc.uniqueArray(fc.nat(100), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(people, fc.nat(), async (who, pick) => {
        const { keyring, vault } = aVault()
        const keys = keyring.commitKeys(who.map(String))
        const entry = anEntry('about all of them', keys)
        await vault.put(entry)
        const { kid } = keys.keys[pick % keys.keys.length] as CommitKey
        await vault.destroyKey(kid)
        await expect(vault.get(entry.commitment)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      }),
      { numRuns: 10 },
    )
  })
})

test('a box opens with its secret and what it is bound to, and is never the same twice', () => {
  const bytes = fc.uint8Array({ maxLength: 200 })
  fc.assert(
    fc.property(bytes, bytes, bytes, bytes, (secret, plain, bound, other) => {
      const box = seal(secret, plain, bound)
      expect(unseal(secret, box, bound)).toEqual(Buffer.from(plain))
      expect(seal(secret, plain, bound).equals(box)).toBe(false)
      fc.pre(![bound, secret].some((one) => Buffer.from(one).equals(Buffer.from(other))))
      expect(unseal(secret, box, other)).toBeUndefined()
      expect(unseal(other, box, bound)).toBeUndefined()
    }),
  )
})
