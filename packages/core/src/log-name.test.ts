// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeOf } from './error-code.fixture.ts'
import { assertLogName, defaultLogName, fileSafeLogName, isLogName } from './log-name.ts'

test.each([
  'a',
  'example.com',
  'example.com/support-agent',
  'localhost/a_b.c',
  'a/b/c',
  'x'.repeat(128),
])('%s names a log', (name) => {
  expect(assertLogName(name)).toBe(name)
})

test.each([
  '',
  'Example.com',
  '/a',
  'a/',
  'a//b',
  'a/../b',
  'a..b',
  '.a',
  'a.',
  'a_b/c',
  'a b',
  'a\n',
  'a+b',
  'spanseal/a',
  'cosignature',
  'a/issuer-1',
  'a/retention-1',
  'a/019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00',
  'x'.repeat(129),
])('%j does not', (name) => {
  expect(isLogName(name)).toBe(false)
  expect(codeOf(() => assertLogName(name))).toBe('INVALID_OPTION')
})

test.each([
  ['support-agent', 'localhost/support-agent'],
  ['Support Agent (EU)', 'localhost/support-agent-eu'],
  ['../../etc', 'localhost/etc'],
  ['エージェント', 'localhost/agent'],
  ['issuer-1', 'localhost/agent'],
])('the log of service %j is %s', (service, log) => {
  expect(defaultLogName(service)).toBe(log)
})

test('every service has a log, and every log a file name of its own', () => {
  const unit = fc.constantFrom('a', 'b', '_', '/', '-', '.')
  const logs = fc.string({ unit, maxLength: 8 }).filter(isLogName)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), logs, logs, (service, a, b) => {
      expect(isLogName(defaultLogName(service))).toBe(true)
      expect(fileSafeLogName(a)).toMatch(/^[a-z0-9._-]+$/)
      expect(fileSafeLogName(a) === fileSafeLogName(b)).toBe(a === b)
    }),
  )
})
