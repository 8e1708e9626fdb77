// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasForm, kindsWithoutForm, secrets } from './planted-secrets.ts'
import { SecretScan } from './secret-scan.ts'

const scan = new SecretScan(secrets)

function isFound(text: string): boolean {
  return scan.leaksIn([{ name: 'a source', text }]).length > 0
}

describe('a secret that came out is found', () => {
  const forms: readonly (readonly [string, (secret: string) => string])[] = [
    ['as it is', (secret) => secret],
    ['in capitals', (secret) => secret.toUpperCase()],
    ['in JSON', (secret) => JSON.stringify({ [secret]: secret })],
    ['in JSON in JSON', (secret) => JSON.stringify({ text: JSON.stringify([secret]) })],
    ['URL-encoded', (secret) => encodeURIComponent(secret)],
    ['in a form', (secret) => new URLSearchParams({ secret }).toString()],
    ['in hexadecimals', (secret) => Buffer.from(`x${secret}`).toString('hex').toUpperCase()],
    ...['', 'a', 'ab'].map((before): [string, (secret: string) => string] => [
      `in base64 behind ${before.length} bytes`,
      (secret) => Buffer.from(`${before}${secret}!`).toString('base64'),
    ]),
    ['in base64url', (secret) => Buffer.from(`{"${secret}"}`).toString('base64url')],
  ]

  test.each(forms)('%s', (_, form) => {
    expect(secrets.filter(({ find }) => !isFound(`before ${form(find)} after`))).toEqual([])
  })

  test('in part, where it is long', () => {
    const long = secrets.filter(({ find }) => find.length >= 48 && !find.startsWith('https:'))
    expect(long.length).toBeGreaterThan(6)
    for (const { find } of long) {
      const line = find.split('\n').at(-2) ?? find
      expect(isFound(`…${line.slice(10, 41)}…`)).toBe(true)
    }
  })

  test('by the number of a card without what separates its groups', () => {
    expect(isFound('{"card":"4111111111111111"}')).toBe(true)
  })
})

test('nothing is found where there is nothing', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
  expect(scan.leaksIn([{ name: 'README.md', text: readme }])).toEqual([])
  expect(scan.leaksIn([])).toEqual([])
})

test('the place of a leak is named', () => {
  const [leak] = scan.leaksIn([
    { name: 'first', text: 'nothing' },
    { name: 'second', text: 'the card 6011111111111117 leaked' },
  ])
  expect(leak).toBe(
    'card number, Discover (exact) in second: …nothing \0 the card 6011111111111117 leaked…',
  )
})

test('each kind that is said to have no form is one of the vectors', () => {
  expect(secrets.filter((secret) => !hasForm(secret))).toHaveLength(kindsWithoutForm.size)
})
