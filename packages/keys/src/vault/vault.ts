// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto'
import { rm, stat } from 'node:fs/promises'
import type { Commitment, CommitPlace, Encoding } from '@spanseal/core'
import { AuditError, commitmentDigest } from '@spanseal/core'
import { DataKeys } from './data-keys.ts'
import type { MasterKey } from './master-key.ts'
import type { VaultHead } from './vault-file.ts'
import { formatVaultFile, HEAD_BYTES_MAX, openVaultBox, parseVaultFile } from './vault-file.ts'
import { destroy, isThere, namesIn, putFile, readStart, readWhole, vaultError } from './vault-fs.ts'

/** A value to be kept, with what opens its commitment. */
export interface VaultEntry {
  readonly commitment: Commitment
  readonly place: CommitPlace
  /** 64 hex digits; absent for a plain digest. */
  readonly salt?: string
  /** The kids of the keys that it was committed under, or for a plain digest would have been. */
  readonly kids: readonly string[]
  /** Encoded: a string stands for its UTF-8. */
  readonly body: string | Uint8Array
}

/** A value out of the vault, shown to be what was committed. */
export interface VaultValue {
  readonly c: string
  readonly alg: Commitment['alg']
  readonly enc: Encoding
  /** The encoded bytes. */
  readonly bytes: Uint8Array
  readonly kids: readonly string[]
  /** Absent for a plain digest. */
  readonly opening?: { readonly place: CommitPlace; readonly salt: string }
}

/** `held`: it was there already; `erased`: its key is destroyed, so nothing was kept. */
export type PutOutcome = 'stored' | 'held' | 'erased' | 'too_large'

export interface VaultStat {
  readonly files: number
  readonly bytes: number
  /** Values whose keys are all there. */
  readonly readable: number
  /** Values one of whose keys was destroyed; `compact` removes them. */
  readonly erased: number
  /** Values one of whose keys is not there, and was not destroyed. */
  readonly keyMissing: number
  /** Files that are none of a vault. */
  readonly unreadable: number
  readonly keys: { readonly held: number; readonly gone: number }
}

export interface VaultCompaction {
  readonly removed: number
  readonly removedBytes: number
  readonly drafts: number
}

export interface VaultParts {
  readonly log: string
  /** The folder of the log in the vault. */
  readonly folder: string
  readonly master: MasterKey
  readonly isErased: (kid: string) => boolean
  readonly valueBytesMax: number
  readonly now: () => number
}

/** The largest value that any vault keeps. */
export const VAULT_VALUE_BYTES_MAX: number = 64 * 1024 * 1024
/** Head, opening, salt and tag. */
const FILE_EXTRA_BYTES = 16_384
const C = /^[0-9a-f]{64}$/
/** A draft of a process that still writes is younger. */
const DRAFT_MILLIS_MAX = 3_600_000

/**
 * Committed values, encrypted, by their commitments. A value is on disk when `put` resolves; any
 * number of processes may share a vault. What it gives was checked against its commitment.
 */
export class Vault {
  readonly log: string
  readonly folder: string
  readonly #keys: DataKeys
  readonly #values: string
  readonly #drafts: string
  readonly #parts: VaultParts

  constructor(parts: VaultParts) {
    this.#parts = parts
    this.log = parts.log
    this.folder = parts.folder
    this.#keys = new DataKeys(parts)
    this.#values = `${parts.folder}/values`
    this.#drafts = `${parts.folder}/drafts`
  }

  /**
   * Keeps a value. Idempotent.
   *
   * @throws AuditError `VAULT_UNUSABLE`, or what the master key throws
   */
  async put(entry: VaultEntry): Promise<PutOutcome> {
    const { commitment, place, salt } = entry
    const bytes = Buffer.from(entry.body as string)
    if (bytes.length > this.#parts.valueBytesMax) return 'too_large'
    const kids = [...new Set(entry.kids)].sort()
    const { alg, c, enc } = commitment
    const path = this.#pathOf(c, kids)
    if (await isThere(path)) return 'held'
    const secret = await this.#secretOf(kids, true)
    if (secret === undefined) return 'erased'
    const opening = salt === undefined ? {} : { opening: { place, salt } }
    const file = formatVaultFile(
      { alg, c, enc, kids, log: this.log },
      { ...opening, bytes },
      secret,
    )
    await putFile(path, file, { drafts: this.#drafts })
    return 'stored'
  }

  /**
   * The value of a commitment, by the commitment or its `c`.
   *
   * @throws AuditError `NOT_FOUND` where there is none, or a key of it was destroyed or is missing
   * @throws AuditError `VAULT_UNUSABLE` where the file was changed or moved, or its content is not
   * what was committed
   */
  async get(wanted: Commitment | string): Promise<VaultValue> {
    const c = typeof wanted === 'string' ? wanted : wanted.c
    if (!C.test(c)) {
      throw new AuditError('INVALID_OPTION', 'a commitment is named by 64 hexadecimal digits')
    }
    const folder = `${this.#values}/${c.slice(0, 2)}`
    const names = (await namesIn(folder)).filter((name) => name.startsWith(`${c}-`))
    let why = 'holds no value of this commitment'
    for (const name of names) {
      const found = await this.#open(`${folder}/${name}`, wanted)
      if (typeof found !== 'string') return found
      why = found
    }
    throw new AuditError('NOT_FOUND', `vault: ${this.folder} ${why}`)
  }

  /** Destroys the data key of a kid for good. Returns whether there was one. Idempotent. */
  destroyKey(kid: string): Promise<boolean> {
    return this.#keys.destroy(kid)
  }

  /** The kids whose data keys are there although they were destroyed: they came with a back-up. */
  async returnedKids(erased: Iterable<string>): Promise<string[]> {
    const held = new Set(await this.#keys.kids())
    const returned: string[] = []
    for (const kid of erased) {
      if (held.has(kid) && (await isThere(`${this.folder}/keys/${kid}.key`))) returned.push(kid)
    }
    return returned
  }

  /** Wraps every data key anew, under the newest master key or another one. Returns how many. */
  rewrap(to: MasterKey = this.#parts.master): Promise<number> {
    return this.#keys.rewrap(to)
  }

  async stat(): Promise<VaultStat> {
    const counts = { files: 0, bytes: 0, readable: 0, erased: 0, keyMissing: 0, unreadable: 0 }
    for await (const { bytes, state } of this.#files()) {
      counts.files++
      counts.bytes += bytes
      counts[state]++
    }
    const keys = { held: 0, gone: 0 }
    for (const kid of await this.#keys.kids()) {
      const state = await this.#keys.state(kid)
      if (state !== 'missing') keys[state]++
    }
    return { ...counts, keys }
  }

  /** Removes values whose key was destroyed, and drafts that a crash left behind. Idempotent. */
  async compact(): Promise<VaultCompaction> {
    let removed = 0
    let removedBytes = 0
    for await (const { path, bytes, state } of this.#files()) {
      if (state !== 'erased') continue
      await destroy(path)
      removed++
      removedBytes += bytes
    }
    let drafts = 0
    for (const name of await namesIn(this.#drafts)) {
      const path = `${this.#drafts}/${name}`
      const written = await stat(path).catch(() => undefined)
      if (written === undefined || this.#parts.now() - written.mtimeMs < DRAFT_MILLIS_MAX) continue
      await rm(path, { force: true })
      drafts++
    }
    return { removed, removedBytes, drafts }
  }

  async #open(path: string, wanted: Commitment | string): Promise<VaultValue | string> {
    const file = await readWhole(path, VAULT_VALUE_BYTES_MAX + FILE_EXTRA_BYTES)
    if (file === undefined) return 'holds no value of this commitment'
    const parsed = parseVaultFile(path, file)
    const { alg, c, enc, kids } = parsed.head
    this.#assertWanted(path, parsed.head, wanted)
    const secret = await this.#secretOf(kids, false)
    if (secret === undefined) return this.#whyClosed(kids)
    const { opening, bytes } = openVaultBox(path, parsed, secret)
    const place = opening?.place ?? { epoch: '', seq: 0, pointer: '' }
    if (commitmentDigest({ enc, body: bytes }, place, opening?.salt) !== c) {
      throw vaultError(path, 'does not hold what was committed')
    }
    return { c, alg, enc, bytes, kids, ...(opening !== undefined && { opening }) }
  }

  #assertWanted(path: string, head: VaultHead, wanted: Commitment | string): void {
    const { c, kids, log } = head
    if (log !== this.log || this.#pathOf(c, kids) !== path) {
      throw vaultError(path, 'is the file of another commitment, key or log')
    }
    if (typeof wanted === 'string') return
    const named = wanted.alg === 'sha256' ? kids : [wanted.kid].flat().toSorted()
    if (wanted.alg === head.alg && wanted.enc === head.enc && kids.join() === named.join()) return
    throw vaultError(path, 'does not say the same as the record')
  }

  async #whyClosed(kids: readonly string[]): Promise<string> {
    for (const kid of kids) {
      if ((await this.#keys.state(kid)) === 'gone') {
        return `cannot open this value any more: its key ${kid} was destroyed`
      }
    }
    return `cannot open this value: a data key of ${kids.join(', ')} is missing; restore it`
  }

  /** The data keys one behind the other: one that is gone closes the value. */
  async #secretOf(kids: readonly string[], create: boolean): Promise<Buffer | undefined> {
    const keys: Buffer[] = []
    for (const kid of kids) {
      const key = await this.#keys.keyOf(kid, create)
      if (key === undefined) return undefined
      keys.push(key)
    }
    return keys.length === 0 ? undefined : Buffer.concat(keys)
  }

  /** By commitment, and by keys: one plain digest may stand under the keys of several people. */
  #pathOf(c: string, kids: readonly string[]): string {
    const under = createHash('sha256').update(kids.join('.')).digest('hex').slice(0, 16)
    return `${this.#values}/${c.slice(0, 2)}/${c}-${under}`
  }

  async *#files(): AsyncGenerator<{ path: string; bytes: number; state: FileState }> {
    const states = new Map<string, FileState>()
    for (const prefix of await namesIn(this.#values)) {
      for (const name of await namesIn(`${this.#values}/${prefix}`)) {
        const path = `${this.#values}/${prefix}/${name}`
        const head = await this.#headOf(path)
        const key = head?.kids.join() ?? ''
        const state =
          head === undefined ? 'unreadable' : (states.get(key) ?? (await this.#stateOf(head)))
        if (head !== undefined) states.set(key, state)
        const found = await stat(path).catch(() => undefined)
        if (found !== undefined) yield { path, bytes: found.size, state }
      }
    }
  }

  async #headOf(path: string): Promise<VaultHead | undefined> {
    try {
      const file = await readStart(path, HEAD_BYTES_MAX)
      return file && parseVaultFile(path, file).head
    } catch {
      return undefined
    }
  }

  async #stateOf({ kids }: VaultHead): Promise<FileState> {
    let state: FileState = 'readable'
    for (const kid of kids) {
      const key = await this.#keys.state(kid)
      if (key === 'gone') return 'erased'
      if (key === 'missing') state = 'keyMissing'
    }
    return state
  }
}

type FileState = 'readable' | 'erased' | 'keyMissing' | 'unreadable'
