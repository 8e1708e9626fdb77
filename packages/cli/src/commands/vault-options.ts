// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import { AuditError } from '@spanseal/core'
import type { Keyring, MasterKey, Vault } from '@spanseal/keys'
import { commandMasterKey, defaultVaultFolder, knownVaults, openVault } from '@spanseal/keys'
import type { Command } from 'commander'

/** Options of every command that opens a vault. */
export interface VaultPlace {
  readonly journal: string
  readonly vault?: string
  readonly masterCommand?: string
}

export function addVaultOptions(command: Command): Command {
  return command
    .option('--vault <folder>', 'the vault (default: <journal>.vault beside it)')
    .option(
      '--master-command <command>',
      'program and arguments, separated by spaces, that hold the master key (default: key files in the keyring)',
    )
}

/** The master key that the options name; undefined for the one in the keyring. */
export function masterOf({ masterCommand }: VaultPlace): MasterKey | undefined {
  if (masterCommand === undefined) return undefined
  return commandMasterKey(masterCommand.split(' ').filter((word) => word !== ''))
}

/** The vault that the options name, as it is: nothing is made. */
export function existingVault(keyring: Keyring, place: VaultPlace): Vault {
  const { journal } = place
  const master = masterOf(place)
  const folder = place.vault ?? defaultVaultFolder(journal)
  return openVault({ keyring, folder, journal, create: false, ...(master && { master }) })
}

/**
 * Every vault that an erasure must reach: those that agents wrote to with this keyring, and the named
 * one.
 *
 * @param gone folders of vaults that are no more
 * @throws AuditError `NOT_FOUND` where one is not there
 */
export function allVaults(
  keyring: Keyring,
  place: VaultPlace,
  gone: readonly string[] = [],
): Vault[] {
  const beside = defaultVaultFolder(place.journal)
  const named = [place.vault ?? (existsSync(beside) ? beside : undefined)]
  const folders = [...knownVaults(keyring), ...named.filter((folder) => folder !== undefined)]
  const vaults = new Map<string, Vault>()
  for (const folder of folders.filter((one) => !gone.includes(one))) {
    if (!existsSync(folder)) {
      throw new AuditError(
        'NOT_FOUND',
        `vault: ${folder} is not there; make it reachable, or where it is no more say --vault-gone ${folder}`,
        { details: { option: '--vault-gone', file: folder } },
      )
    }
    const vault = existingVault(keyring, { ...place, vault: folder })
    vaults.set(vault.folder, vault)
  }
  return [...vaults.values()]
}
