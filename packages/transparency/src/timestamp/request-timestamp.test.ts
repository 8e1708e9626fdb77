// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { sha256Hex } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { aToken } from './a-token.fixture.ts'
import { childrenOf, hexOf, integerHex, octetsOf, parseDer, smallInteger } from './der.ts'
import { requestTimestamp } from './request-timestamp.ts'
import { timestampRequest } from './timestamp-request.ts'

const digest = sha256Hex(aToken.text)

describe('timestampRequest', () => {
  it('holds version, digest, a nonce in its shortest form, and the wish for a certificate', () => {
    const { der, nonce } = timestampRequest(digest)
    const [version, imprint, asked, certReq] = childrenOf(parseDer(der, 'request'), 'request')
    expect(smallInteger(version, 'version')).toBe(1)
    expect(hexOf(octetsOf(childrenOf(imprint, 'imprint')[1], 'imprint'))).toBe(digest)
    expect(integerHex(asked, 'nonce')).toBe(nonce)
    expect(nonce).toMatch(/^[4-7][0-9a-f]{31}$/)
    expect(hexOf(certReq!.valueBeforeDecodeView)).toBe('0101ff')
  })

  it('has another nonce each time', () => {
    expect(timestampRequest(digest).nonce).not.toBe(timestampRequest(digest).nonce)
  })
})

describe('requestTimestamp', () => {
  const answer = (type: string, body: Uint8Array) => async (): Promise<Response> =>
    new Response(Uint8Array.from(body), { headers: { 'content-type': type } })

  it('posts the request, and nothing else, to the address', async () => {
    const asked: { url: string; init: RequestInit | undefined }[] = []
    const fetch: typeof globalThis.fetch = async (url, init) => {
      asked.push({ url: (url as URL).href, init })
      return new Response('')
    }
    const refused = { code: 'TIMESTAMP_REFUSED', message: 'http://tsa.example: ' }
    const asking = requestTimestamp('http://me:secret@tsa.example/a?b', digest, { fetch })
    const error = (await asking.catch((reason: unknown) => reason)) as typeof refused
    expect(error.code).toBe(refused.code)
    expect(error.message.startsWith(refused.message)).toBe(true)
    expect(asked.map(({ url }) => url)).toEqual(['http://me:secret@tsa.example/a?b'])
    expect(asked[0]!.init).toMatchObject({
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/timestamp-query' },
    })
  })

  it('takes no answer that was made for another request', async () => {
    const fetch = answer('application/timestamp-reply; charset=binary', aToken.response)
    const asking = requestTimestamp('https://tsa.example/', digest, { fetch })
    await expect(asking).rejects.toThrow('answers another request')
  })
})
