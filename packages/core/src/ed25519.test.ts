// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { expect, test } from 'vitest'
import { Ed25519PrivateKey, verifyEd25519 } from './ed25519.ts'
import { codeOf } from './error-code.fixture.ts'

// RFC 8032 §7.1, TEST 2.
const SEED = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'
const PUBLIC = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
const SIGNATURE =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
  '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
const ORDER_8 = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]
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

test('a key of small order has signed nothing', () => {
  const p = 2n ** 255n - 19n
  const small = [0n, 1n, p - 1n, p, p + 1n].map((y) => {
    const bytes = Buffer.from(y.toString(16).padStart(64, '0'), 'hex')
    return Buffer.from(bytes.reverse())
  })
  // Of order 8: RFC 8032's curve, 2·[order 8] has y = 0.
  small.push(...ORDER_8.map((hex) => Buffer.from(hex, 'hex')))
  for (const key of small) {
    const negative = Buffer.from(key)
    negative[31] = negative[31]! | 0x80
    // R the neutral element and S zero fit every message under the neutral element.
    const signature = Buffer.concat([Buffer.of(1), Buffer.alloc(63)])
    for (const one of [key, negative]) expect(verifyEd25519(one, message, signature)).toBe(false)
    expect(ed25519.Point.fromHex(key.toString('hex'), true).isSmallOrder()).toBe(true)
  }
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
