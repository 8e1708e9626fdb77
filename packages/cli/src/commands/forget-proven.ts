// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochBytes, ErasureDone, NoteKey } from '@spanseal/core'
import { AuditError, checkBundle, formatBundle, proveRecord, readRecords } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'

/** A bundle's level from which on a pinned key signed the record. */
const LEVEL_SIGNED = 2

/**
 * The `erasure.done` records of a journal that one of these keys vouches for: who can only write to the
 * folder must not be able to have keys destroyed.
 *
 * @param onUnproven told of each other one, as `<epoch>/<seq>`
 */
export async function* provenErasures(
  journal: string,
  keys: readonly NoteKey[],
  onUnproven: (record: string) => void,
): AsyncGenerator<ErasureDone> {
  for await (const epoch of readJournal(journal)) {
    for await (const record of readRecords(only(epoch), { mentioning: '"type":"erasure.done"' })) {
      if (record.type !== 'erasure.done') continue
      if (await isProven(epoch, record, keys)) yield record
      else onUnproven(`${record.chain.epoch}/${record.chain.seq}`)
    }
  }
}

async function isProven(
  epoch: EpochBytes,
  { chain }: ErasureDone,
  keys: readonly NoteKey[],
): Promise<boolean> {
  try {
    const bundle = await proveRecord(epoch, chain.seq)
    const { level, ok, record } = await checkBundle(formatBundle(bundle), { keys })
    return ok && level >= LEVEL_SIGNED && record?.epoch === chain.epoch && record.seq === chain.seq
  } catch (error) {
    if (error instanceof AuditError) return false
    throw error
  }
}

async function* only(epoch: EpochBytes): AsyncGenerator<EpochBytes> {
  yield epoch
}
