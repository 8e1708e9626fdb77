// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from './error-code.fixture.ts'
import { formatRevocation, parseRevocation } from './revocation.ts'
import { aNamedKey, anEpochKey, LOG } from './signed-chain.fixture.ts'

const issuer = aNamedKey(`${LOG}/issuer-host1`, 3)
const retention = aNamedKey(`${LOG}/retention-r1`, 4)
const text = formatRevocation({ log: LOG, vkey: issuer.vkey, tenantLogSize: 120 })

describe('a revocation', () => {
  it('is read back as it was written', () => {
    expect(text).toBe(`spanseal/revoke/1\n${LOG}\n${issuer.vkey}\n120\n`)
    for (const { vkey } of [issuer, retention]) {
      for (const tenantLogSize of [0, 1, Number.MAX_SAFE_INTEGER]) {
        const revocation = { log: LOG, vkey, tenantLogSize }
        expect(parseRevocation(formatRevocation(revocation))).toEqual(revocation)
      }
    }
  })

  it('is refused in every other form, and for a key that nobody revokes', () => {
    const wrong = [
      '',
      text.slice(0, -1),
      `${text}\n`,
      `${text}x\n`,
      ` ${text}`,
      text.replaceAll('\n', '\r\n'),
      text.replace('revoke/1', 'revoke/2'),
      text.replace('\n120\n', '\n0120\n'),
      text.replace('\n120\n', '\n+120\n'),
      text.replace('\n120\n', '\n-1\n'),
      text.replace('\n120\n', '\n1e2\n'),
      text.replace('\n120\n', '\n\n'),
      text.replace('\n120\n', '\n9007199254740992\n'),
      text.replace(`\n${LOG}\n`, '\nexample.com/sales\n'),
      text.replace(`\n${LOG}\n`, '\nExample.com\n'),
      text.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
      formatRevocation({ log: LOG, vkey: aNamedKey(LOG, 5).vkey, tenantLogSize: 1 }),
      formatRevocation({ log: LOG, vkey: anEpochKey(6).vkey, tenantLogSize: 1 }),
      formatRevocation({ log: LOG, vkey: aNamedKey(`${LOG}/issuer-A`, 7).vkey, tenantLogSize: 1 }),
      formatRevocation({ log: LOG, vkey: aNamedKey(`${LOG}/other-a`, 8).vkey, tenantLogSize: 1 }),
      text + 'x'.repeat(10_000_000),
    ]
    for (const one of wrong) expect(codeOf(() => parseRevocation(one))).toBe('MALFORMED_REVOCATION')
  })

  it('is refused with a code, whatever the text is like', () => {
    const lines = fc.array(fc.oneof(fc.string(), fc.constantFrom(...text.split('\n'))), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(lines, (parts) => {
        const any = parts.join('\n')
        expect(any === text ? undefined : codeOf(() => parseRevocation(any))).toBe(
          any === text ? undefined : 'MALFORMED_REVOCATION',
        )
      }),
    )
  })
})
