// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { Ed25519PrivateKey, verifyEd25519 } from './ed25519.ts'
import { codeOf } from './error-code.fixture.ts'

// RFC 8032 §7.1, TEST 2.
const SEED = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'
const PUBLIC = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
const SIGNATURE =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
  '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
const message = Buffer.of(0x72)

test('signs and verifies as RFC 8032 does', () => {
  const key = Ed25519PrivateKey.fromSeed(Buffer.from(SEED, 'hex'))
  expect(key.publicKey.toString('hex')).toBe(PUBLIC)
  expect(key.sign(message).toString('hex')).toBe(SIGNATURE)
  expect(verifyEd25519(key.publicKey, message, Buffer.from(SIGNATURE, 'hex'))).toBe(true)
})

test('anything else is no signature, whatever its length', () => {
  const key = Ed25519PrivateKey.generate()
  const signature = key.sign(message)
  expect(verifyEd25519(key.publicKey, Buffer.of(0x73), signature)).toBe(false)
  expect(verifyEd25519(key.publicKey, message, signature.subarray(1))).toBe(false)
  expect(verifyEd25519(key.publicKey, message, new Uint8Array(64))).toBe(false)
  expect(verifyEd25519(key.publicKey.subarray(1), message, signature)).toBe(false)
  expect(verifyEd25519(Buffer.alloc(32, 0xff), message, signature)).toBe(false)
})

test('a key comes back from PEM', () => {
  const key = Ed25519PrivateKey.generate()
  expect(Ed25519PrivateKey.fromPem(key.toPem()).publicKey).toEqual(key.publicKey)
})

test('other PEM is refused with a code', () => {
  const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const pem = rsa.export({ format: 'pem', type: 'pkcs8' }).toString()
  for (const text of ['', 'no key', pem]) {
    expect(codeOf(() => Ed25519PrivateKey.fromPem(text))).toBe('MALFORMED_KEY')
  }
})
