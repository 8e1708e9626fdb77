// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { inspect } from 'node:util'
import { AuditError, Ed25519PrivateKey } from '@spanseal/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { certify } from './certify.ts'
import type { KeyFile } from './key-file.ts'
import { newKeyText, parseKeyFile } from './key-file.ts'

const LOG = 'example.com/agent'
const file = '/keys/tenant.pem'
const tenantKey = Ed25519PrivateKey.generate()

/** What came of reading: a key, or a coded error. */
function read(text: string, passphrase?: string): AuditError | KeyFile {
  try {
    return parseKeyFile(text, { file, ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (error) {
    if (error instanceof AuditError) return error
    throw error
  }
}

/** Every run of 12 characters of a key's base64: less than that tells nobody anything. */
function piecesOf(text: string): string[] {
  const body = text.slice(text.indexOf('-----\n') + 6, text.indexOf('\n-----END'))
  // The first 21 characters are the same in every Ed25519 key.
  const secret = body.replaceAll('\n', '').slice(22)
  return Array.from({ length: Math.max(secret.length - 11, 0) }, (_, i) => secret.slice(i, i + 12))
}

test('any text is a key file or a coded error', () => {
  const line = fc.constantFrom(
    `name: ${LOG}\n`,
    'name: \n',
    'not-before: 2026-01-01T00:00:00.000Z\n',
    'not-after: 2026-02-30T00:00:00.000Z\n',
    '-----BEGIN PRIVATE KEY-----\n',
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\n',
    '-----END PRIVATE KEY-----\n',
    'MC4CAQAwBQYDK2VwBCIEIA\n',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.oneof(line, fc.string()), { maxLength: 8 }).map((lines) => lines.join('')),
  )
  expect(() =>
    fc.assert(
      fc.property(text, (input) => {
        const result = read(input, 'a passphrase')
        return !(result instanceof AuditError) || result.code === 'KEYRING_UNUSABLE'
      }),
    ),
  ).not.toThrow()
})

test('a changed key file is a coded error or a key, and no error holds a piece of the key', () => {
  const plain = newKeyText({ name: LOG })
  const locked = newKeyText({ name: LOG, passphrase: 'a passphrase' })
  const change = fc.record({
    text: fc.constantFrom(plain, locked),
    at: fc.nat(plain.length - 1),
    cut: fc.nat(40),
    put: fc.string({ unit: 'binary', maxLength: 5 }),
  })
  fc.assert(
    fc.property(change, ({ at, cut, put, text }) => {
      const result = read(text.slice(0, at) + put + text.slice(at + cut), 'a passphrase')
      const shown = inspect(result, { depth: 9 }) + JSON.stringify(result)
      for (const piece of piecesOf(text)) expect(shown.includes(piece)).toBe(false)
    }),
  )
})

test('what is written is read again, and printed without its secret', () => {
  const time = fc
    .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
    .map((date) => date.toISOString())
  const id = fc.stringMatching(/^[a-z0-9]{1,32}$/)
  fc.assert(
    fc.property(id, time, time, (suffix, notBefore, notAfter) => {
      const name = `${LOG}/issuer-${suffix}`
      const text = newKeyText({ name, notBefore, notAfter })
      const result = read(text)
      expect(result).toMatchObject({ name, notBefore, notAfter, encrypted: false })
      const shown = inspect(result, { depth: 9, showHidden: true }) + JSON.stringify(result)
      for (const piece of piecesOf(text)) expect(shown.includes(piece)).toBe(false)
    }),
    { numRuns: 25 },
  )
})

test('any request is certified in its canonical form or refused with a code', async () => {
  const vkey = read(newKeyText({ name: LOG })) as KeyFile
  const signer = { vkey: vkey.vkey, sign: (m: Uint8Array) => tenantKey.sign(m) }
  const part = fc.oneof(
    fc.constantFrom('spanseal/cert/1\n', 'issuer\n', `${LOG}\n`, `${vkey.vkey}\n`, '\n'),
    fc.constantFrom('2026-01-01T00:00:00.000Z\n', '2026-02-01T00:00:00.000Z\n'),
    fc.string(),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 9 }), async (parts) => {
      const error: unknown = await certify(parts.join(''), signer).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(AuditError)
    }),
  )
})
