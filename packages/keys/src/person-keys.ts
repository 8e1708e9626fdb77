// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { statSync } from 'node:fs'
import type { CommitKey } from '@spanseal/core'
import { AuditError, HmacKey } from '@spanseal/core'
import { destroyFile } from './erasure/destroy-file.ts'
import type { ErasureLedger } from './erasure/erasure-ledger.ts'
import { newPersonFile, parsePersonFile } from './period-keys.ts'
import type { LogKeys } from './secret-file.ts'
import { createSecret, namesIn, notFound, randomHex, readSecret } from './secret-file.ts'

/** People whose keys are kept in memory; a file each holds the rest. */
const CACHED_PEOPLE_MAX = 10_000
/** After this long a cached key is looked up again: another process may have destroyed it. */
const CACHE_FRESH_MILLIS = 60_000
/** Longer ids are refused by the record's schema anyway. */
const PERSON_ID_LENGTH_MAX = 4_096

/** Where a person's key lies; says nothing about who it is. */
export interface PersonFile {
  readonly kid: string
  /** Its name in the folder. */
  readonly file: string
}

const PERSON_FILE = /^[0-9a-f]{32}\.json$/

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
  readonly #ledger: ErasureLedger
  #names: HmacKey | undefined
  // Least recently used first: Map keeps insertion order, a hit is inserted again.
  readonly #cache = new Map<string, CachedPerson>()

  /** The files of kids looked for, as of the folder's last change. */
  #files: { readonly changed: number; readonly byKid: Map<string, string> } | undefined

  constructor(keys: LogKeys, ledger: ErasureLedger) {
    this.#keys = keys
    this.#folder = `${keys.folder}/people`
    this.#ledger = ledger
  }

  /** The person's key, made on first use. */
  keyOf(id: string): CommitKey {
    const now = this.#keys.now()
    const cached = this.#cache.get(id)
    if (cached !== undefined && this.#stillHolds(id, cached, now)) {
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

  /** Where the person's key lies; undefined where there is none. */
  find(id: string): PersonFile | undefined {
    // Without the key of the names nobody was ever named; asking makes none.
    if (readSecret(this.#namesPath) === undefined) return undefined
    const path = this.#pathOf(id)
    const text = readSecret(path)
    if (text === undefined) return undefined
    return { kid: parsePersonFile(path, text).kid, file: path.slice(this.#folder.length + 1) }
  }

  /** Where the key of a kid lies; reads the folder through once after each change. */
  fileOfKid(kid: string): PersonFile | undefined {
    const changed = statSync(this.#folder, { throwIfNoEntry: false })?.mtimeMs
    if (changed === undefined) return undefined
    if (this.#files?.changed !== changed) this.#files = { changed, byKid: this.#listed() }
    const file = this.#files.byKid.get(kid)
    return file === undefined ? undefined : { kid, file }
  }

  /** The key of a kid; undefined where it is not here. Makes none. */
  ofKid(kid: string): CommitKey | undefined {
    const file = this.fileOfKid(kid)?.file
    const text = file === undefined ? undefined : readSecret(`${this.#folder}/${file}`)
    if (text === undefined) return undefined
    const key = parsePersonFile(`${this.#folder}/${file}`, text)
    return key.kid === kid ? key : undefined
  }

  /**
   * Destroys a key: what was committed under it can never be opened again. Idempotent; a newer key of
   * the same person stays. Processes that have it in memory go on for 60 s at most.
   */
  destroy({ kid, file }: PersonFile): void {
    const path = `${this.#folder}/${file}`
    for (const [id, { key }] of this.#cache) if (key.kid === kid) this.#cache.delete(id)
    destroyFile(path, kidIn(path) === kid)
  }

  /** Another process may have destroyed it, and made the person a new one since. */
  #stillHolds(id: string, cached: CachedPerson, now: number): boolean {
    if (now - cached.checkedAt < CACHE_FRESH_MILLIS) return true
    cached.checkedAt = now
    return kidIn(this.#pathOf(id)) === cached.key.kid
  }

  #load(id: string, now: number): CommitKey {
    const path = this.#pathOf(id)
    const held = readSecret(path)
    const key = held === undefined ? undefined : parsePersonFile(path, held)
    if (key !== undefined && !this.#ledger.names(key.kid)) return key
    if (!this.#keys.create) throw notFound('key of that person', this.#keys)
    // One that an erasure names came back with a back-up, or the erasure is under way.
    if (key !== undefined) destroyFile(path, true)
    createSecret(path, newPersonFile(id, now))
    return parsePersonFile(path, readSecret(path) ?? '')
  }

  #listed(): Map<string, string> {
    const files = namesIn(this.#folder).filter((name) => PERSON_FILE.test(name))
    return new Map(files.map((file) => [kidIn(`${this.#folder}/${file}`) ?? '', file]))
  }

  #pathOf(id: string): string {
    if (id.length === 0 || id.length > PERSON_ID_LENGTH_MAX) {
      throw new AuditError('INVALID_OPTION', 'a person needs an id of 1 to 4,096 characters')
    }
    this.#names ??= this.#loadNames()
    const name = Buffer.from(this.#names.utf8(id.toWellFormed()), 'latin1').toString('hex')
    return `${this.#folder}/${name.slice(0, 32)}.json`
  }

  get #namesPath(): string {
    return `${this.#keys.folder}/names`
  }

  /** The key under which file names are made. */
  #loadNames(): HmacKey {
    const path = this.#namesPath
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

/** The kid in a key file; undefined where there is none, or it cannot be read. */
function kidIn(path: string): string | undefined {
  const text = readSecret(path)
  try {
    return text === undefined ? undefined : parsePersonFile(path, text).kid
  } catch {
    return undefined
  }
}
