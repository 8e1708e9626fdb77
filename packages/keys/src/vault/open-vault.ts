// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { AuditError, fileSafeLogName, sha256Hex } from '@spanseal/core'
import type { Keyring } from '../keyring.ts'
import { isWithin, realTarget } from '../keyring-folder.ts'
import {
  assertPrivate,
  createSecret,
  makePrivateFolder,
  namesIn,
  readSecret,
} from '../secret-file.ts'
import type { MasterKey } from './master-key.ts'
import { FileMasterKeys } from './master-key.ts'
import { VAULT_VALUE_BYTES_MAX, Vault } from './vault.ts'
import { vaultError } from './vault-fs.ts'

export interface VaultOptions {
  /** Its log's vault is opened, and it is told of the vault, so that erasures reach it. */
  readonly keyring: Keyring
  /** The vault's folder; any number of logs may share one. */
  readonly folder: string
  /** The journal, in which the vault must not lie: what is shipped is not encrypted once more. */
  readonly journal?: string
  /** Default: key files in the keyring's folder, the first one made on first use. */
  readonly master?: MasterKey
  /** Folders that the agent's tools may write to: the vault is refused in and around them. */
  readonly refuseInside?: readonly string[]
  /** Larger values are not kept; default 16 MiB, at most 64 MiB. */
  readonly valueBytesMax?: number
  /** False: makes nothing, and a vault that is not there is `NOT_FOUND`; default true. */
  readonly create?: boolean
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
}

const DEFAULT_VALUE_BYTES_MAX = 16 * 1024 * 1024

/** Where a journal's vault lies unless an option says otherwise. */
export function defaultVaultFolder(journal: string): string {
  return `${resolve(journal)}.vault`
}

/** The master keys that lie in a keyring. */
export function keyringMasterKeys({ folder, log }: Keyring, create = true): FileMasterKeys {
  return new FileMasterKeys(`${folder}/${fileSafeLogName(log)}/vault-master`, create)
}

/**
 * Opens the vault of a keyring's log.
 *
 * @throws AuditError `VAULT_UNUSABLE` when the folder lies in or around the journal, the keyring or a
 * folder of `refuseInside`
 * @throws AuditError `KEYRING_UNSAFE` when others than its owner have rights to it
 * @throws AuditError `INVALID_OPTION` for a size that cannot be used
 * @throws AuditError `NOT_FOUND` with `create: false`, when there is none
 */
export function openVault(options: VaultOptions): Vault {
  const {
    keyring,
    create = true,
    valueBytesMax = DEFAULT_VALUE_BYTES_MAX,
    now = Date.now,
  } = options
  const folder = realTarget(options.folder)
  assertApart(folder, options)
  if (!(valueBytesMax > 0 && valueBytesMax <= VAULT_VALUE_BYTES_MAX)) {
    const range = `1 to ${VAULT_VALUE_BYTES_MAX}`
    throw new AuditError(
      'INVALID_OPTION',
      `vault: valueBytesMax is a number of bytes from ${range}`,
    )
  }
  if (create) makePrivateFolder(folder)
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found === undefined) {
    throw new AuditError('NOT_FOUND', `vault: there is none at ${options.folder}`)
  }
  assertPrivate(folder, found.mode)
  if (create) rememberVault(keyring, folder)
  return new Vault({
    log: keyring.log,
    folder: `${folder}/${fileSafeLogName(keyring.log)}`,
    master: options.master ?? keyringMasterKeys(keyring, create),
    isErased: (kid) => keyring.erasures.names(kid),
    valueBytesMax,
    now,
  })
}

function assertApart(folder: string, options: VaultOptions): void {
  const { keyring, journal, refuseInside = [] } = options
  const others = journal === undefined ? refuseInside : [journal, ...refuseInside]
  for (const other of [keyring.folder, ...others.map(realTarget)]) {
    if (!isWithin(folder, other) && !isWithin(other, folder)) continue
    throw vaultError(folder, `lies in or around ${other}; give it a folder of its own`)
  }
}

/** A vault that a log's agents write to: an erasure must reach every one of them. */
function rememberVault({ folder, log }: Keyring, vault: string): void {
  createSecret(`${vaultsFolder(folder, log)}/${sha256Hex(vault).slice(0, 16)}`, vault)
}

/** The folders of the vaults that were ever written to with this keyring. */
export function knownVaults({ folder, log }: Keyring): string[] {
  const known = vaultsFolder(folder, log)
  const names = namesIn(known).filter((name) => /^[0-9a-f]{16}$/.test(name))
  return names.flatMap((name) => readSecret(`${known}/${name}`) ?? [])
}

function vaultsFolder(folder: string, log: string): string {
  return `${folder}/${fileSafeLogName(log)}/vaults`
}
