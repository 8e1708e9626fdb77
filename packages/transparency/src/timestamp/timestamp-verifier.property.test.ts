// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { sha256Hex } from '@spanseal/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { aToken } from './a-token.fixture.ts'
import { timestampVerifier } from './timestamp-verifier.ts'

const digest = sha256Hex(aToken.text)
const verify = timestampVerifier([aToken.root])

async function outcomeOf(token: Uint8Array): Promise<string> {
  return verify(token, digest).then(
    ({ time }) => time,
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  )
}

it('a changed token says the same, or is refused with a code', async () => {
  const edit = fc.record({
    at: fc.nat({ max: aToken.response.length - 1 }),
    cut: fc.nat({ max: 6 }),
    put: fc.uint8Array({ maxLength: 6 }),
  })
  const property = fc.asyncProperty(
    fc.array(edit, { minLength: 1, maxLength: 4 }),
    async (edits) => {
      let bytes = Buffer.from(aToken.response)
      for (const { at, cut, put } of edits) {
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)])
      }
      expect([aToken.time, 'MALFORMED_TIMESTAMP']).toContain(await outcomeOf(bytes))
    },
  )
  await fc.assert(property)
})
