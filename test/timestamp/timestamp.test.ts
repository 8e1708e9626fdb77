// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { sha256Hex } from '@spanseal/core'
import { requestTimestamp, timestampVerifier } from '@spanseal/transparency'
import { describe, expect, test } from 'vitest'
import type { AuthoritySettings } from './openssl-authority.ts'
import { OpensslAuthority, serve } from './openssl-authority.ts'

/** Time-stamps against the tools that everybody has: `openssl ts` as authority and as verifier. */

const TEXT = 'example.com/support\n17\n+uQswXmVis/Ku3/dWTnlEMoyW0abHW1GbcIz0Ii1z20=\n'
const DIGEST = sha256Hex(TEXT)
const MALFORMED = expect.objectContaining({ code: 'MALFORMED_TIMESTAMP' }) as unknown
const REFUSED = expect.objectContaining({ code: 'TIMESTAMP_REFUSED' }) as unknown

const kinds: Readonly<Record<string, AuthoritySettings>> = {
  'an elliptic key': {},
  'an RSA key': { key: 'rsa:2048' },
  'an elliptic key and SHA-512': { signerHash: 'sha512', essHash: 'sha512' },
  'a key on P-384': { key: 'P-384', signerHash: 'sha384' },
  'a key on P-521': { key: 'P-521', signerHash: 'sha512' },
  'an RSA key and SHA-384': { key: 'rsa:2048', signerHash: 'sha384' },
  'an authority between': { intermediate: true },
  'the older attribute, by SHA-1': { essHash: 'sha1' },
  'no accuracy': { accuracy: '' },
}

describe.each(Object.entries(kinds))('an authority with %s', (_, settings) => {
  test('is asked, checked, and its token taken by openssl too', async () => {
    const authority = await OpensslAuthority.make(settings)
    const url = await authority.serve()
    const before = Date.now()
    const stamp = await requestTimestamp(url, DIGEST, { authorities: [authority.root] })
    expect(Date.parse(stamp.time)).toBeGreaterThanOrEqual(before - 1000)
    expect(Date.parse(stamp.time)).toBeLessThanOrEqual(Date.now() + 1000)
    expect(stamp.accuracyMillis).toBe(settings.accuracy === '' ? undefined : 1500)
    expect(stamp.policy).toBe('1.2.3.4.1')
    await authority.verify(stamp.token, TEXT)
    await expect(authority.verify(stamp.token, `${TEXT}\n`)).rejects.toThrow('imprint mismatch')

    const { token, ...said } = stamp
    expect(await timestampVerifier([authority.root])(token, DIGEST)).toEqual(said)
  })
})

test('the signer’s own certificate may be the one that is trusted', async () => {
  const authority = await OpensslAuthority.make()
  const token = await authority.stamp(TEXT)
  const { time } = await timestampVerifier([authority.signerPem])(token, DIGEST)
  expect(time).toMatch(/^\d{4}-/)
})

test('a token without certificates holds where the signer’s is trusted', async () => {
  const authority = await OpensslAuthority.make()
  const token = await authority.stamp(TEXT)
  const query = await authority.openssl('ts', '-query', '-data', 'data', '-sha256', '-out', 'q.tsq')
  expect(query).toBe('')
  const bare = await authority.reply(readFileSync(`${authority.folder}/q.tsq`))
  expect(bare.length).toBeLessThan(token.length)
  await expect(timestampVerifier([authority.root])(bare, DIGEST)).rejects.toEqual(MALFORMED)
  await timestampVerifier([authority.signerPem, authority.root])(bare, DIGEST)
})

test('a signature by RSA-PSS holds', async () => {
  const authority = await OpensslAuthority.make({ key: 'rsa:2048' })
  const token = await authority.stamp(TEXT)
  const { time } = await timestampVerifier([authority.root])(token, DIGEST)
  const flags = ['-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:32']
  const other = await authority.signContentsOf(token, ...flags)
  expect((await timestampVerifier([authority.root])(other, DIGEST)).time).toBe(time)
})

test('of several authorities one is enough', async () => {
  const authority = await OpensslAuthority.make()
  const other = await OpensslAuthority.make({}, 'Other')
  const token = await authority.stamp(TEXT)
  const { time } = await timestampVerifier([other.root, authority.root])(token, DIGEST)
  const both = `${other.root}\n${authority.root}`
  expect((await timestampVerifier([both])(token, DIGEST)).time).toBe(time)
})

describe('does not hold', () => {
  test('under another authority, even one of the same name', async () => {
    const authority = await OpensslAuthority.make()
    const twin = await OpensslAuthority.make()
    const token = await authority.stamp(TEXT)
    const checked = timestampVerifier([twin.root])(token, DIGEST)
    await expect(checked).rejects.toEqual(MALFORMED)
    await expect(checked).rejects.toThrow('leads to no trusted authority')
  })

  test('over another text', async () => {
    const authority = await OpensslAuthority.make()
    const token = await authority.stamp(TEXT)
    const other = sha256Hex(`${TEXT}\n`)
    await expect(timestampVerifier([authority.root])(token, other)).rejects.toThrow(
      'something else',
    )
  })

  test('over a digest of another kind', async () => {
    const authority = await OpensslAuthority.make()
    const token = await authority.stamp(TEXT, '-sha512')
    await expect(timestampVerifier([authority.root])(token, DIGEST)).rejects.toEqual(MALFORMED)
  })

  const notAlone = 'not made for time-stamping alone'
  test.each<[string, AuthoritySettings, string]>([
    ['a certificate whose purpose is not critical', { extendedKeyUsage: 'timeStamping' }, notAlone],
    [
      'a certificate for servers too',
      { extendedKeyUsage: 'critical,timeStamping,serverAuth' },
      notAlone,
    ],
    ['a certificate for servers', { extendedKeyUsage: 'critical,serverAuth' }, notAlone],
    ['a key that may only encrypt', { keyUsage: 'critical,keyEncipherment' }, 'may not sign'],
    ['a certificate that has expired', { validity: ['-days', '-1'] }, 'valid at its time'],
  ])('with %s', async (_, settings, why) => {
    const sound = await OpensslAuthority.make()
    const token = await sound.stamp(TEXT)
    // The same way with a sound certificate holds: it is the certificate that makes the difference.
    const way = await sound.signContentsOf(token)
    await timestampVerifier([sound.root])(way, DIGEST)

    const authority = await OpensslAuthority.make(settings)
    const other = await authority.signContentsOf(token)
    const checked = timestampVerifier([authority.root])(other, DIGEST)
    await expect(checked).rejects.toEqual(MALFORMED)
    await expect(checked).rejects.toThrow(why)
  })

  test.each<[string, AuthoritySettings, string]>([
    ['a signature over SHA-1', { signerHash: 'sha1' }, 'unknown hash'],
    ['a time that may be wrong by an hour', { accuracy: 'accuracy = secs:3600' }, 'inaccurate'],
  ])('with %s', async (_, settings, why) => {
    const authority = await OpensslAuthority.make(settings)
    const token = await authority.stamp(TEXT)
    await authority.verify(token, TEXT)
    const checked = timestampVerifier([authority.root])(token, DIGEST)
    await expect(checked).rejects.toEqual(MALFORMED)
    await expect(checked).rejects.toThrow(why)
  })

  test('when the answer is that of another request', async () => {
    const authority = await OpensslAuthority.make()
    const earlier = await authority.stamp(TEXT)
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(earlier)
    })
    await expect(requestTimestamp(url, DIGEST)).rejects.toThrow('it answers another request')
  })

  test('when the authority refuses', async () => {
    const authority = await OpensslAuthority.make()
    const refusal = await authority.stamp(TEXT, '-tspolicy', '1.2.3.9')
    const verify = timestampVerifier([authority.root])
    await expect(verify(refusal, DIGEST)).rejects.toThrow('refused (status 2)')
  })
})

describe('an authority that misbehaves', () => {
  test('by being late, closed, redirecting, or answering pages', async () => {
    const late = await serve(() => undefined)
    await expect(requestTimestamp(late, DIGEST, { timeoutMillis: 50 })).rejects.toEqual(REFUSED)
    await expect(requestTimestamp('http://127.0.0.1:1/', DIGEST)).rejects.toEqual(REFUSED)
    const page = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello')
    })
    await expect(requestTimestamp(page, DIGEST)).rejects.toEqual(REFUSED)
    const moved = await serve((_, response) => {
      response.writeHead(302, { location: page }).end()
    })
    await expect(requestTimestamp(moved, DIGEST)).rejects.toEqual(REFUSED)
    const failing = await serve((_, response) => {
      response.writeHead(500, { 'content-type': 'application/timestamp-reply' }).end()
    })
    await expect(requestTimestamp(failing, DIGEST)).rejects.toEqual(REFUSED)
  })

  test('by never ending its answer', async () => {
    const endless = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/timestamp-reply' })
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(16_384), () => setImmediate(more))
      }
      more()
    })
    await expect(requestTimestamp(endless, DIGEST)).rejects.toEqual(MALFORMED)
  })

  test('by being no address', async () => {
    const invalid = expect.objectContaining({ code: 'INVALID_OPTION' }) as unknown
    await expect(requestTimestamp('file:///etc/passwd', DIGEST)).rejects.toEqual(invalid)
    await expect(requestTimestamp('nonsense', DIGEST)).rejects.toEqual(invalid)
    await expect(requestTimestamp('http://127.0.0.1:1/', 'ab')).rejects.toEqual(invalid)
  })
})

test('authorities that are no certificates are refused at once', () => {
  const coded = expect.objectContaining({ code: 'MALFORMED_CERTIFICATE' }) as unknown
  const broken = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  for (const pems of [[], ['nothing'], [broken]]) {
    expect(() => timestampVerifier(pems)).toThrow(coded as Error)
  }
})
