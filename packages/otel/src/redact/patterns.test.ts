// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { findSensitive, PATTERN_KINDS } from './patterns.ts'
import { PLANTED_SECRETS } from './planted-secrets.fixture.ts'

function kindsIn(text: string): readonly string[] {
  return [...new Set(findSensitive(text).map(({ kind }) => kind))]
}

function found(text: string): readonly string[] {
  return findSensitive(text).map(({ start, end }) => text.slice(start, end))
}

describe('what patterns find', () => {
  it.each(PLANTED_SECRETS)('$kind: $carrier', ({ kind, secret, carrier }) => {
    const hits = findSensitive(carrier)
    const at = carrier.indexOf(secret)
    expect(hits.map((hit) => hit.kind)).toContain(kind)
    const covered = hits.some(({ start, end }) => start <= at && end >= at + secret.length)
    expect(covered).toBe(true)
  })

  it('has a planted secret of every kind but addresses of hosts', () => {
    const kinds = new Set<string>(PLANTED_SECRETS.map(({ kind }) => kind))
    expect(PATTERN_KINDS.filter((kind) => !kinds.has(kind))).toEqual(['ip_address'])
  })

  it('keeps what stands around', () => {
    expect(found('Mail ann@example.com, or call (555) 123-4567.')).toEqual([
      'ann@example.com',
      '(555) 123-4567',
    ])
    expect(found('{"token":"abc","next":"b"}')).toEqual(['abc'])
    expect(found('?token=abc&next=b')).toEqual(['abc'])
    expect(found('token: abc, next: b')).toEqual(['abc'])
  })

  it('finds what begins inside the value of something else', () => {
    const key = `sig=${'aB3dE5fG7h'.repeat(2)}`
    expect(found(`https://x.example/?${key}|DB_Password: hunter2`)).toContain('hunter2')
    expect(found('token=a|cookie:b=c; d=e')).toContain('b=c; d=e')
    expect(found('Card number: 4111 1111 1111 1111')).toContain('4111 1111 1111 1111')
    expect(found('ann@example.com-team')).toEqual(['ann@example.com'])
    expect(found('the key my password is hunter2.')).toEqual(['hunter2'])
  })

  it('takes the rest of a text that is values in values all through', () => {
    const text = `${'Authorization: Basic '.repeat(2_000)}\nend`
    expect(findSensitive(text).some(({ end }) => end === text.length)).toBe(true)
    expect(findSensitive(text).length).toBeLessThan(100)
  })

  it('takes addresses of hosts only when asked', () => {
    const text = 'from 192.168.10.4 and 2001:db8::ff00:42:8329, not 1.2.3 or 10:20:30 or 300.1.1.1'
    expect(found(text)).toEqual([])
    const hits = findSensitive(text, { ipAddresses: true })
    expect(new Set(hits.map(({ start, end }) => text.slice(start, end)))).toEqual(
      new Set(['192.168.10.4', '2001:db8::ff00:42:8329']),
    )
  })

  it('takes what stands before the text into account', () => {
    expect(findSensitive('5551234567')).toEqual([])
    expect(findSensitive('5551234567', { before: 'phone number' })).toMatchObject([
      { kind: 'phone' },
    ])
  })
})

/** Texts that look like something and are not. */
const HARMLESS = [
  // times, orders, versions, sizes
  '1700000000',
  '1700000000000',
  '1700000000000000000',
  'order 5551234567 of 2026-11-21',
  'order 4000123412341235',
  'invoice 2026-11-21-0001',
  '2026-11-21T09:16:00.000Z',
  '20261121T091600Z',
  '20220215184500',
  'v18.0.0-rc.next and react@18.0.0-rc.next',
  'icon@2x.png',
  '@spanseal/otel@0.1.0',
  '192.168.100.200',
  '200 300 4000 500 600 7000',
  '+12345678 rows',
  'rows 1-2-3, pages 555-123',
  '555-0143',
  'isbn 978-3-16-148410-0',
  'flight HAT001 on 2024-05-15 from 1000 to 1430',
  '000-12-3456 666-12-3456 123-00-4567 123-45-0000 900-12-3456',
  'tracking 1Z999AA10123456784',
  'ean 4006381333930',
  'zip 12345-6789',
  'coordinates 52.520008 13.404954',
  'DE00370400440532013000',
  'ratio 1234 5678 1234 5678',
  // ids and digests
  '0192f0c1-7e4a-7b60-8000-0123456789ab',
  '4bf92f3577b34da6a3ce929d0e0e4736',
  'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'commit 769a53d8f3a1b2c4d5e6f708192a3b4c5d6e7f80',
  'task-abcdefghijklmnopqrst risk-assessment-2024-for-every-customer',
  'disk-usage-report-for-november-2026-final',
  // names that speak about secrets
  'token_count: 5, max_tokens=7, total tokens: 912',
  'the secretary is Ann; authorized_by: ann',
  'Unexpected token: }',
  'SyntaxError: invalid token: expected identifier',
  'password: required',
  'password: ********',
  'token=undefined',
  'the password is incorrect',
  'your password is required to be longer',
  'bearer authentication and basic authentication',
  'Basic understanding of Bearer instruments',
  'credit card: declined',
  'Credit Card: $247',
  'primary_key: id, sort_key: created, key: value',
  'password_policy: strong; token_type: Bearer; secret_name: prod/db',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----',
  // addresses that are none
  'git@github.com:spanseal/spanseal.git',
  'https://example.com/@user/post?id=17#top',
  'http://localhost:4318/v1/traces',
  'ssh://git@example.com/x.git',
  '"from": "@jane.doe"',
  'call me at 5 or 6',
  'class Foo::bar and a::b::c',
  '[REDACTED:email] and [REDACTED:secret]',
]

/**
 * False-positive budget: none of these, and of machine-made numbers at most 1 in 30 that has 16
 * digits (a tenth passes Luhn's check, a quarter of those has a card's prefix) and none that has
 * fewer than 13.
 */
describe('what patterns leave alone', () => {
  it.each(HARMLESS)('%s', (text) => {
    expect(kindsIn(text)).toEqual([])
  })

  it('numbers of machines, within the budget', () => {
    let taken = 0
    let state = 1n
    for (let i = 0; i < 4_000; i++) {
      state = (state * 6364136223846793005n + 1442695040888963407n) % 2n ** 64n
      const number = String(state).padStart(20, '0')
      expect(found(`id ${number.slice(0, 12)}`)).toEqual([])
      taken += found(`id ${number.slice(4, 20)}`).length
    }
    expect(taken).toBeLessThanOrEqual(4_000 / 30)
  })
})

const PRIVACYLENS = new URL(
  '../../../../../shared/data/redaction/privacylens.json',
  import.meta.url,
)
const missing = !existsSync(PRIVACYLENS)

/** Counted by hand and by loose patterns in the 493 trajectories of PrivacyLens (MIT). */
describe.skipIf(missing)(
  `tool trajectories of PrivacyLens${missing ? ' (skipped: data absent)' : ''}`,
  () => {
    const trajectories = missing
      ? []
      : (JSON.parse(readFileSync(PRIVACYLENS, 'utf8')) as {
          readonly trajectory: { readonly executable_trajectory: string }
        }[])
    const texts = trajectories.map(({ trajectory }) => trajectory.executable_trajectory)

    /** How many of what a loose pattern sees is covered by what was found. */
    function recall(loose: RegExp): { readonly seen: number; readonly covered: number } {
      let seen = 0
      let covered = 0
      for (const text of texts) {
        const hits = findSensitive(text)
        for (const { 0: match, index } of text.matchAll(loose)) {
          seen++
          const end = index + match.length
          if (hits.some((hit) => hit.start <= index && hit.end >= end)) covered++
        }
      }
      return { seen, covered }
    }

    it('finds every e-mail address', () => {
      const { seen, covered } = recall(/[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}/g)
      expect(seen).toBeGreaterThan(1_100)
      expect(covered).toBe(seen)
    })

    it('finds every card number, though five of six fail the check digit', () => {
      const { seen, covered } = recall(/(?<!\d)\d{4} (?:\d{4} \d{4} \d{4}|\d{6} \d{5})(?!\d)/g)
      expect({ seen, covered }).toEqual({ seen: 6, covered: 6 })
    })

    it('finds every phone number that has an area code or a word before it', () => {
      const { seen, covered } = recall(
        /\(\d{3}\) \d{3}-\d{4}|(?<!\d)555-\d{3}-\d{4}|\+1 555 \d{4}|(?<=phone": ")[\d-]{8,}/g,
      )
      expect(seen).toBeGreaterThanOrEqual(9)
      expect(covered).toBe(seen)
    })

    it('finds every Social Security number', () => {
      const { seen, covered } = recall(
        /(?<![\d-])\d{2,3}-\d{2,3}-\d{4}(?![\d-])(?<!555-\d{3}-\d{4})/g,
      )
      expect(seen).toBeGreaterThanOrEqual(10)
      expect(covered).toBe(seen)
    })

    it('finds every password that is written behind its name', () => {
      const { seen, covered } = recall(
        /(?<=password(?: is|:)? '|Password: )[^\s';,]*[\d#!*][^\s';,]*(?=[';,]|\\n|\. )/g,
      )
      expect(seen).toBeGreaterThanOrEqual(10)
      expect(covered).toBe(seen)
    })
  },
)
