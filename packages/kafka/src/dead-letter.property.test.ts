// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RawDeadLetter } from './dead-letter.ts'
import { deadLetterOf, originName, replayMarkOf } from './dead-letter.ts'
import type { PutAside } from './dead-letter-message.ts'
import { DEAD_LETTER_HEADERS, deadLetterMessage } from './dead-letter-message.ts'

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
const ownNames = Object.values(DEAD_LETTER_HEADERS)
const headerName = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'traceparent', ...ownNames),
)
/** Made by `fromEntries`, as a client makes it: `__proto__` is a header like others. */
const headers = fc
  .array(fc.tuple(headerName, fc.oneof(bytes, fc.string(), fc.array(bytes, { maxLength: 2 }))))
  .map((entries) => Object.fromEntries(entries))

const putAside: fc.Arbitrary<PutAside> = fc.record({
  topic: fc.constantFrom('audit.records.v1', 'acme.audit.checkpoints.v1'),
  partition: fc.nat({ max: 1_000 }),
  offset: fc.option(fc.nat().map(String), { nil: undefined }),
  reason: fc.string({ maxLength: 100 }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.option(headers, { nil: undefined }),
})

/** As it comes back from Kafka. */
function lying(found: PutAside): RawDeadLetter {
  const { key, value, headers: sent, timestamp } = deadLetterMessage(found, { timestamp: 7 })
  const place = { topic: 'audit.dead-letters.v1', partition: 0, offset: '3' }
  return { place, timestamp, key: Buffer.from(key), value: Buffer.from(value), headers: sent }
}

test('a message comes out of its dead letter as it went in', () => {
  fc.assert(
    fc.property(putAside, (found) => {
      const raw = lying(found)
      const letter = deadLetterOf(raw, false)
      expect(letter.key).toEqual(found.key)
      expect(letter.value).toEqual(found.value)
      expect(letter.reason).toBe(found.reason)
      expect(letter.leftOut).toEqual([])
      expect(letter.origin).toEqual({
        topic: found.topic,
        partition: found.partition,
        ...(found.offset === undefined ? {} : { offset: found.offset }),
      })
      // No header of the message can pass for one of the dead letter, or for a mark.
      expect(replayMarkOf(raw)).toBeUndefined()
      expect(
        Object.keys(letter.headers).filter((name) => ownNames.includes(name as never)),
      ).toEqual([])
    }),
  )
})

test('any message of the dead-letter topic can be read', () => {
  const raw: fc.Arbitrary<RawDeadLetter> = fc.record({
    place: fc.constant({ topic: 'audit.dead-letters.v1', partition: 0, offset: '3' }),
    timestamp: fc.oneof(fc.integer(), fc.constant(Number.NaN)),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers,
  })
  fc.assert(
    fc.property(raw, (message) => {
      const letter = deadLetterOf(message, false)
      expect(letter.valueBytes).toBeGreaterThanOrEqual(0)
      expect(originName(letter) ?? 'a/0/0').toMatch(/^[A-Za-z0-9._-]+\/\d+\/\d+$/)
      replayMarkOf(message)
    }),
  )
})
