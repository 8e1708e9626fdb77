// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditRecord, CommitPlace, ErasureDetail, ErasureDone } from '@spanseal/core'
import { AuditError, commit, digestValue } from '@spanseal/core'
import type { Keyring } from '../keyring.ts'
import type { Vault } from '../vault/vault.ts'
import type { Erasure } from './erasure-ledger.ts'
import { surveyErasure } from './erasure-survey.ts'

/** What an erasure works on. */
export interface ErasureParts {
  readonly keyring: Keyring
  /** Every vault that agents wrote to with this keyring. */
  readonly vaults: readonly Vault[]
  /** The journal's records that hold this text, in any order. */
  readonly records: (mentioning: string) => AsyncIterable<AuditRecord>
  /**
   * Writes `erasure.done` and resolves to its `<epoch>/<seq>` once it is on disk; `detail` is given
   * the record's place.
   */
  readonly record: (
    detail: (at: Pick<CommitPlace, 'epoch' | 'seq'>) => ErasureDetail,
  ) => Promise<string>
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
}

/** A key that was destroyed. */
export interface Erased extends Pick<ErasureDetail, 'closed' | 'openable' | 'of'> {
  readonly kid: string
  /** `<epoch>/<seq>` of its `erasure.done`. */
  readonly record: string
}

/**
 * Forgets a person: destroys the key that what is about them was committed under, and the vaults'
 * keys; then records that in `erasure.done`. Every proof still verifies, and nobody can say any more
 * what was committed.
 *
 * Durable first, then done, then recorded: whoever runs {@link completeErasures} after a crash
 * finishes it. Idempotent. Agents that hold the key in memory notice within 60 s.
 *
 * @returns undefined where the person has no key: nothing was committed under one, or it was destroyed
 * @throws AuditError `KEYRING_UNUSABLE`, `VAULT_UNUSABLE`, or what `record` throws: begun, to be completed
 */
export async function forgetPerson(
  id: string,
  reason: string | undefined,
  parts: ErasureParts,
): Promise<Erased | undefined> {
  return forgetKey(parts.keyring.fileOfPerson(id), reason, parts)
}

/**
 * Destroys the keys of a period that is over: nothing committed under them can be opened or compared
 * any more, and pseudonyms made under them can be matched with no id.
 *
 * @returns undefined where there is no such key
 * @throws AuditError `INVALID_OPTION` while the period lasts, or for a person's kid
 */
export async function forgetPeriod(
  kid: string,
  reason: string | undefined,
  parts: ErasureParts,
): Promise<Erased | undefined> {
  const { keyring, now = Date.now } = parts
  const found = keyring.fileOfKid(kid)
  if (found?.of === 'person') {
    throw new AuditError('INVALID_OPTION', `period: ${kid} is the key of a person; give their id`)
  }
  const until = keyring.periods().find(({ keys }) => keys[0].kid === kid)?.until ?? 0
  if (now() < until) {
    const end = new Date(until).toISOString()
    throw new AuditError('INVALID_OPTION', `period: ${kid} is in use until ${end}`)
  }
  return forgetKey(found, reason, parts)
}

async function forgetKey(
  found: Pick<Erasure, 'file' | 'kid' | 'of'> | undefined,
  reason: string | undefined,
  parts: ErasureParts,
): Promise<Erased | undefined> {
  const { keyring, now = Date.now } = parts
  if (found === undefined) return undefined
  const erasure = { ...found, at: now(), ...(reason !== undefined && { reason }) }
  keyring.erasures.begin(erasure)
  return complete(erasure, parts)
}

/** Completes what was begun and not recorded. Idempotent. */
export async function completeErasures(parts: ErasureParts): Promise<Erased[]> {
  const erased: Erased[] = []
  for (const erasure of parts.keyring.erasures.pending()) {
    erased.push(await complete(erasure, parts))
  }
  return erased
}

/**
 * Destroys again every key that the journal's `erasure.done` records name: for a keyring or vault that
 * was restored from a back-up older than the erasure.
 *
 * @param erasures only such as were proved to be signed: else whoever can write to the journal could
 * have any key destroyed
 * @returns the kids whose keys had come back
 */
export async function replayErasures(
  { keyring, vaults }: Pick<ErasureParts, 'keyring' | 'vaults'>,
  erasures: AsyncIterable<ErasureDone>,
): Promise<string[]> {
  const again: string[] = []
  for await (const record of erasures) {
    if (record.chain.log !== keyring.log) continue
    const { epoch, seq } = record.chain
    for (const kid of record.detail.kids) {
      const found = keyring.fileOfKid(kid)
      if (found !== undefined) keyring.destroy(found)
      let isBack = found !== undefined
      for (const vault of vaults) isBack = (await vault.destroyKey(kid)) || isBack
      keyring.erasures.done(kid, `${epoch}/${seq}`)
      if (isBack) again.push(kid)
    }
  }
  return again
}

async function complete(erasure: Erasure, parts: ErasureParts): Promise<Erased> {
  const { keyring, records, vaults } = parts
  const { kid, of, reason } = erasure
  keyring.destroy(erasure)
  for (const vault of vaults) await vault.destroyKey(kid)
  const survey = await surveyErasure(kid, records(kid), keyring.periods())
  const { closed, openable } = survey
  const detail: ErasureDetail = { closed, kids: [kid], of, openable }
  // Nobody is believed that it stands in the journal: a crash right behind this has it there twice.
  const record = await parts.record((at) => {
    if (reason === undefined) return detail
    // People write reasons: committed under the period's key, like whatever they write.
    const place = { ...at, pointer: '/detail/reason' }
    return { ...detail, reason: commit(digestValue(reason), place, keyring.commitKeys()) }
  })
  keyring.erasures.done(kid, record)
  return { kid, of, closed, openable, record }
}
