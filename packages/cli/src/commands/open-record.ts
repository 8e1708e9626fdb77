// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import type { AuditRecord, CommitKey, CommitKeys, EpochBytes } from '@spanseal/core'
import { AuditError, isEpochId, readRecords } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import { defaultKeyringFolder, openKeyring } from '@spanseal/keys'

/** Where commands find the keyring of a journal. */
export interface KeyringPlace {
  readonly journal: string
  readonly keys?: string
}

/** A record with the epoch that it stands in. */
export interface FoundRecord {
  readonly record: AuditRecord
  readonly epoch: EpochBytes
}

/** Takes `<epoch>/<seq>` apart. */
export function recordIdOf(text: string): { readonly epoch: string; readonly seq: number } {
  const [, epoch = '', seq = ''] = /^([0-9a-f-]{36})\/(0|[1-9]\d{0,14})$/.exec(text) ?? []
  if (isEpochId(epoch)) return { epoch, seq: Number(seq) }
  const shown = JSON.stringify(text.slice(0, 80))
  throw new AuditError(
    'INVALID_OPTION',
    `record: ${shown} is not usable; give <epoch>/<seq> as spanseal tail shows it`,
  )
}

/**
 * The record of an id.
 *
 * @throws AuditError `NOT_FOUND`
 */
export async function findRecord(journal: string, id: string): Promise<FoundRecord> {
  const wanted = recordIdOf(id)
  for await (const epoch of readJournal(journal)) {
    if (epoch.epoch !== undefined && epoch.epoch !== wanted.epoch) continue
    const mentioning = `"seq":${wanted.seq}}`
    for await (const record of readRecords(only(epoch), { mentioning })) {
      const { chain } = record
      if (chain.epoch === wanted.epoch && chain.seq === wanted.seq) return { record, epoch }
    }
  }
  throw new AuditError('NOT_FOUND', `record ${id} is not in ${journal}`)
}

async function* only(epoch: EpochBytes): AsyncGenerator<EpochBytes> {
  yield epoch
}

/** The folder of the keyring that belongs to a journal. */
export function keyringFolderOf({
  journal,
  keys = process.env['SPANSEAL_KEYS'] ?? defaultKeyringFolder(journal),
}: KeyringPlace): string {
  if (existsSync(keys)) return keys
  throw new AuditError(
    'NOT_FOUND',
    `keyring: there is none at ${keys}; run this on the host that writes the journal, or name it ` +
      'with --keys',
    { details: { option: '--keys', file: keys } },
  )
}

/** The keyring of a log, as it is: nothing is made. */
export function existingKeyring(log: string, place: KeyringPlace): Keyring {
  const folder = keyringFolderOf(place)
  return openKeyring({ log, folder, journal: place.journal, create: false })
}

/**
 * The keys that a commitment names.
 *
 * @throws AuditError `NOT_FOUND` saying which is missing, and whether it was destroyed
 */
export function keysOfKids(keyring: Keyring, kid: string | readonly string[]): CommitKeys {
  const keys = [kid].flat().map((one): CommitKey => {
    const key = keyring.keyOfKid(one)
    if (key !== undefined) return key
    const why = keyring.erasures.names(one)
      ? 'was destroyed: nobody can open this any more'
      : `is not in ${keyring.folder}: lost, destroyed, or in another keyring`
    throw new AuditError('NOT_FOUND', `the key ${one} of this commitment ${why}`)
  })
  return { keys: keys as [CommitKey, ...CommitKey[]] }
}
