// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Commitment } from '@spanseal/core'
import type { Vault } from '@spanseal/keys'
import { FileMasterKeys, openKeyring, openVault } from '@spanseal/keys'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readVectors } from './stored-vectors.ts'

interface StoredVector {
  readonly name: string
  readonly path: string
  /** Base64. */
  readonly file: string
  readonly commitment: Commitment
  readonly value: string
}

interface VaultVectors {
  readonly log: string
  readonly master: string
  readonly files: Readonly<Record<string, string>>
  readonly valid: readonly StoredVector[]
  readonly refused: readonly StoredVector[]
  readonly refusedKeys: readonly { name: string; kid: string; file: string }[]
}

const { files, log, master, refused, refusedKeys, valid } = readVectors<VaultVectors>('vault.json')

/** A vault of these files, with the keys of the vectors unless they say otherwise. */
function aVaultOf(own: ReadonlyMap<string, string | Uint8Array>): Vault {
  const root = mkdtempSync(join(tmpdir(), 'spanseal-vectors-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, content] of [...Object.entries(files), ...own]) {
    const place = join(root, 'vault', path)
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 })
    writeFileSync(place, content, { mode: 0o600 })
  }
  mkdirSync(join(root, 'master'), { mode: 0o700 })
  writeFileSync(join(root, 'master/0001.key'), master, { mode: 0o600 })
  const keyring = openKeyring({ log, folder: join(root, 'keys') })
  const masters = new FileMasterKeys(join(root, 'master'), false)
  return openVault({ keyring, folder: join(root, 'vault'), master: masters })
}

describe('vault.json', () => {
  test.each(valid)('$name', async ({ path, file, commitment, value }) => {
    const vault = aVaultOf(new Map([[path, Buffer.from(file, 'base64')]]))
    const found = await vault.get(commitment)
    expect(Buffer.from(found.bytes).toString('base64')).toBe(value)
    expect((await vault.get(commitment.c)).enc).toBe(commitment.enc)
  })

  test.each(refused)('refused: $name', async ({ path, file, commitment }) => {
    const vault = aVaultOf(new Map([[path, Buffer.from(file, 'base64')]]))
    await expect(vault.get(commitment)).rejects.toMatchObject({ code: 'VAULT_UNUSABLE' })
  })

  test.each(refusedKeys)('refused: a key file $name', async ({ kid, file }) => {
    const [first] = valid
    const { commitment, file: value, path } = first as StoredVector
    const own = new Map<string, string | Uint8Array>([
      [path, Buffer.from(value, 'base64')],
      [`example.com_support/keys/${kid}.key`, file],
    ])
    const outcome = await aVaultOf(own)
      .get(commitment)
      .catch((error: unknown) => error)
    expect(['VAULT_UNUSABLE', 'NOT_FOUND']).toContain((outcome as { code?: string }).code)
  })
})
