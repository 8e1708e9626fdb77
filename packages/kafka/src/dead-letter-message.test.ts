// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { sha256Hex } from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import type { PutAside } from './dead-letter-message.ts'
import { DEAD_LETTER_BYTES_MAX, deadLetterMessage } from './dead-letter-message.ts'

function aMessage(other: Partial<PutAside> = {}): PutAside {
  return {
    topic: 'audit.records.v1',
    partition: 3,
    offset: '7',
    reason: 'no key',
    key: Buffer.from('k'),
    value: Buffer.from('v'),
    ...other,
  }
}

const made = (other: Partial<PutAside>, bare = false): ReturnType<typeof deadLetterMessage> =>
  deadLetterMessage(aMessage(other), { timestamp: 7, bare })

describe('a dead letter', () => {
  test('has key, value and headers as they came, and says whence and why', () => {
    const headers = { traceparent: 'x', 'spanseal-seq': '7' }
    expect(made({ headers })).toEqual({
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      timestamp: 7,
      headers: {
        ...headers,
        'spanseal-topic': 'audit.records.v1',
        'spanseal-partition': '3',
        'spanseal-offset': '7',
        'spanseal-reason': 'no key',
      },
    })
  })

  test('tells null from empty', () => {
    expect(made({ key: null, value: null }).headers['spanseal-absent']).toBe('key,value')
    const empty = new Uint8Array()
    expect(made({ key: empty, value: empty }).headers).not.toHaveProperty('spanseal-absent')
  })

  test('has no offset where the topic never took the message', () => {
    expect(made({ offset: undefined }).headers).not.toHaveProperty('spanseal-offset')
  })

  test('leaves out what is too large, and says so', () => {
    const value = Buffer.alloc(DEAD_LETTER_BYTES_MAX + 1, 'x')
    const letter = made({ value, key: Buffer.alloc(40_000), headers: { big: 'y'.repeat(40_000) } })
    expect(letter.value.length).toBe(0)
    expect(letter.key.length).toBe(0)
    expect(letter.headers).toMatchObject({
      'spanseal-left-out': 'headers,key,value',
      'spanseal-value-bytes': `${value.length}`,
      'spanseal-value-sha256': sha256Hex(value),
    })
    expect(letter.headers).not.toHaveProperty('big')
    expect(made({}, true).headers['spanseal-left-out']).toBe('value')
  })

  test('takes of a header that comes several times the last', () => {
    const headers = { again: [Buffer.from('1'), Buffer.from('2')], never: undefined }
    const { again, never } = made({ headers }).headers as Record<string, unknown>
    expect([again, never]).toEqual([Buffer.from('2'), undefined])
  })
})
