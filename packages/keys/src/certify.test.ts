// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  AuditError,
  Ed25519PrivateKey,
  formatVkey,
  parseCertificate,
  parseNote,
} from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { certificateRequest, certify, revoke } from './certify.ts'

const LOG = 'example.com/agent'
const DAY_MILLIS = 86_400_000
const START = Date.UTC(2026, 0, 1)
const now = (): number => START
const day = (days: number): string => new Date(START + days * DAY_MILLIS).toISOString()

function aSigner(name: string, by?: Ed25519PrivateKey) {
  const key = Ed25519PrivateKey.generate()
  const vkey = formatVkey(name, key.publicKey)
  return { vkey, sign: (message: Uint8Array) => (by ?? key).sign(message) }
}

const tenant = aSigner(LOG)

function aRequest(role: 'epoch' | 'issuer' | 'retention', from: number, until: number): string {
  const last = role === 'epoch' ? '019afd5c-2e00-7abc-8000-000000000000' : `${role}-a1`
  const { vkey } = aSigner(`${LOG}/${last}`)
  return certificateRequest({ role, log: LOG, vkey, notBefore: day(from), notAfter: day(until) })
}

const endOf = (note: string): string => parseCertificate(parseNote(note).text).notAfter

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((e: unknown) => e)
  return error instanceof AuditError ? error.code : 'none'
}

describe('a certificate', () => {
  it('holds for 90 days at most, and never longer than asked', async () => {
    expect(endOf(await certify(aRequest('issuer', 0, 90), tenant, { now }))).toBe(day(90))
    expect(endOf(await certify(aRequest('issuer', 0, 7), tenant, { now }))).toBe(day(7))
    expect(endOf(await certify(aRequest('issuer', 0, 90), tenant, { now, days: 7 }))).toBe(day(7))
    expect(endOf(await certify(aRequest('issuer', 0, 7), tenant, { now, days: 90 }))).toBe(day(7))
    expect(endOf(await certify(aRequest('retention', 0, 3_650), tenant, { now }))).toBe(day(3_650))
  })

  it('is refused for too long, for what is over, for what is far ahead, for epochs', async () => {
    for (const request of [
      aRequest('issuer', 0, 91),
      aRequest('retention', 0, 3_651),
      aRequest('issuer', -90, 0),
      aRequest('issuer', 2, 10),
      aRequest('epoch', 0, 1),
    ]) {
      expect(await codeOf(certify(request, tenant, { now }))).toBe('INVALID_OPTION')
    }
    expect(await codeOf(certify(aRequest('issuer', 0, 9), tenant, { now, days: 91 }))).toBe(
      'INVALID_OPTION',
    )
    expect(await codeOf(certify('spanseal/cert/1\n', tenant))).toBe('MALFORMED_CERTIFICATE')
  })

  it('is not signed by the key of another log, nor handed on when it does not verify', async () => {
    const request = aRequest('issuer', 0, 9)
    expect(await codeOf(certify(request, aSigner('example.com/b'), { now }))).toBe('INVALID_OPTION')
    const liar = aSigner(LOG, Ed25519PrivateKey.generate())
    expect(await codeOf(certify(request, liar, { now }))).toBe('SIGNER_FAILED')
  })
})

describe('a revocation', () => {
  it('is for an issuer or retention key of the log that the tenant key is of', async () => {
    const issuer = aSigner(`${LOG}/issuer-a1`).vkey
    expect(await revoke(issuer, 7, tenant)).toContain(`${issuer}\n7\n\n— ${LOG} `)
    expect(await codeOf(revoke(tenant.vkey, 0, tenant))).not.toBe('none')
    expect(await codeOf(revoke(issuer, -1, tenant))).toBe('MALFORMED_REVOCATION')
    expect(await codeOf(revoke('x', 0, tenant))).toBe('MALFORMED_KEY')
    expect(await codeOf(revoke(issuer, 0, aSigner('example.com/b')))).toBe('INVALID_OPTION')
  })
})
