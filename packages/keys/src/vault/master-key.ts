// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto'
import { AuditError } from '@spanseal/core'
import { destroyFile } from '../erasure/destroy-file.ts'
import { createSecret, randomHex, readSecret, slotPath, slots } from '../secret-file.ts'
import { seal, unseal } from './sealed-box.ts'

/** A data key under a master key. */
export interface WrappedKey {
  /** Which master key wrapped it, `[a-z0-9-]{1,64}`. */
  readonly master: string
  readonly wrapped: Uint8Array
}

/**
 * Whoever wraps the vault's data keys: a key file, a command, a KMS.
 *
 * `bound` is what the data key belongs to; unwrapping must fail with another. Both may throw: the
 * vault then says `VAULT_UNUSABLE` and tries again later.
 */
export interface MasterKey {
  /** Wraps 32 bytes. */
  wrap(dataKey: Uint8Array, bound: Uint8Array): WrappedKey | Promise<WrappedKey>
  /** The 32 bytes. */
  unwrap(key: WrappedKey, bound: Uint8Array): Uint8Array | Promise<Uint8Array>
}

const KEY = /^[0-9a-f]{64}$/
const EXT = 'key'

/**
 * Master keys in a folder of key files (mode 0600), of which the newest wraps and all unwrap. Makes
 * the first one where there is none.
 */
export class FileMasterKeys implements MasterKey {
  readonly #folder: string
  readonly #create: boolean

  /** @param create false: make none */
  constructor(folder: string, create = true) {
    this.#folder = folder
    this.#create = create
  }

  wrap(dataKey: Uint8Array, bound: Uint8Array): WrappedKey {
    const newest = slots(this.#folder, EXT).at(-1)
    if (newest === undefined && !this.#create) throw this.#none('master key')
    if (newest === undefined) createSecret(slotPath(this.#folder, 1, EXT), randomHex(32))
    const secret = this.#read(newest ?? 1)
    return { master: idOf(secret), wrapped: seal(secret, dataKey, bound) }
  }

  unwrap({ master, wrapped }: WrappedKey, bound: Uint8Array): Uint8Array {
    for (const slot of slots(this.#folder, EXT).reverse()) {
      const secret = this.#read(slot)
      if (idOf(secret) !== master) continue
      const dataKey = unseal(secret, wrapped, bound)
      if (dataKey !== undefined) return dataKey
      throw new AuditError('VAULT_UNUSABLE', 'vault: a data key was changed or belongs elsewhere')
    }
    throw this.#none(`master key ${master}`)
  }

  /** A new key that wraps from now on; the older ones still unwrap. Returns its id. */
  rotate(): string {
    const slot = (slots(this.#folder, EXT).at(-1) ?? 0) + 1
    createSecret(slotPath(this.#folder, slot, EXT), randomHex(32))
    return idOf(this.#read(slot))
  }

  /** Destroys every key but the newest; what they wrapped is lost, in back-ups of the vault too. */
  retireOlder(): number {
    const older = slots(this.#folder, EXT).slice(0, -1)
    for (const slot of older) destroyFile(slotPath(this.#folder, slot, EXT), true)
    return older.length
  }

  #read(slot: number): Buffer {
    const path = slotPath(this.#folder, slot, EXT)
    const text = readSecret(path) ?? ''
    if (KEY.test(text)) return Buffer.from(text, 'hex')
    throw new AuditError('KEYRING_UNUSABLE', `keyring: ${path} is not a master key; restore it`, {
      details: { file: path },
    })
  }

  #none(what: string): AuditError {
    return new AuditError('NOT_FOUND', `vault: no ${what} in ${this.#folder}; restore it`, {
      details: { file: this.#folder },
    })
  }
}

/** Says which key without saying anything of it: 2²⁵⁶ keys cannot be tried. */
function idOf(secret: Uint8Array): string {
  const digest = createHash('sha256').update('spanseal/vault-master/1\0').update(secret)
  return `file-${digest.digest('hex').slice(0, 16)}`
}
