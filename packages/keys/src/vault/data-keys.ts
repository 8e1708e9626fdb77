// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto'
import { AuditError, canonicalize } from '@spanseal/core'
import type { MasterKey, WrappedKey } from './master-key.ts'
import { destroy, isThere, namesIn, putFile, readWhole, vaultError } from './vault-fs.ts'

const FORMAT = 'spanseal/vault-key/1'
const KID = /^[0-9a-f]{16}$/
const MASTER = /^[a-z0-9-]{1,64}$/
const KEY_BYTES = 32
/** A wrapped key: what a KMS makes of 32 bytes stays far below. */
const KEY_FILE_BYTES_MAX = 65_536
const HELD = '.key'
const GONE = '.gone'

/** Whether values under a kid can be read: `gone` is for good, `missing` may come back. */
export type DataKeyState = 'held' | 'gone' | 'missing'

export interface DataKeysOptions {
  readonly log: string
  /** The folder of the log in the vault. */
  readonly folder: string
  readonly master: MasterKey
  /** Whether an erasure names the kid. */
  readonly isErased: (kid: string) => boolean
}

/** A random key for each kid of the log, wrapped by the master key. */
export class DataKeys {
  readonly #options: DataKeysOptions
  readonly #folder: string
  readonly #drafts: string
  /** Unwrapped keys, by kid; never used without looking whether they are gone. */
  readonly #cache = new Map<string, Buffer>()

  constructor(options: DataKeysOptions) {
    this.#options = options
    this.#folder = `${options.folder}/keys`
    this.#drafts = `${options.folder}/drafts`
  }

  async state(kid: string): Promise<DataKeyState> {
    if (this.#options.isErased(kid) || (await isThere(this.#path(kid, GONE)))) return 'gone'
    return (await isThere(this.#path(kid, HELD))) ? 'held' : 'missing'
  }

  /** The kids that have or had a key. */
  async kids(): Promise<string[]> {
    const names = await namesIn(this.#folder)
    const kids = names.map((name) => name.replace(/\.[a-z]+$/, ''))
    return [...new Set(kids)].filter((kid) => KID.test(kid))
  }

  /**
   * The key of a kid, made on first use where `create` says so.
   *
   * @returns undefined where it is gone or missing
   * @throws AuditError `VAULT_UNUSABLE`, or what the master key throws
   */
  async keyOf(kid: string, create: boolean): Promise<Buffer | undefined> {
    const state = await this.state(kid)
    if (state === 'gone') {
      this.#cache.delete(kid)
      return undefined
    }
    const cached = this.#cache.get(kid)
    if (cached !== undefined && state === 'held') return cached
    if (state === 'missing' && !create) return undefined
    if (state === 'missing') await this.#make(kid)
    const key = await this.#unwrapped(kid)
    // Whoever destroys a key notes it first: a key made or read meanwhile is seen here.
    if ((await this.state(kid)) === 'gone') {
      await destroy(this.#path(kid, HELD))
      return undefined
    }
    this.#cache.set(kid, key)
    return key
  }

  /**
   * Destroys a key for good; values under it can never be read again. Idempotent.
   *
   * @returns whether there was one
   */
  async destroy(kid: string): Promise<boolean> {
    this.#cache.delete(kid)
    await putFile(this.#path(kid, GONE), Buffer.from('gone\n'), {
      drafts: this.#drafts,
      keep: true,
    })
    const wasThere = await isThere(this.#path(kid, HELD))
    await destroy(this.#path(kid, HELD))
    return wasThere
  }

  /** Wraps every key anew; each file is replaced in one step. Returns how many. */
  async rewrap(to: MasterKey): Promise<number> {
    let count = 0
    for (const kid of await this.kids()) {
      if ((await this.state(kid)) !== 'held') continue
      await this.#save(kid, await this.#unwrapped(kid), { master: to, keep: false })
      count++
    }
    return count
  }

  async #make(kid: string): Promise<void> {
    const { master } = this.#options
    const key = randomBytes(KEY_BYTES)
    if (!(await this.#save(kid, key, { master, keep: true }))) return // another was first
    // A rotation may have retired the master key between wrapping and linking. Nothing is encrypted
    // under this key yet, but the file would be in the way for good.
    if (await this.#isRetired(kid)) await this.#save(kid, key, { master, keep: false })
  }

  async #isRetired(kid: string): Promise<boolean> {
    try {
      await this.#unwrapped(kid)
      return false
    } catch (error) {
      return error instanceof AuditError && error.code === 'NOT_FOUND'
    }
  }

  async #save(
    kid: string,
    key: Buffer,
    { master, keep }: { readonly master: MasterKey; readonly keep: boolean },
  ): Promise<boolean> {
    const wrapped = await master.wrap(key, this.#bound(kid))
    const file = {
      key: FORMAT,
      kid,
      log: this.#options.log,
      master: wrapped.master,
      wrapped: Buffer.from(wrapped.wrapped).toString('base64'),
    }
    const bytes = Buffer.from(`${canonicalize(file)}\n`)
    return putFile(this.#path(kid, HELD), bytes, { drafts: this.#drafts, keep })
  }

  async #unwrapped(kid: string): Promise<Buffer> {
    const path = this.#path(kid, HELD)
    const bytes = await readWhole(path, KEY_FILE_BYTES_MAX)
    if (bytes === undefined) throw vaultError(path, 'went away meanwhile')
    const wrapped = parseKeyFile(path, bytes, { kid, log: this.#options.log })
    let key: Uint8Array
    try {
      key = await this.#options.master.unwrap(wrapped, this.#bound(kid))
    } catch (error) {
      if (error instanceof AuditError) throw error
      throw vaultError(path, 'cannot be unwrapped by the master key', error)
    }
    if (key.length !== KEY_BYTES) throw vaultError(path, 'is not a key of 32 bytes')
    return Buffer.from(key)
  }

  #bound(kid: string): Buffer {
    return Buffer.from(`${FORMAT}\0${this.#options.log}\0${kid}`)
  }

  #path(kid: string, ending: string): string {
    if (!KID.test(kid)) throw vaultError(this.#folder, 'knows kids of 16 hex digits only')
    return `${this.#folder}/${kid}${ending}`
  }
}

function parseKeyFile(
  path: string,
  bytes: Buffer,
  expected: { readonly kid: string; readonly log: string },
): WrappedKey {
  const text = bytes.toString('utf8')
  let file: Readonly<Record<string, unknown>> = {}
  try {
    file = Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    // Said below.
  }
  const { master, wrapped } = file
  if (typeof master !== 'string' || !MASTER.test(master) || typeof wrapped !== 'string') {
    throw vaultError(path, 'is not a data key; restore it')
  }
  const rebuilt = { key: FORMAT, ...expected, master, wrapped }
  if (`${canonicalize(rebuilt)}\n` !== text) {
    throw vaultError(path, `is not the data key of ${expected.kid} of ${expected.log}`)
  }
  return { master, wrapped: Buffer.from(wrapped, 'base64') }
}
