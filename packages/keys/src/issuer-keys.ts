// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Certificate } from '@spanseal/core'
import {
  AuditError,
  formatCertificate,
  parseCertificate,
  parseNote,
  parseRevocation,
  signNoteSync,
} from '@spanseal/core'
import { newKeyText, parseKeyFile } from './key-file.ts'
import type { LogKeys } from './secret-file.ts'
import {
  createSecret,
  notFound,
  randomHex,
  readSecret,
  replaceFile,
  slotPath,
  slots,
} from './secret-file.ts'

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
  /** Whether a revocation was put beside the key; then it certifies no epoch any more. */
  readonly revoked: boolean
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

/** An issuer's files, by its number. */
interface Slot {
  readonly slot: number
  readonly issuer: Issuer
}

/**
 * Issuer keys in `issuer/0001.pem`, `0002.pem` …: PKCS#8 behind three lines of explanatory text
 * (RFC 7468 §2 allows it), so that one exclusive file holds the key, its name and its time. Beside
 * it lie the tenant's certificate (`0001.cert`) and, where it was revoked, the revocation
 * (`0001.revoked`). Nothing is cached: an issuer is asked for once an epoch, and other processes
 * rotate, certify and revoke.
 */
export class IssuerKeys {
  readonly #keys: LogKeys
  readonly #folder: string
  readonly #log: string

  constructor(keys: LogKeys) {
    this.#keys = keys
    this.#folder = `${keys.folder}/issuer`
    this.#log = keys.log
  }

  /**
   * The key that certifies the next epoch: the newest in force that the tenant certified; where none
   * is certified the newest in force; where none is in force a new one. Revoked ones never.
   */
  current(): Issuer {
    // Before the keys are read: a process that comes second shall find the slot taken.
    const next = this.#nextSlot()
    const held = this.#inForce()
    const now = this.#iso()
    const certified = held.find(({ certificate }) => isCertifiedAt(certificate, now))
    return certified ?? held[0] ?? this.#make(next)
  }

  /** Makes the next key, though the last is still in force. */
  make(): IssuerKey {
    const { certifyEpoch: _, ...key } = this.#make(this.#nextSlot())
    return key
  }

  /** All issuers that this keyring ever had, oldest first; without their secrets. */
  all(): IssuerKey[] {
    return slots(this.#folder, 'pem').map((slot) => {
      const { certifyEpoch: _, ...key } = this.#read(slot)
      return key
    })
  }

  /** Puts the tenant's certificate beside the key that it is for; a newer one takes its place. */
  install(note: string): IssuerKey {
    const { vkey } = certificateOf(note, this.#log)
    const { slot } = this.#slotOf(vkey)
    replaceFile(slotPath(this.#folder, slot, 'cert'), note)
    return this.#read(slot)
  }

  /** Puts the tenant's revocation beside the key that it is for: no epoch is certified any more. */
  revoke(note: string): IssuerKey {
    const { signatures, text } = parseNote(note)
    const { log, vkey } = parseRevocation(text)
    if (log !== this.#log || !signatures.some(({ name }) => name === log)) {
      throw new AuditError(
        'KEYRING_UNUSABLE',
        `keyring: not a revocation by the tenant ${this.#log}`,
      )
    }
    const { slot } = this.#slotOf(vkey)
    replaceFile(slotPath(this.#folder, slot, 'revoked'), note)
    return this.#read(slot)
  }

  /** Of an older back-up only a certificate may be left in a slot: that slot is taken. */
  #nextSlot(): number {
    const taken = ['pem', 'cert', 'revoked'].map((ext) => slots(this.#folder, ext).at(-1) ?? 0)
    return Math.max(...taken) + 1
  }

  #make(slot: number): Issuer {
    if (!this.#keys.create) throw notFound('issuer key in force', this.#keys)
    const from = this.#keys.now()
    const name = `${this.#log}/issuer-${randomHex(8)}`
    const notBefore = new Date(from).toISOString()
    const notAfter = new Date(from + ISSUER_DAYS * DAY_MILLIS).toISOString()
    const file = slotPath(this.#folder, slot, 'pem')
    createSecret(file, newKeyText({ name, notBefore, notAfter }))
    return this.#read(slot)
  }

  #slotOf(vkey: string): Slot {
    for (const slot of slots(this.#folder, 'pem')) {
      const issuer = this.#read(slot)
      if (issuer.vkey === vkey) return { slot, issuer }
    }
    throw new AuditError(
      'NOT_FOUND',
      `keyring: ${this.#folder} holds no key ${vkey.slice(0, 200)}; it is of another keyring`,
      { details: { file: this.#folder } },
    )
  }

  /** Newest first. Reads no further than the first that is over: those before it are over too. */
  #inForce(): Issuer[] {
    const held: Issuer[] = []
    for (const slot of slots(this.#folder, 'pem').reverse()) {
      const issuer = this.#read(slot)
      if (this.#iso() >= issuer.notAfter) break
      if (!issuer.revoked) held.push(issuer)
    }
    return held
  }

  #iso(): string {
    return new Date(this.#keys.now()).toISOString()
  }

  #read(slot: number): Issuer {
    const file = slotPath(this.#folder, slot, 'pem')
    const { key, name, notAfter, notBefore, vkey } = parseKeyFile(readSecret(file) ?? '', { file })
    const log = this.#log
    if (!name.startsWith(`${log}/issuer-`) || notBefore === undefined || notAfter === undefined) {
      throw unfit(file, `is no issuer key of ${log}`)
    }
    const certificateFile = slotPath(this.#folder, slot, 'cert')
    const certificate = this.#certificate(certificateFile, vkey)
    return {
      vkey,
      notBefore,
      notAfter,
      revoked: readSecret(slotPath(this.#folder, slot, 'revoked')) !== undefined,
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
    if (certificateOf(note, this.#log).vkey === vkey) return note
    throw unfit(file, 'certifies another key')
  }
}

function isCertifiedAt(note: string | undefined, now: string): boolean {
  if (note === undefined) return false
  const { notAfter, notBefore } = parseCertificate(parseNote(note).text)
  return notBefore <= now && now <= notAfter
}

/** What a tenant's note states of an issuer; its signature is the verifier's to check. */
function certificateOf(note: string, log: string): Certificate {
  const { signatures, text } = parseNote(note)
  const certificate = parseCertificate(text)
  const { role } = certificate
  if (role === 'issuer' && certificate.log === log && signatures.some(({ name }) => name === log)) {
    return certificate
  }
  throw new AuditError(
    'KEYRING_UNUSABLE',
    `keyring: a certificate of the role ${role} for ${certificate.log}, not of an issuer by the tenant ${log}`,
  )
}

function unfit(file: string, why: string): AuditError {
  return new AuditError('KEYRING_UNUSABLE', `keyring: ${file} ${why}`, { details: { file } })
}
