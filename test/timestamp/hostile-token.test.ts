// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, sha256Hex } from '@spanseal/core'
import { timestampVerifier } from '@spanseal/transparency'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OpensslAuthority } from './openssl-authority.ts'

/** Tokens that somebody changed: a coded error, or what the authority said, never anything else. */

const TEXT = 'example.com/support\n17\n+uQswXmVis/Ku3/dWTnlEMoyW0abHW1GbcIz0Ii1z20=\n'
const DIGEST = sha256Hex(TEXT)
const SLOW = process.env['SLOW'] === '1'

/** What becomes of a token: the time that it proves, or the code with which it is refused. */
async function outcomeOf(
  verify: ReturnType<typeof timestampVerifier>,
  token: Uint8Array,
  digest: string = DIGEST,
): Promise<string> {
  try {
    return (await verify(token, digest)).time
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

test('every byte that is another one changes nothing, or is refused', async () => {
  const authority = await OpensslAuthority.make({ intermediate: true })
  const verify = timestampVerifier([authority.root])
  const token = await authority.stamp(TEXT)
  const { time } = await verify(token, DIGEST)
  let tried = 0
  let unchanged = 0
  for (let at = 0; at < token.length; at++) {
    for (const flip of SLOW ? [1, 2, 4, 8, 16, 32, 64, 128] : [1 << (at % 8)]) {
      const changed = Uint8Array.from(token)
      changed[at] = (changed[at] as number) ^ flip
      const outcome = await outcomeOf(verify, changed)
      expect([time, 'MALFORMED_TIMESTAMP']).toContain(outcome)
      tried++
      if (outcome === time) unchanged++
    }
  }
  // Some bytes are signed by nobody: versions, the set of hashes, the status; some 65 to 70 of 1,400.
  expect(unchanged).toBeLessThan(tried / 12)
})

test('cut, grown, joined and made up tokens are refused', async () => {
  const authority = await OpensslAuthority.make()
  const verify = timestampVerifier([authority.root])
  const token = await authority.stamp(TEXT)
  for (let length = 0; length < token.length; length += SLOW ? 1 : 7) {
    expect(await outcomeOf(verify, token.subarray(0, length))).toBe('MALFORMED_TIMESTAMP')
  }
  expect(await outcomeOf(verify, Buffer.concat([token, token]))).toBe('MALFORMED_TIMESTAMP')
  expect(await outcomeOf(verify, Buffer.concat([token, Buffer.of(0)]))).toBe('MALFORMED_TIMESTAMP')
  const outcomes = fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
    expect(await outcomeOf(verify, bytes)).toBe('MALFORMED_TIMESTAMP')
  })
  await fc.assert(outcomes)
})

test('pieces of two tokens make no third one', async () => {
  const authority = await OpensslAuthority.make()
  const verify = timestampVerifier([authority.root])
  const [first, second] = [await authority.stamp(TEXT), await authority.stamp('another text\n')]
  const times = [(await verify(first, DIGEST)).time, 'MALFORMED_TIMESTAMP']
  const spliced = fc.asyncProperty(
    fc.nat({ max: first.length }),
    fc.nat({ max: second.length }),
    fc.nat({ max: 200 }),
    async (at, from, length) => {
      const token = Uint8Array.from(first)
      token.set(second.subarray(from, from + Math.min(length, first.length - at)), at)
      expect(times).toContain(await outcomeOf(verify, token))
      const other = await outcomeOf(verify, token, sha256Hex('a third text\n'))
      expect(other).toBe('MALFORMED_TIMESTAMP')
    },
  )
  await fc.assert(spliced)
})

test('nested without end, wide without end, of lengths that nobody has', async () => {
  const authority = await OpensslAuthority.make()
  const verify = timestampVerifier([authority.root])
  const nested = Buffer.alloc(60_000, Buffer.from('3080', 'hex'))
  const wide = Buffer.concat([
    Buffer.from('3083', 'hex'),
    Buffer.of(0, 0xea, 0x60),
    Buffer.alloc(60_000, Buffer.from('0500', 'hex')),
  ])
  const long = Buffer.from('3084ffffffff02', 'hex')
  const over = Buffer.concat([Buffer.from('3083010000', 'hex'), Buffer.alloc(65_536)])
  const objects = Buffer.concat([Buffer.from('3082ea60', 'hex'), Buffer.alloc(60_000, 0x06)])
  for (const bytes of [nested, wide, long, over, objects]) {
    expect(await outcomeOf(verify, bytes)).toBe('MALFORMED_TIMESTAMP')
  }
})
