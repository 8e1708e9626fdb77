// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { AuditRecord, CommitKey, CommitKeys, EpochBytes } from '@spanseal/core'
import { AuditError, isEpochId, readRecords } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import { defaultKeyringFolder, openKeyring } from '@spanseal/keys'
import { existingFolder } from '../option-values.ts'

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

/** The place of a record. */
export interface RecordId {
  readonly epoch: string
  readonly seq: number
}

/**
 * Takes `<epoch>/<seq>` apart. Of the epoch its last digits are enough, as `tail` shows them, where one
 * epoch of the journal has them.
 *
 * @throws AuditError `INVALID_OPTION`, `NOT_FOUND`
 */
export function recordIdOf(text: string, journal: string): RecordId {
  const [, epoch = '', seq = ''] = /^([0-9a-f-]{4,36})\/(0|[1-9]\d{0,14})$/.exec(text) ?? []
  if (isEpochId(epoch)) return { epoch, seq: Number(seq) }
  const shown = JSON.stringify(text.slice(0, 80))
  if (epoch === '') {
    const way = 'give <epoch>/<seq> as spanseal tail and spanseal search show it'
    throw new AuditError('INVALID_OPTION', `record: ${shown} is not usable; ${way}`)
  }
  const found = readdirSync(journal).filter((name) => isEpochId(name) && name.endsWith(epoch))
  const [only] = found
  if (only === undefined) {
    throw new AuditError('NOT_FOUND', `record: no epoch in ${journal} ends in ${epoch}`)
  }
  if (found.length === 1) return { epoch: only, seq: Number(seq) }
  const several = `${found.length} epochs in ${journal} end in ${epoch}`
  throw new AuditError('INVALID_OPTION', `record: ${several}: ${found.slice(0, 5).join(', ')}`)
}

/**
 * The journal folder that is named, also by one of its epochs.
 *
 * @throws AuditError `NOT_FOUND`, `JOURNAL_UNUSABLE`
 */
export function journalGiven(path: string): string {
  const folder = existingFolder(path)
  return isEpochId(basename(resolve(folder))) ? dirname(resolve(folder)) : folder
}

/**
 * The record of an id.
 *
 * @throws AuditError `NOT_FOUND`
 */
export async function findRecord(journal: string, id: string): Promise<FoundRecord> {
  const wanted = recordIdOf(id, journal)
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
