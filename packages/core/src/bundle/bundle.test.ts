// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { codeOf } from '../error-code.fixture.ts'
import { aSealedJournal } from './a-bundle.fixture.ts'
import type { Bundle } from './bundle.ts'
import { BUNDLE_BYTES_MAX, formatBundle, parseBundle } from './bundle.ts'
import { proveRecordInLog } from './prove-in-log.ts'

async function aBundle(): Promise<Bundle> {
  const { epoch, end, log, openings } = aSealedJournal()
  log.timestamps.push(Buffer.from('not looked at here'))
  return { ...(await proveRecordInLog(epoch.bytes(), end, { log: log.tiles })), openings }
}

/** The text with something in it changed, still canonical. */
function changed(bundle: Bundle, change: (value: Record<string, unknown>) => void): string {
  const value = JSON.parse(formatBundle(bundle)) as Record<string, unknown>
  change(value)
  return `${JSON.stringify(value)}\n`
}

describe('parseBundle', () => {
  it('reads back what formatBundle wrote, as text and as bytes', async () => {
    const bundle = await aBundle()
    const text = formatBundle(bundle)
    expect(parseBundle(text)).toEqual(bundle)
    expect(parseBundle(Buffer.from(text))).toEqual(bundle)
    expect(formatBundle(parseBundle(text))).toBe(text)
    const { tenant: _, openings: __, ...least } = bundle
    expect(parseBundle(formatBundle(least))).toEqual(least)
  })

  it('refuses every text that is not the one canonical form', async () => {
    const text = formatBundle(await aBundle())
    const wrong = [
      '',
      '{}\n',
      'null\n',
      '[]\n',
      text.slice(0, -1),
      `${text}\n`,
      ` ${text}`,
      text.replace('{', '{ '),
      text.replace('"bundle":"spanseal/bundle/1",', ''),
      text.replace('bundle/1', 'bundle/2'),
      text.replace('"entry":', '"entry":-'),
      text.replace(/"entry":(\d+)/, '"entry":$1.0'),
      text.replace(/"entry":\d+/, '"entry":9007199254740992'),
      text.replace(/"entry":\d+/, '"entry":"1"'),
      text.replace('"record":"', '"record":"\\ud800'),
      text.replace('"record":', '"__proto__":{},"record":'),
      text.replace('"path":[', '"path":["AB",'),
      text.slice(0, -2),
      text.replace('{"bundle"', '{"bundle":"spanseal/bundle/1","bundle"'),
      `${'['.repeat(500_000)}\n`,
      `${'{"bundle":'.repeat(50_000)}}\n`,
    ]
    for (const one of wrong) {
      expect(codeOf(() => parseBundle(one))).toBe('MALFORMED_BUNDLE')
    }
    expect(codeOf(() => parseBundle(Buffer.from([0xff, 0x7d, 0x0a])))).toBe('MALFORMED_BUNDLE')
    expect(codeOf(() => parseBundle(`\ufeff${text}`))).toBe('MALFORMED_BUNDLE')
  })

  it('refuses an unknown key at any depth, and a missing one', async () => {
    const bundle = await aBundle()
    type Level = (value: Record<string, unknown>) => object
    const levels: Level[] = [
      (value) => value,
      (value) => value['tenant'] as object,
      (value) => (value['tenant'] as Record<string, object>)['certificate'] as object,
      (value) => (value['openings'] as object[])[0] as object,
    ]
    for (const level of levels) {
      const more = changed(bundle, (value) => Object.assign(level(value), { zz: 1 }))
      expect(codeOf(() => parseBundle(more))).toBe('MALFORMED_BUNDLE')
      const keys = Object.keys(level(JSON.parse(formatBundle(bundle)) as Record<string, unknown>))
      for (const key of keys.filter((name) => !/^(tenant|openings|salt|timestamps)$/.test(name))) {
        const less = changed(bundle, (value) => Reflect.deleteProperty(level(value), key))
        expect(codeOf(() => parseBundle(less))).toBe('MALFORMED_BUNDLE')
      }
    }
  })

  it('refuses values of another kind, empty optional lists, too many and too long ones', async () => {
    const bundle = await aBundle()
    const { certs } = bundle
    const [opening] = bundle.openings as [NonNullable<Bundle['openings']>[number]]
    const tenant = bundle.tenant as NonNullable<Bundle['tenant']>
    const hash = '0'.repeat(64)
    const wrong: object[] = [
      { record: 1 },
      { record: 'x'.repeat(65_536) },
      { checkpoint: 'x'.repeat(65_537) },
      { certs: [...certs, certs[0]] },
      { certs: [] },
      { certs: 'none' },
      { path: Array.from({ length: 65 }, () => hash) },
      { path: [hash.toUpperCase().replace('0', 'A')] },
      { openings: [] },
      { openings: [opening, opening] },
      { openings: [{ ...opening, enc: 'xml' }] },
      { openings: [{ ...opening, field: 'invocation' }] },
      { openings: [{ ...opening, field: '/a~2' }] },
      { openings: [{ ...opening, field: `/${'a'.repeat(256)}` }] },
      { openings: [{ ...opening, salt: 'ab' }] },
      { openings: [{ ...opening, salt: null }] },
      { openings: [{ ...opening, value: 'YQ' }] },
      { openings: [{ ...opening, value: 'YR==' }] },
      { tenant: null },
      { tenant: { ...tenant, revocations: [] } },
      { tenant: { ...tenant, timestamps: Array.from({ length: 17 }, () => 'YQ==') } },
      { openings: [{ ...opening, value: 'A'.repeat(BUNDLE_BYTES_MAX) }] },
    ]
    for (const change of wrong) {
      const broken = { ...bundle, ...change } as Bundle
      expect(codeOf(() => formatBundle(broken))).toBe('MALFORMED_BUNDLE')
      const text = changed(bundle, (value) => Object.assign(value, change))
      expect(codeOf(() => parseBundle(text))).toBe('MALFORMED_BUNDLE')
    }
  })

  it('has no form for what JSON has none for', async () => {
    const bundle = { ...(await aBundle()), record: undefined } as unknown as Bundle
    expect(codeOf(() => formatBundle(bundle))).toBe('MALFORMED_BUNDLE')
  })
})
