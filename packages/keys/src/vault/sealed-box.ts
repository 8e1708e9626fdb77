// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const SALT_BYTES = 32
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** What a box is longer than its content. */
export const BOX_OVERHEAD_BYTES: number = SALT_BYTES + TAG_BYTES

/**
 * Seals `plain` with AES-256-GCM: salt, ciphertext, tag. Key and nonce come from HKDF-SHA-256 over a
 * fresh salt of 32 bytes, so that a pair is never used twice however much one secret seals; random
 * nonces of 12 bytes would bound that to 2³² boxes (NIST SP 800-38D §8.3).
 *
 * @param bound what the box belongs to: it opens with the same only
 */
export function seal(secret: Uint8Array, plain: Uint8Array, bound: Uint8Array): Buffer {
  const salt = randomBytes(SALT_BYTES)
  const { key, nonce } = derive(secret, salt)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(bound)
  return Buffer.concat([salt, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** The content of a box; undefined where it was changed, belongs elsewhere, or to another secret. */
export function unseal(secret: Uint8Array, box: Uint8Array, bound: Uint8Array): Buffer | undefined {
  if (box.length < BOX_OVERHEAD_BYTES) return undefined
  const { key, nonce } = derive(secret, box.subarray(0, SALT_BYTES))
  const end = box.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(bound)
  decipher.setAuthTag(box.subarray(end))
  try {
    return Buffer.concat([decipher.update(box.subarray(SALT_BYTES, end)), decipher.final()])
  } catch {
    return undefined
  }
}

function derive(secret: Uint8Array, salt: Uint8Array): { key: Buffer; nonce: Buffer } {
  const derived = Buffer.from(
    hkdfSync('sha256', secret, salt, 'spanseal/vault-box/1', KEY_BYTES + NONCE_BYTES),
  )
  return { key: derived.subarray(0, KEY_BYTES), nonce: derived.subarray(KEY_BYTES) }
}
