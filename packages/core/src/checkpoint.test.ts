// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { codeOf } from './error-code.fixture.ts'

const ROOT = 'GyTSEY9ejvUcVW4ohnLJe0MLlKgAHwEgpPHTC0aDgq4='
const text = `example.com/support\n20\n${ROOT}\n`

test('a checkpoint is origin, size and root, a line each', () => {
  const checkpoint = parseCheckpoint(text)
  expect(checkpoint).toEqual({
    origin: 'example.com/support',
    size: 20,
    root: Buffer.from(ROOT, 'base64').toString('hex'),
  })
  expect(formatCheckpoint(checkpoint)).toBe(text)
})

test.each([
  '',
  '\n\n\n',
  text.slice(0, -1),
  `${text}\n`,
  `${text}extension\n`,
  text.replace('example.com/support', ''),
  text.replace('\n20', '\n020'),
  text.replace('\n20', '\n+20'),
  text.replace('\n20', '\n-20'),
  text.replace('\n20', '\n2e1'),
  text.replace('\n20', '\n0x14'),
  text.replace('\n20', '\n 20'),
  text.replace('\n20', '\n'),
  text.replace('\n20', '\n9007199254740992'),
  text.replace('\n20', '\n99999999999999999999'),
  text.replace('gq4=', 'gq5='),
  text.replace('=', ''),
  text.replace(ROOT, Buffer.alloc(31).toString('base64')),
  text.replace(ROOT, Buffer.alloc(33).toString('base64')),
  text.replace(ROOT, 'ab'.repeat(32)),
  text.replaceAll('\n', '\r\n'),
  text.replace('example.com', 'x'.repeat(2000)),
])('%j is none', (malformed) => {
  expect(codeOf(() => parseCheckpoint(malformed))).toBe('MALFORMED_CHECKPOINT')
})
