// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import type { Certificate, CertificateClaim } from './certificate.ts'
import { checkCertificateChain, formatCertificate, parseCertificate } from './certificate.ts'
import { codeOf } from './error-code.fixture.ts'
import { signNoteSync } from './note.ts'
import { aCertificate, aNamedKey, anEpochKey, LOG, OPENED_AT } from './signed-chain.fixture.ts'

const tenant = aNamedKey(LOG, 1)
const issuer = aNamedKey(`${LOG}/issuer-host1`, 2)
const epoch = anEpochKey(3)
const stranger = aNamedKey(LOG, 9)
const foreignIssuer = aNamedKey(`${LOG}/issuer-host1`, 8)

const issuerCert = aCertificate(issuer, tenant, { role: 'issuer' })
const epochCert = aCertificate(epoch, issuer)

const claim: CertificateClaim = {
  log: LOG,
  epoch: epoch.epoch,
  vkey: epoch.vkey,
  certs: [epochCert, issuerCert],
  at: OPENED_AT,
}

describe('certificates', () => {
  const certificate: Certificate = {
    role: 'epoch',
    log: LOG,
    vkey: epoch.vkey,
    notBefore: '2026-11-21T00:00:00.000Z',
    notAfter: '2026-11-22T00:00:00.000Z',
  }
  const text = formatCertificate(certificate)

  test('come back as they were written', () => {
    expect(parseCertificate(text)).toEqual(certificate)
    for (const [role, last] of [
      ['issuer', 'issuer-host1'],
      ['retention', 'retention-1'],
    ] as const) {
      const other = { ...certificate, role, vkey: aNamedKey(`${LOG}/${last}`, 4).vkey }
      expect(parseCertificate(formatCertificate(other))).toEqual(other)
    }
  })

  test.each<[string, string]>([
    ['nothing', ''],
    ['another header', text.replace('cert/1', 'cert/2')],
    ['no LF at the end', text.slice(0, -1)],
    ['a line more', `${text}x\n`],
    ['CR LF', text.replaceAll('\n', '\r\n')],
    ['an unknown role', text.replace('\nepoch\n', '\ntenant\n')],
    ['an issuer named as an epoch', text.replace('\nepoch\n', '\nissuer\n')],
    ['a retention key named as an epoch', text.replace('\nepoch\n', '\nretention\n')],
    ['a log that is no log name', text.replace(`\n${LOG}\n`, '\nExample.com\n')],
    ['a key of another log', text.replace(`\n${LOG}\n`, '\nexample.com/sales\n')],
    ['a key that is none', text.replace(epoch.vkey, 'a+b+c')],
    ['an epoch named as an issuer', text.replace(epoch.vkey, issuer.vkey)],
    ['a time without milliseconds', text.replace('00.000Z\n2', '00Z\n2')],
    ['a time that is not UTC', text.replace('00.000Z\n2', '00.000+00:00\n2')],
    ['a day that is none', text.replace('2026-11-22', '2026-11-31')],
    ['an hour that is none', text.replace('2026-11-22T00', '2026-11-22T24')],
    ['an end before its beginning', text.replace('2026-11-22', '2026-11-20')],
    ['over 2 KiB', text.replace('\nepoch\n', `\n${'e'.repeat(2048)}\n`)],
  ])('%s is refused', (_, malformed) => {
    expect(malformed).not.toBe(text)
    expect(codeOf(() => parseCertificate(malformed))).toBe('MALFORMED_CERTIFICATE')
  })
})

describe('a chain of certificates', () => {
  test('epoch ← issuer ← pinned tenant', () => {
    expect(checkCertificateChain(claim, [tenant.note])).toEqual({
      issuer: issuer.vkey,
      key: epoch.note,
      pinned: true,
      valid: true,
    })
  })

  test('epoch ← pinned issuer, with and without the issuer’s own certificate', () => {
    for (const certs of [[epochCert], [epochCert, issuerCert]]) {
      expect(checkCertificateChain({ ...claim, certs }, [issuer.note])).toMatchObject({
        pinned: true,
        valid: true,
      })
    }
  })

  test('a pinned epoch key without certificates', () => {
    expect(checkCertificateChain({ ...claim, certs: [] }, [epoch.note]).pinned).toBe(true)
  })

  test('without a pinned key nobody vouches', () => {
    for (const pinned of [[], [aNamedKey('example.com/sales', 1).note], [epoch.note]]) {
      expect(checkCertificateChain(claim, pinned).pinned).toBe(false)
    }
    expect(checkCertificateChain({ ...claim, certs: [] }, [tenant.note]).pinned).toBe(false)
    expect(checkCertificateChain({ ...claim, certs: [epochCert] }, [tenant.note]).pinned).toBe(
      false,
    )
  })

  test('a pinned key of the same name and another value does not vouch', () => {
    expect(checkCertificateChain(claim, [stranger.note]).pinned).toBe(false)
    expect(
      checkCertificateChain({ ...claim, certs: [epochCert] }, [foreignIssuer.note]).pinned,
    ).toBe(false)
  })

  test.each([
    ['before', '2026-11-20T23:59:59.999Z', false],
    ['at the beginning of', '2026-11-21T00:00:00.000Z', true],
    ['at the end of', '2026-11-21T23:59:59.999Z', true],
    ['after', '2026-11-22T00:00:00.000Z', false],
    ['at no time of', 'yesterday', false],
  ])('opened %s the validity', (_, at, valid) => {
    expect(checkCertificateChain({ ...claim, at }, [tenant.note])).toMatchObject({
      pinned: true,
      valid,
    })
  })

  test('an issuer that had expired makes it invalid', () => {
    const old = aCertificate(issuer, tenant, {
      role: 'issuer',
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2026-04-01T00:00:00.000Z',
    })
    expect(
      checkCertificateChain({ ...claim, certs: [epochCert, old] }, [tenant.note]),
    ).toMatchObject({ pinned: true, valid: false })
  })

  const sales = 'example.com/sales'
  const otherEpoch = anEpochKey(5)
  const salesEpoch = anEpochKey(3, sales)
  const wrongId = `${epoch.epoch.slice(0, -1)}${epoch.epoch.endsWith('0') ? '1' : '0'}`
  const misnamed = aNamedKey(`${LOG}/${wrongId}`, 3)

  test.each<[string, Partial<CertificateClaim>, string]>([
    ['a key that is none', { vkey: 'x' }, 'MALFORMED_KEY'],
    ['a key named after another epoch', { vkey: otherEpoch.vkey }, 'MALFORMED_CERTIFICATE'],
    ['a key named after another log', { vkey: salesEpoch.vkey }, 'MALFORMED_CERTIFICATE'],
    [
      'an epoch id not made from the key',
      { epoch: wrongId, vkey: misnamed.vkey, certs: [] },
      'MALFORMED_CERTIFICATE',
    ],
    ['a certificate that is no note', { certs: ['x'] }, 'MALFORMED_NOTE'],
    [
      'a note that is no certificate',
      { certs: [signNoteSync('x\n', issuer)] },
      'MALFORMED_CERTIFICATE',
    ],
    ['three certificates', { certs: [epochCert, issuerCert, issuerCert] }, 'MALFORMED_CERTIFICATE'],
    [
      'the certificates the wrong way round',
      { certs: [issuerCert, epochCert] },
      'MALFORMED_CERTIFICATE',
    ],
    ['the issuer’s alone', { certs: [issuerCert] }, 'MALFORMED_CERTIFICATE'],
    [
      'another epoch’s',
      { certs: [aCertificate(otherEpoch, issuer), issuerCert] },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'another log’s',
      { certs: [aCertificate(salesEpoch, issuer, { log: sales }), issuerCert] },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'an issuer of another log',
      {
        certs: [
          epochCert,
          aCertificate(aNamedKey(`${sales}/issuer-host1`, 2), tenant, {
            role: 'issuer',
            log: sales,
          }),
        ],
      },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'signed by another issuer',
      { certs: [aCertificate(epoch, foreignIssuer), issuerCert] },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'signed by the tenant itself',
      { certs: [aCertificate(epoch, tenant)] },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'signed by the tenant, beside an issuer',
      { certs: [aCertificate(epoch, tenant), issuerCert] },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'signed by the epoch itself',
      { certs: [aCertificate(epoch, epoch), issuerCert] },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'an epoch key in the role of an issuer',
      { certs: [epochCert, aCertificate(otherEpoch, tenant)] },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'a retention key in the role of an issuer',
      {
        certs: [
          epochCert,
          aCertificate(aNamedKey(`${LOG}/retention-1`, 2), tenant, { role: 'retention' }),
        ],
      },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'an issuer’s certificate changed after signing',
      { certs: [epochCert, issuerCert.replace('2026-11-21T23', '2026-11-22T23')] },
      'MALFORMED_CERTIFICATE',
    ],
    [
      'an epoch’s certificate changed after signing',
      { certs: [epochCert.replace('2026-11-21T23', '2026-11-22T23'), issuerCert] },
      'MALFORMED_CERTIFICATE',
    ],
  ])('%s is refused', (_, wrong, code) => {
    expect(codeOf(() => checkCertificateChain({ ...claim, ...wrong }, [tenant.note]))).toBe(code)
  })

  test('a signature in the name of a pinned key must hold', () => {
    const changed = epochCert.replace('2026-11-21T23', '2026-11-22T23')
    expect(codeOf(() => checkCertificateChain({ ...claim, certs: [changed] }, [issuer.note]))).toBe(
      'MALFORMED_CERTIFICATE',
    )
  })

  test('a tenant of the same name and another key vouches only where it is pinned itself', () => {
    const byStranger = {
      ...claim,
      certs: [epochCert, aCertificate(issuer, stranger, { role: 'issuer' })],
    }
    expect(checkCertificateChain(byStranger, [tenant.note]).pinned).toBe(false)
    expect(checkCertificateChain(byStranger, [stranger.note]).pinned).toBe(true)
  })
})
