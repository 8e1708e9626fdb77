// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Signer } from '@spanseal/core'
import { AuditError, fileSafeLogName, isLogName } from '@spanseal/core'
import type { Keyring } from '@spanseal/keys'
import { commandSigner, defaultKeyringFolder, openKeyring, pemSigner } from '@spanseal/keys'
import type { Command } from 'commander'
import { keysGiven } from '../given-files.ts'
import { logsOfJournal } from '../journal-logs.ts'
import { existingFolder } from '../option-values.ts'

/** Where a keyring lies, and of which of its logs. */
export interface KeyringPlace {
  readonly journal?: string
  readonly keys?: string
  readonly log?: string
}

/** Who signs for the tenant. */
export interface TenantOptions {
  readonly tenantKey?: string
  readonly tenantCommand?: string
  readonly tenantVkey?: string
}

export function addKeyringOptions(command: Command): Command {
  return command
    .option(
      '--journal <folder>',
      'the journal whose keyring it is (default: <folder>.keys beside it)',
    )
    .option('--keys <folder>', 'the keyring, where it lies elsewhere (or SPANSEAL_KEYS)')
    .option('--log <name>', 'the log, where the keyring holds several')
}

export function addTenantOptions(command: Command): Command {
  return command
    .option('--tenant-key <file>', 'file with the tenant key; passphrase: SPANSEAL_KEY_PASSPHRASE')
    .option(
      '--tenant-command <command>',
      'program and arguments, separated by spaces, that sign: message on standard input, base64 on standard output',
    )
    .option('--tenant-vkey <vkey|file>', 'the verifier key that --tenant-command signs with')
}

/** The passphrase of key files, from the environment; arguments are seen by every user. */
export function keyPassphrase(): { readonly passphrase?: string } {
  const passphrase = process.env['SPANSEAL_KEY_PASSPHRASE'] ?? ''
  return passphrase === '' ? {} : { passphrase }
}

/**
 * The tenant's signer that the options name; undefined where they name none.
 *
 * @throws AuditError `INVALID_OPTION`, and what the signers throw
 */
export function tenantGiven(options: TenantOptions): Signer | undefined {
  const { tenantCommand, tenantKey, tenantVkey } = options
  if (tenantKey !== undefined && tenantCommand !== undefined) {
    throw new AuditError('INVALID_OPTION', 'give --tenant-key or --tenant-command, not both')
  }
  if (tenantKey !== undefined) return pemSigner(tenantKey, keyPassphrase())
  if (tenantCommand === undefined) return undefined
  const [key, ...more] = keysGiven(tenantVkey === undefined ? [] : [tenantVkey], '--tenant-vkey')
  if (tenantVkey === undefined || key === undefined || more.length > 0) {
    throw new AuditError(
      'INVALID_OPTION',
      '--tenant-command: name the one key that it signs with by --tenant-vkey <vkey>',
      { details: { option: '--tenant-vkey' } },
    )
  }
  const vkey = `${key.name}+${key.keyId}+${Buffer.from([1, ...key.publicKey]).toString('base64')}`
  return commandSigner({ argv: tenantCommand.split(' ').filter((word) => word !== ''), vkey })
}

/** @throws AuditError `INVALID_OPTION` where there is no signer for the tenant */
export function requiredTenant(options: TenantOptions): Signer {
  const tenant = tenantGiven(options)
  if (tenant !== undefined) return tenant
  throw new AuditError(
    'INVALID_OPTION',
    'name the tenant key with --tenant-key <file>, or --tenant-command <command> and --tenant-vkey <vkey>; ' +
      'make one with `spanseal keys new --tenant`',
  )
}

/** The path of the keyring that the options name, which may not exist. */
export function keyringPath({
  journal,
  keys = process.env['SPANSEAL_KEYS'],
}: KeyringPlace): string {
  if (keys === undefined && journal === undefined) {
    throw new AuditError(
      'INVALID_OPTION',
      'name the journal with --journal <folder>, or the keyring with --keys <folder>',
    )
  }
  return keys ?? defaultKeyringFolder(journal ?? '')
}

export function existingKeyring(place: KeyringPlace): string {
  const folder = keyringPath(place)
  if (existsSync(folder) && statSync(folder).isDirectory()) return folder
  throw new AuditError(
    'NOT_FOUND',
    `keyring: ${folder} is no folder; keyrings never leave the host that writes: run this there, ` +
      'or name the keyring with --keys',
    { details: { option: 'keys', file: folder } },
  )
}

/** The logs that a keyring holds keys of, or those that the options name. */
export function logsOf(folder: string, { journal, log }: KeyringPlace): string[] {
  if (log !== undefined) return [log]
  if (journal !== undefined && existsSync(journal)) return logsOfJournal(existingFolder(journal))
  return readdirSync(folder).map(logOfFolder).filter(isLogName).sort()
}

/** The reverse of `fileSafeLogName`: no segment begins with `_`, so it is unambiguous. */
function logOfFolder(name: string): string {
  return name.replace(/__?/g, (found) => (found === '__' ? '_' : '/'))
}

export function holdsIssuers(folder: string, log: string): boolean {
  return existsSync(join(folder, fileSafeLogName(log), 'issuer'))
}

/**
 * The keyring of one log that has issuer keys.
 *
 * @param create whether a new key may be made; nothing but that is
 * @throws AuditError `NOT_FOUND`, `INVALID_OPTION` where there are several logs
 */
export function issuersKeyring(place: KeyringPlace, create = false): Keyring {
  const folder = existingKeyring(place)
  const logs = logsOf(folder, place).filter((log) => holdsIssuers(folder, log))
  const [log, ...more] = logs
  if (log === undefined) {
    throw new AuditError(
      'NOT_FOUND',
      `${folder} holds no issuer key${place.log === undefined ? '' : ` of ${place.log}`}; make one with \`spanseal keys new --issuer\``,
    )
  }
  if (more.length > 0) {
    throw new AuditError('INVALID_OPTION', `name one with --log: ${logs.join(', ')}`)
  }
  const { journal } = place
  return openKeyring({ log, folder, create, ...(journal === undefined ? {} : { journal }) })
}
