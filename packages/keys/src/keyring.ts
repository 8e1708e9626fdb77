// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { hostname } from 'node:os'
import type { CommitKey, CommitKeys, PseudonymKind } from '@spanseal/core'
import {
  AuditError,
  assertLogName,
  fileSafeLogName,
  keyedTag,
  pseudonym,
  sha256Hex,
} from '@spanseal/core'
import type { Erasure } from './erasure/erasure-ledger.ts'
import { ErasureLedger } from './erasure/erasure-ledger.ts'
import { Heads } from './heads.ts'
import type { Issuer, IssuerKey } from './issuer-keys.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { defaultKeyringFolder, openKeyringFolder, realTarget } from './keyring-folder.ts'
import type { PeriodKey } from './period-keys.ts'
import { PeriodKeys, slotName } from './period-keys.ts'
import { PersonKeys } from './person-keys.ts'

export interface KeyringOptions {
  /** The log's name, see `assertLogName`. */
  readonly log: string
  /** The keyring's folder; default `<journal>.keys`, beside the journal. */
  readonly folder?: string
  /** The journal whose heads are kept, and in which the keyring must not lie. */
  readonly journal?: string
  /** Folders that the agent's tools may write to: the keyring is refused in and around them. */
  readonly refuseInside?: readonly string[]
  /**
   * Make what is missing; default true. With false nothing is made, so that a command that only shows
   * leaves no trace, keys over 90 days old are still given out, and what is missing is `NOT_FOUND`.
   */
  readonly create?: boolean
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
}

/**
 * The secrets of one log: period keys, a key for each person, the issuer key, and the newest
 * checkpoints. Everything is synchronous; after first use commitments touch no file, but for a
 * person's key at most every 60 s. Holds no secret in an enumerable property.
 */
export class Keyring {
  readonly log: string
  /** The keyring's real path. */
  readonly folder: string
  readonly heads: Heads
  /** What was destroyed, and what is to be. */
  readonly erasures: ErasureLedger
  readonly #periods: PeriodKeys
  readonly #people: PersonKeys
  readonly #issuers: IssuerKeys
  readonly #now: () => number

  constructor(folder: string, heads: string, options: KeyringOptions) {
    const { log, now = Date.now, create = true } = options
    this.log = log
    this.#now = now
    this.folder = folder
    const keys = { log, now, create, folder: `${folder}/${fileSafeLogName(log)}` }
    this.heads = new Heads(keys.folder, heads)
    this.erasures = new ErasureLedger(keys)
    this.#periods = new PeriodKeys(keys)
    this.#people = new PersonKeys(keys, this.erasures)
    this.#issuers = new IssuerKeys(keys)
  }

  /**
   * The issuer that certifies the next epoch: a new key after 90 days; the newest, unless an older one
   * is in force and certified by the tenant and the newest is not. Never a revoked one.
   */
  get issuer(): Issuer {
    return this.#issuers.current()
  }

  /** Makes the next issuer key before the last is over. */
  rotateIssuer(): IssuerKey {
    return this.#issuers.make()
  }

  /**
   * Puts the tenant's certificate beside the issuer key that it is for; writers take it up with their
   * next epoch. Whether the signature is the tenant's is for who knows its key to check.
   *
   * @throws AuditError `NOT_FOUND` when the key is not in this keyring
   * @throws AuditError `MALFORMED_NOTE`, `MALFORMED_CERTIFICATE`, `KEYRING_UNUSABLE` when it is no
   * certificate of an issuer of this log
   */
  installCertificate(note: string): IssuerKey {
    return this.#issuers.install(note)
  }

  /**
   * Puts the tenant's revocation beside the issuer key that it is for: it certifies no epoch any more.
   *
   * @throws AuditError `NOT_FOUND`, `MALFORMED_NOTE`, `MALFORMED_REVOCATION`, `KEYRING_UNUSABLE`
   */
  installRevocation(note: string): IssuerKey {
    return this.#issuers.revoke(note)
  }

  /** Every issuer key of the log, oldest first: what verifiers pin. */
  issuerVkeys(): IssuerKey[] {
    return this.#issuers.all()
  }

  /**
   * The keys for a commitment: the period's, or those of the data subjects named by their ids.
   * Destroying any one of several subjects' keys makes the commitment meaningless.
   */
  commitKeys(subjects: readonly string[] = []): CommitKeys {
    const [first, ...rest] = new Set(subjects)
    if (first === undefined) return this.#periods.current()
    const keys: [CommitKey, ...CommitKey[]] = [this.#people.keyOf(first)]
    for (const subject of rest) keys.push(this.#people.keyOf(subject))
    return { keys }
  }

  /** The person's pseudonym `p1:<kid>`. */
  personRef(id: string): string {
    return `p1:${this.#people.keyOf(id).kid}`
  }

  /** The pseudonym `p1:<kid>:<16 hex>` of a session, conversation, address or approver. */
  pseudonym(kind: PseudonymKind, id: string): string {
    return pseudonym(kind, id, this.#periods.current().keys[0])
  }

  /** What {@link pseudonym} gave in every period so far, newest first: for finding records by an id. */
  pseudonyms(kind: PseudonymKind, id: string): string[] {
    return this.#periods.all().map(({ keys }) => pseudonym(kind, id, keys[0]))
  }

  /** 16 hex digits under which equal errors of a period are grouped. */
  fingerprint(text: string): string {
    return keyedTag('fingerprint', text, this.#periods.current().eq)
  }

  /** 16 hex digits that equal input shapes of a period share. */
  shape(text: string): string {
    return keyedTag('shape', text, this.#periods.current().eq)
  }

  /** The keys of every period, newest first; makes none. */
  periods(): readonly PeriodKey[] {
    return this.#periods.all()
  }

  /**
   * The key of a kid, a period's or a person's; undefined where it was destroyed, lost, or is in
   * another keyring. Makes none.
   */
  keyOfKid(kid: string): CommitKey | undefined {
    if (this.erasures.names(kid)) return undefined
    const period = this.#periods.all().find(({ keys }) => keys[0].kid === kid)
    return period?.keys[0] ?? this.#people.ofKid(kid)
  }

  /** Where the key of a kid lies, destroyed ones that came back with a back-up included. */
  fileOfKid(kid: string): Pick<Erasure, 'file' | 'kid' | 'of'> | undefined {
    const slot = this.#periods.slotOfKid(kid)
    if (slot !== undefined) return { kid, of: 'period', file: slotName(slot) }
    const person = this.#people.fileOfKid(kid)
    return person && { ...person, of: 'person' }
  }

  /** Where a person's key lies; undefined where the person has none. */
  fileOfPerson(id: string): Pick<Erasure, 'file' | 'kid' | 'of'> | undefined {
    const person = this.#people.find(id)
    return person && { ...person, of: 'person' }
  }

  /**
   * Destroys the key that an erasure names; what was committed under it can never be opened again.
   * Idempotent. Other processes notice within 60 s.
   */
  destroy(erasure: Pick<Erasure, 'file' | 'kid' | 'of'>): void {
    if (erasure.of === 'period') this.#periods.destroy(erasure.kid)
    else this.#people.destroy(erasure)
  }

  /**
   * Destroys a person's key; `forget` of this package also records that, and empties the vault.
   *
   * @returns the destroyed kid, or undefined where the person had none
   */
  forget(id: string): string | undefined {
    const found = this.fileOfPerson(id)
    if (found === undefined) return undefined
    this.erasures.begin({ ...found, at: this.#now() })
    this.destroy(found)
    return found.kid
  }
}

/**
 * Opens a log's keyring, and makes it on first use with mode 0700.
 *
 * @throws AuditError `INVALID_OPTION` when `log` is no log name, or neither `folder` nor `journal` is
 * given
 * @throws AuditError `KEYRING_UNSAFE` when group or others have a right to the folder or a file in
 * it, or the folder lies inside the journal, or in or around a folder of `refuseInside`
 * @throws AuditError `NOT_FOUND` with `create: false`, when there is none
 * @throws AuditError `KEYRING_UNUSABLE` when a file cannot be read, written or understood
 */
export function openKeyring(options: KeyringOptions): Keyring {
  assertLogName(options.log)
  const { journal, folder } = options
  if (folder === undefined && journal === undefined) {
    throw new AuditError(
      'INVALID_OPTION',
      'keys: name the keyring folder, or the journal it is for',
      {
        details: { option: 'keys' },
      },
    )
  }
  const path = openKeyringFolder(folder ?? defaultKeyringFolder(journal ?? ''), options)
  const keyring = new Keyring(path, headScope(path, journal), options)
  // A keyring that cannot be used shall be refused now, not at the first call.
  if (options.create !== false) keyring.commitKeys()
  return keyring
}

/**
 * A keyring beside its journal moves with it; one that several journals share (on several hosts,
 * perhaps) tells them apart by host and path, lest each finds the others' epochs lost.
 */
function headScope(keyring: string, journal: string | undefined): string {
  if (journal === undefined) return 'own'
  const path = realTarget(journal)
  if (keyring === `${path}.keys`) return 'own'
  return sha256Hex(`${hostname()}\0${path}`).slice(0, 16)
}
