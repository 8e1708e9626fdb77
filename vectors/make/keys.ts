// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { Ed25519PrivateKey, HmacKey, formatVkey, sha256Hex } from '@spanseal/core'
import type { CommitKey } from '@spanseal/core'

/** The keys of the vectors: made from words that everybody can read, so never to be used. */

/** A key that can sign notes under its name. */
export interface SigningKey {
  readonly name: string
  readonly seed: string
  readonly vkey: string
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

export function seedOf(words: string): string {
  return sha256Hex(`spanseal vectors: ${words}`)
}

export function signingKey(name: string, seed: string): SigningKey {
  const key = Ed25519PrivateKey.fromSeed(Buffer.from(seed, 'hex'))
  return {
    name,
    seed,
    vkey: formatVkey(name, key.publicKey),
    publicKey: key.publicKey,
    sign: (message) => key.sign(message),
  }
}

/** A key that blinds, with its bytes. */
export interface BlindingKey extends CommitKey {
  readonly hex: string
}

function blindingKey(words: string): BlindingKey {
  const hex = seedOf(words)
  return { kid: seedOf(`${words}, id`).slice(0, 16), hex, key: new HmacKey(Buffer.from(hex, 'hex')) }
}

export const LOG = 'example.com/support'
export const tenant: SigningKey = signingKey(LOG, seedOf('tenant'))
export const issuer: SigningKey = signingKey(`${LOG}/issuer-host1`, seedOf('issuer'))
export const stranger: SigningKey = signingKey(LOG, seedOf('stranger'))
export const strangeIssuer: SigningKey = signingKey(`${LOG}/issuer-host1`, seedOf('strange issuer'))

export const period: BlindingKey = blindingKey('period')
export const eqHex: string = seedOf('equality')
export const eq: HmacKey = new HmacKey(Buffer.from(eqHex, 'hex'))
export const subjects = {
  jane: blindingKey('subject jane'),
  john: blindingKey('subject john'),
}

/** What a vector file says of them. */
export function blindingKeysJson(): object {
  const shown = ({ kid, hex }: BlindingKey): object => ({ kid, key: hex })
  return {
    period: shown(period),
    eq: { key: eqHex },
    subjects: { jane: shown(subjects.jane), john: shown(subjects.john) },
  }
}
