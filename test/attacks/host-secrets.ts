// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { Ed25519PrivateKey, formatCertificate, formatVkey, signNoteSync } from '@spanseal/core'
import type { JournalFs } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import { openKeyring } from '@spanseal/keys'
import { nodeFs } from '../../packages/journal/src/journal-fs.ts'

/** What lies on a host for whoever takes it over. */

const DAY_MILLIS = 86_400_000

/** A key pair with the name under which it signs. */
export interface NamedKey {
  readonly name: string
  readonly vkey: string
  readonly key: Ed25519PrivateKey
  readonly sign: (message: Uint8Array) => Uint8Array
}

export function namedKey(name: string, key: Ed25519PrivateKey): NamedKey {
  const vkey = formatVkey(name, key.publicKey)
  return { name, vkey, key, sign: (message) => key.sign(message) }
}

export function aKey(name: string): NamedKey {
  return namedKey(name, Ed25519PrivateKey.generate())
}

/** A certificate's signed note, valid from yesterday on unless told otherwise. */
export function certify(
  role: 'issuer' | 'retention' | 'epoch',
  subject: { readonly vkey: string; readonly log: string },
  by: Pick<NamedKey, 'vkey' | 'sign'> & { readonly from?: number; readonly days?: number },
): string {
  const from = by.from ?? Date.now() - DAY_MILLIS
  const notBefore = new Date(from).toISOString()
  const notAfter = new Date(from + (by.days ?? 80) * DAY_MILLIS).toISOString()
  const text = formatCertificate({ role, ...subject, notBefore, notAfter })
  return signNoteSync(text, by)
}

/** A keyring whose issuer the tenant certified, and that issuer as a thief reads it from its file. */
export function certifiedKeyring(
  folder: { readonly journal: string; readonly keyring: string },
  tenant: NamedKey,
): { readonly keyring: Keyring; readonly issuer: NamedKey } {
  const options = { log: tenant.name, journal: folder.journal, folder: folder.keyring }
  const { vkey, certificateFile } = openKeyring(options).issuer
  writeFileSync(certificateFile, certify('issuer', { vkey, log: tenant.name }, tenant))
  chmodSync(certificateFile, 0o600)
  const text = readFileSync(certificateFile.replace(/cert$/, 'pem'), 'utf8')
  const key = Ed25519PrivateKey.fromPem(text.slice(text.indexOf('-----BEGIN')))
  const name = vkey.slice(0, vkey.indexOf('+'))
  return { keyring: openKeyring(options), issuer: namedKey(name, key) }
}

/**
 * Reads epoch keys from the writer's memory: every key that is made while `run` runs, in order. They
 * are nowhere else, and dropped when their epoch closes.
 */
export function tapKeys<T>(run: () => T): {
  readonly result: T
  readonly keys: Ed25519PrivateKey[]
} {
  const keys: Ed25519PrivateKey[] = []
  const generate = Reflect.get(Ed25519PrivateKey, 'generate') as () => Ed25519PrivateKey
  Ed25519PrivateKey.generate = () => {
    const key = generate.call(Ed25519PrivateKey)
    keys.push(key)
    return key
  }
  try {
    return { result: run(), keys }
  } finally {
    Ed25519PrivateKey.generate = generate
  }
}

/** Runs what makes one key, with a key that was made before: a machine that was resumed again. */
export function withKey<T>(key: Ed25519PrivateKey, run: () => T): T {
  const generate = Reflect.get(Ed25519PrivateKey, 'generate') as () => Ed25519PrivateKey
  Ed25519PrivateKey.generate = () => key
  try {
    return run()
  } finally {
    Ed25519PrivateKey.generate = generate
  }
}

/** A disk that tears one write when it is told to: half of it arrives, then an error. */
export function tearingDisk(): { readonly fs: JournalFs; readonly tearNext: () => void } {
  let due = false
  let torn = false
  const fs: JournalFs = {
    ...nodeFs,
    writeSync: (fd, bytes, offset, length) => {
      if (torn) {
        torn = false
        throw new Error('the disk is full')
      }
      if (!due) return nodeFs.writeSync(fd, bytes, offset, length)
      due = false
      torn = true
      return nodeFs.writeSync(fd, bytes, offset, Math.floor(length / 2))
    },
  }
  return { fs, tearNext: () => void (due = true) }
}
