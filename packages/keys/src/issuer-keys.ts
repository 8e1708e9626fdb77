// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  AuditError,
  Ed25519PrivateKey,
  formatCertificate,
  formatVkey,
  parseCertificate,
  parseNote,
  signNoteSync,
} from '@spanseal/core'
import type { LogKeys } from './secret-file.ts'
import { createSecret, notFound, randomHex, readSecret, slotPath, slots } from './secret-file.ts'

const DAY_MILLIS = 86_400_000
/** A stolen issuer key is of use for at most this long. */
export const ISSUER_DAYS = 90

/** What is public about an issuer key. */
export interface IssuerKey {
  /** `<log>/issuer-<id>+<key id>+<base64>`: what a verifier pins where there is no tenant key. */
  readonly vkey: string
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly notBefore: string
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`; no epoch is certified after it. */
  readonly notAfter: string
  /** The certificate by the tenant key, where one was put beside the key. */
  readonly certificate?: string
  /** Where a certificate by the tenant key belongs. */
  readonly certificateFile: string
}

/** What an issuer states about an epoch key. */
export interface EpochClaim {
  readonly vkey: string
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly notBefore: string
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly notAfter: string
}

/** An issuer that can sign. */
export interface Issuer extends IssuerKey {
  /** The signed note that certifies an epoch key. */
  readonly certifyEpoch: (claim: EpochClaim) => string
}

/**
 * Issuer keys in `issuer/0001.pem`, `0002.pem` …: PKCS#8 behind three lines of explanatory text
 * (RFC 7468 §2 allows it), so that one exclusive file holds the key, its name and its time.
 */
export class IssuerKeys {
  readonly #keys: LogKeys
  readonly #folder: string
  readonly #log: string
  #current: Issuer | undefined

  constructor(keys: LogKeys) {
    this.#keys = keys
    this.#folder = `${keys.folder}/issuer`
    this.#log = keys.log
  }

  /** The key in force; a new one when the last is over 90 days old. */
  current(): Issuer {
    const now = new Date(this.#keys.now()).toISOString()
    if (this.#current !== undefined && now < this.#current.notAfter) return this.#current
    const newest = slots(this.#folder, 'pem').at(-1) ?? 0
    const held = newest === 0 ? undefined : this.#read(newest)
    this.#current = held !== undefined && now < held.notAfter ? held : this.#make(newest + 1)
    return this.#current
  }

  /** All issuers that this keyring ever had, oldest first; without their secrets. */
  all(): IssuerKey[] {
    return slots(this.#folder, 'pem').map((slot) => {
      const { certifyEpoch: _, ...key } = this.#read(slot)
      return key
    })
  }

  #make(slot: number): Issuer {
    if (!this.#keys.create) throw notFound('issuer key in force', this.#keys)
    const from = this.#keys.now()
    const name = `${this.#log}/issuer-${randomHex(8)}`
    const until = new Date(from + ISSUER_DAYS * DAY_MILLIS).toISOString()
    const pem = Ed25519PrivateKey.generate().toPem()
    const text = `name: ${name}\nnot-before: ${new Date(from).toISOString()}\nnot-after: ${until}\n${pem}`
    createSecret(slotPath(this.#folder, slot, 'pem'), text)
    return this.#read(slot)
  }

  #read(slot: number): Issuer {
    const file = slotPath(this.#folder, slot, 'pem')
    const text = readSecret(file) ?? ''
    const [, name = '', notBefore = '', notAfter = '', pem = ''] =
      /^name: (\S+)\nnot-before: (\S+)\nnot-after: (\S+)\n([^]+)$/.exec(text) ?? []
    if (!name.startsWith(`${this.#log}/issuer-`)) {
      throw new AuditError(
        'KEYRING_UNUSABLE',
        `keyring: ${file} is no issuer key of ${this.#log}`,
        {
          details: { file },
        },
      )
    }
    const key = Ed25519PrivateKey.fromPem(pem)
    const vkey = formatVkey(name, key.publicKey)
    const certificateFile = slotPath(this.#folder, slot, 'cert')
    const certificate = this.#certificate(certificateFile, vkey)
    const log = this.#log
    return {
      vkey,
      notBefore,
      notAfter,
      certificateFile,
      ...(certificate === undefined ? {} : { certificate }),
      certifyEpoch: (claim) => {
        const statement = formatCertificate({ role: 'epoch', log, ...claim })
        return signNoteSync(statement, { vkey, sign: (message) => key.sign(message) })
      },
    }
  }

  #certificate(file: string, vkey: string): string | undefined {
    const note = readSecret(file)
    if (note === undefined) return undefined
    const { role, log, vkey: certified } = parseCertificate(parseNote(note).text)
    if (role === 'issuer' && log === this.#log && certified === vkey) return note
    throw new AuditError(
      'KEYRING_UNUSABLE',
      `keyring: ${file} certifies another key, log or role`,
      {
        details: { file },
      },
    )
  }
}
