// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommitKeys } from '@spanseal/core'
import { AuditError, commit, commitmentSalt, digestEncoded, encodeValue } from '@spanseal/core'
import { onTestFinished } from 'vitest'
import type { Keyring } from '../keyring.ts'
import { openKeyring } from '../keyring.ts'
import type { VaultOptions } from './open-vault.ts'
import { openVault } from './open-vault.ts'
import type { Vault, VaultEntry } from './vault.ts'

export const LOG = 'example.com/support'
export const EPOCH = '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00'

export interface TestVault {
  readonly root: string
  readonly keyring: Keyring
  readonly vault: Vault
}

export function aFolder(): string {
  const root = mkdtempSync(join(tmpdir(), 'spanseal-vault-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  return root
}

/** A vault with its keyring, in a folder of their own. */
export function aVault(options: Partial<VaultOptions> = {}, root: string = aFolder()): TestVault {
  const keyring = options.keyring ?? openKeyring({ log: LOG, folder: join(root, 'keys') })
  return { root, keyring, vault: openVault({ folder: join(root, 'vault'), ...options, keyring }) }
}

/** A value committed at a place, as an audit hands it to a vault. */
export function anEntry(
  value: unknown,
  keys: CommitKeys,
  place: VaultEntry['place'] = { epoch: EPOCH, seq: 7, pointer: '/invocation/input' },
): VaultEntry {
  const encoded = encodeValue(value)
  return {
    commitment: commit(digestEncoded(encoded), place, keys),
    place,
    salt: commitmentSalt(place, keys),
    kids: keys.keys.map(({ kid }) => kid),
    body: encoded.body,
  }
}

/** Every file below a folder, by its path. */
export function filesBelow(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const paths = names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile())
  return new Map(paths.map((path) => [path, readFileSync(path)]))
}

/** The code of the error that a promise rejects with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
  return 'no error'
}
