// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync, statSync, writeFileSync } from 'node:fs'
import type { CommitKey } from '@spanseal/core'
import { AuditError, HmacKey } from '@spanseal/core'
import { newPersonFile, parsePersonFile } from './period-keys.ts'
import type { LogKeys } from './secret-file.ts'
import { createSecret, notFound, randomHex, readSecret, unusable } from './secret-file.ts'

/** People whose keys are kept in memory; a file each holds the rest. */
const CACHED_PEOPLE_MAX = 10_000
/** After this long a cached key is looked up again: another process may have destroyed it. */
const CACHE_FRESH_MILLIS = 60_000
/** Longer ids are refused by the record's schema anyway. */
const PERSON_ID_LENGTH_MAX = 4_096

interface CachedPerson {
  readonly key: CommitKey
  checkedAt: number
}

/**
 * A key for each person, in a file of its own so that one can be forgotten. The file's name is a MAC
 * of the id under a key of the folder: a listing or a back-up's index tells nothing about who is in.
 */
export class PersonKeys {
  readonly #keys: LogKeys
  readonly #folder: string
  #names: HmacKey | undefined
  // Least recently used first: Map keeps insertion order, a hit is inserted again.
  readonly #cache = new Map<string, CachedPerson>()

  constructor(keys: LogKeys) {
    this.#keys = keys
    this.#folder = `${keys.folder}/people`
  }

  /** The person's key, made on first use. */
  keyOf(id: string): CommitKey {
    const now = this.#keys.now()
    const cached = this.#cache.get(id)
    if (cached !== undefined && this.#stillThere(id, cached, now)) {
      this.#cache.delete(id)
      this.#cache.set(id, cached)
      return cached.key
    }
    const key = this.#load(id, now)
    this.#cache.delete(id)
    this.#cache.set(id, { key, checkedAt: now })
    if (this.#cache.size > CACHED_PEOPLE_MAX) {
      this.#cache.delete(this.#cache.keys().next().value as string)
    }
    return key
  }

  /**
   * Destroys the person's key: what was committed under it can never be opened again.
   *
   * @returns the destroyed kid, or undefined where there was none
   */
  forget(id: string): string | undefined {
    const path = this.#pathOf(id)
    const text = readSecret(path)
    this.#cache.delete(id)
    if (text === undefined) return undefined
    const { kid } = parsePersonFile(path, text)
    try {
      // Best effort against undelete; copies in back-ups and on worn flash are out of reach.
      writeFileSync(path, '0'.repeat(text.length), { flush: true })
      rmSync(path)
    } catch (error) {
      throw unusable(path, error)
    }
    return kid
  }

  #stillThere(id: string, cached: CachedPerson, now: number): boolean {
    if (now - cached.checkedAt < CACHE_FRESH_MILLIS) return true
    cached.checkedAt = now
    return statSync(this.#pathOf(id), { throwIfNoEntry: false }) !== undefined
  }

  #load(id: string, now: number): CommitKey {
    const path = this.#pathOf(id)
    const held = readSecret(path)
    if (held !== undefined) return parsePersonFile(path, held)
    if (!this.#keys.create) throw notFound('key of that person', this.#keys)
    createSecret(path, newPersonFile(id, now))
    return parsePersonFile(path, readSecret(path) ?? '')
  }

  #pathOf(id: string): string {
    if (id.length === 0 || id.length > PERSON_ID_LENGTH_MAX) {
      throw new AuditError('INVALID_OPTION', 'a person needs an id of 1 to 4,096 characters')
    }
    this.#names ??= this.#loadNames()
    const name = Buffer.from(this.#names.utf8(id.toWellFormed()), 'latin1').toString('hex')
    return `${this.#folder}/${name.slice(0, 32)}.json`
  }

  /** The key under which file names are made. */
  #loadNames(): HmacKey {
    const path = `${this.#keys.folder}/names`
    if (readSecret(path) === undefined) {
      if (!this.#keys.create) throw notFound('person', this.#keys)
      createSecret(path, randomHex(32))
    }
    const text = readSecret(path) ?? ''
    if (/^[0-9a-f]{64}$/.test(text)) return new HmacKey(Buffer.from(text, 'hex'))
    throw new AuditError('KEYRING_UNUSABLE', `keyring: ${path} is not a key file; restore it`, {
      details: { file: path },
    })
  }
}
