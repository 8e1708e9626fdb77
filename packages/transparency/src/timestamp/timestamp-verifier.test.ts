// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { sha256Hex } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { aToken } from './a-token.fixture.ts'
import { TOKEN_BYTES_MAX } from './der.ts'
import { timestampVerifier } from './timestamp-verifier.ts'

const digest = sha256Hex(aToken.text)
const verify = timestampVerifier([aToken.root])
const MALFORMED = expect.objectContaining({ code: 'MALFORMED_TIMESTAMP' }) as unknown

describe('timestampVerifier', () => {
  it('says when, how exactly, and under which rules', async () => {
    expect(await verify(aToken.response, digest)).toEqual({
      time: aToken.time,
      accuracyMillis: 1500,
      policy: '1.2.3.4.1',
      serial: '02',
    })
  })

  it('takes a token for its digest only', async () => {
    const other = verify(aToken.response, sha256Hex('another text\n'))
    await expect(other).rejects.toEqual(MALFORMED)
    const invalid = expect.objectContaining({ code: 'INVALID_OPTION' }) as unknown
    await expect(verify(aToken.response, 'AB'.repeat(32))).rejects.toEqual(invalid)
  })

  it('takes no byte behind the token, and none too few', async () => {
    const { response } = aToken
    const longer = verify(Buffer.concat([response, Buffer.of(0)]), digest)
    await expect(longer).rejects.toEqual(MALFORMED)
    await expect(verify(response.subarray(0, -1), digest)).rejects.toEqual(MALFORMED)
    await expect(verify(new Uint8Array(), digest)).rejects.toEqual(MALFORMED)
    await expect(verify(new Uint8Array(TOKEN_BYTES_MAX + 1), digest)).rejects.toEqual(MALFORMED)
  })

  it('leaves the bytes that it is given as they are', async () => {
    const given = Uint8Array.from(aToken.response)
    await verify(given, digest)
    expect(given).toEqual(Uint8Array.from(aToken.response))
  })

  it('refuses authorities that are no certificates', () => {
    const refused = expect.objectContaining({ code: 'MALFORMED_CERTIFICATE' }) as Error
    expect(() => timestampVerifier([])).toThrow(refused)
    expect(() => timestampVerifier(['no PEM'])).toThrow(refused)
    expect(() => timestampVerifier([aToken.root.replace(/^MII/m, 'AAA')])).toThrow(refused)
  })
})
