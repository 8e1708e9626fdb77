// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto'
import type { CommitKey, CommitKeys } from '@spanseal/core'
import { AuditError, HmacKey } from '@spanseal/core'
import { destroyFile } from './erasure/destroy-file.ts'
import type { LogKeys } from './secret-file.ts'
import { createSecret, notFound, randomHex, readSecret, slotPath, slots } from './secret-file.ts'

const DAY_MILLIS = 86_400_000
/** Equal values can be grouped within a period only, and destroying a period's keys ends that. */
export const PERIOD_DAYS = 90
const KID = /^[0-9a-f]{16}$/
const KEY = /^[0-9a-f]{64}$/

/** What a key file holds. `key` and `eq` are secret: they go no further than this file. */
interface KeyFile {
  readonly kid: string
  readonly key: string
  readonly eq?: string
  readonly from: number
}

/** A key with the equality key of its period. */
export interface PeriodKey extends CommitKeys {
  readonly keys: readonly [CommitKey]
  readonly eq: HmacKey
  /** Unix milliseconds at which the next period begins. */
  readonly until: number
}

/** The log's keys, a new pair every 90 days; racing processes agree on one. */
export class PeriodKeys {
  readonly #keys: LogKeys
  readonly #folder: string
  #current: PeriodKey | undefined

  constructor(keys: LogKeys) {
    this.#keys = keys
    this.#folder = `${keys.folder}/period`
  }

  /** Reads or makes files at most once a period. */
  current(): PeriodKey {
    const now = this.#keys.now()
    if (this.#current !== undefined && now < this.#current.until) return this.#current
    const newest = slots(this.#folder, 'json').at(-1) ?? 0
    const held = newest === 0 ? undefined : this.#read(newest)
    const isInForce = held !== undefined && (now < held.until || !this.#keys.create)
    this.#current = isInForce ? held : this.#make(newest + 1, now)
    return this.#current
  }

  /** Those of every period, newest first; makes none. */
  all(): PeriodKey[] {
    return slots(this.#folder, 'json')
      .map((slot) => this.#read(slot))
      .reverse()
  }

  /** The number of a period's key file; undefined where that key is not here. */
  slotOfKid(kid: string): number | undefined {
    return slots(this.#folder, 'json').find((slot) => this.#read(slot).keys[0].kid === kid)
  }

  /**
   * Destroys the keys of a period that is over. Idempotent.
   *
   * @throws AuditError `INVALID_OPTION` while the period lasts: agents commit under them
   */
  destroy(kid: string): void {
    const slot = this.slotOfKid(kid)
    if (slot === undefined) return
    const { until } = this.#read(slot)
    if (this.#keys.now() < until) {
      const end = new Date(until).toISOString()
      throw new AuditError('INVALID_OPTION', `period: ${kid} is in use until ${end}`)
    }
    if (this.#current?.keys[0].kid === kid) this.#current = undefined
    destroyFile(slotPath(this.#folder, slot, 'json'), true)
  }

  #make(slot: number, now: number): PeriodKey {
    if (!this.#keys.create) throw notFound('period key', this.#keys)
    const file: KeyFile = {
      kid: randomHex(8),
      key: randomHex(32),
      eq: randomHex(32),
      from: now,
    }
    createSecret(slotPath(this.#folder, slot, 'json'), JSON.stringify(file))
    return this.#read(slot)
  }

  #read(slot: number): PeriodKey {
    const path = slotPath(this.#folder, slot, 'json')
    const file = parseKeyFile(path, readSecret(path) ?? '')
    if (file.eq === undefined) throw malformed(path)
    return {
      keys: [commitKey(file)],
      eq: new HmacKey(Buffer.from(file.eq, 'hex')),
      until: file.from + PERIOD_DAYS * DAY_MILLIS,
    }
  }
}

/** The file name of a period's key. */
export function slotName(slot: number): string {
  return `${String(slot).padStart(4, '0')}.json`
}

/** The text of a new file for one person's key. */
export function newPersonFile(id: string, now: number): string {
  return JSON.stringify({ kid: randomHex(8), key: randomBytes(32).toString('hex'), from: now, id })
}

export function parsePersonFile(path: string, text: string): CommitKey {
  return commitKey(parseKeyFile(path, text))
}

function commitKey(file: KeyFile): CommitKey {
  return { kid: file.kid, key: new HmacKey(Buffer.from(file.key, 'hex')) }
}

// Without `cause`: V8 quotes the text in the errors of JSON.parse, and this text is secret.
function malformed(path: string): AuditError {
  return new AuditError('KEYRING_UNUSABLE', `keyring: ${path} is not a key file; restore it`, {
    details: { file: path },
  })
}

function parseKeyFile(path: string, text: string): KeyFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed(path)
  }
  const file = value as Partial<KeyFile> | null
  const eqFits = file?.eq === undefined || (typeof file.eq === 'string' && KEY.test(file.eq))
  if (
    typeof file?.kid === 'string' &&
    KID.test(file.kid) &&
    typeof file.key === 'string' &&
    KEY.test(file.key) &&
    Number.isSafeInteger(file.from) &&
    eqFits
  ) {
    return file as KeyFile
  }
  throw malformed(path)
}
