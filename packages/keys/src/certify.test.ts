// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  AuditError,
  checkCertificateChain,
  Ed25519PrivateKey,
  epochId,
  formatCertificate,
  formatVkey,
  parseCertificate,
  parseNote,
  parseVkey,
  signNote,
} from '@spanseal/core'
import { describe, expect, it, test } from 'vitest'
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

test('a stolen epoch key certifies no other epoch, though the tenant is pinned', async () => {
  const issuer = aSigner(`${LOG}/issuer-a1`)
  const until = day(9)
  const text = { role: 'issuer', log: LOG, vkey: issuer.vkey, notBefore: day(0) } as const
  const issuerCert = await certify(certificateRequest({ ...text, notAfter: until }), tenant, {
    now,
  })
  const epochKey = (): { id: string; key: Ed25519PrivateKey; vkey: string } => {
    const key = Ed25519PrivateKey.generate()
    const id = epochId(key.publicKey, START)
    return { id, key, vkey: formatVkey(`${LOG}/${id}`, key.publicKey) }
  }
  const [stolen, forged] = [epochKey(), epochKey()]
  const statement = { role: 'epoch', log: LOG, vkey: forged.vkey, notBefore: day(0) } as const
  const thief = { vkey: stolen.vkey, sign: (message: Uint8Array) => stolen.key.sign(message) }
  const cert = await signNote(formatCertificate({ ...statement, notAfter: until }), thief)
  const claim = { log: LOG, epoch: forged.id, vkey: forged.vkey, at: day(0) }
  const pinned = [parseVkey(tenant.vkey)]
  const refused = expect.objectContaining({ code: 'MALFORMED_CERTIFICATE' }) as unknown
  expect(() => checkCertificateChain({ ...claim, certs: [cert, issuerCert] }, pinned)).toThrow(
    refused,
  )
  expect(checkCertificateChain({ ...claim, certs: [cert] }, pinned).pinned).toBe(false)
  // Its id is made from its key: it cannot take another epoch's place either.
  const taken = { ...claim, vkey: stolen.vkey, certs: [] }
  expect(() => checkCertificateChain(taken, pinned)).toThrow(refused)
})
