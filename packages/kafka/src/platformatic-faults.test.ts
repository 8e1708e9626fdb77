// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  ProtocolError,
  ResponseError,
  TimeoutError,
  UserError,
} from '@platformatic/kafka'
import { describe, expect, test } from 'vitest'
import { isRepeatable, platformaticFault } from './platformatic-faults.ts'

/** As an answer to a Produce request says it. */
function answered(errorCode: number): ResponseError {
  return new ResponseError(0, 7, { '/responses/0/partition_responses/0': [errorCode, null] }, {})
}

describe('an error of @platformatic/kafka', () => {
  const cases: readonly [string, Error, string, string][] = [
    ['a request that is too large', answered(10), 'fatal', 'too-large'],
    ['a topic that is missing', answered(3), 'retriable', 'topic-missing'],
    [
      'a topic that the metadata do not know',
      new UserError('Unknown topic a.b.'),
      'retriable',
      'topic-missing',
    ],
    ['a missing right', answered(29), 'fatal', 'unauthorized'],
    ['another leader', answered(6), 'retriable', 'other'],
    ['too few replicas', answered(19), 'retriable', 'other'],
    ['too few replicas once it was appended', answered(20), 'ambiguous', 'other'],
    ['replicas that took too long', answered(7), 'ambiguous', 'other'],
    ['an error code that nobody knows', new Error('what'), 'ambiguous', 'other'],
    ['a closed connection', new NetworkError('Connection closed'), 'ambiguous', 'unreachable'],
    ['no answer', new TimeoutError('Request timed out'), 'ambiguous', 'unreachable'],
    [
      'a wrong password',
      new NetworkError('Connection failed.', { cause: new AuthenticationError('SASL') }),
      'fatal',
      'unauthorized',
    ],
    [
      'a refused connection, several times',
      new MultipleErrors('metadata failed 2 times.', [
        new NetworkError('Connection failed.'),
        new NetworkError('Connection failed.', {
          cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
        }),
      ]),
      'ambiguous',
      'unreachable',
    ],
    [
      'the last of several attempts',
      new MultipleErrors('produce failed 2 times.', [answered(6), answered(10)]),
      'fatal',
      'too-large',
    ],
    ['something that is no error', 'oh' as unknown as Error, 'ambiguous', 'other'],
  ]
  for (const [what, error, kind, reason] of cases) {
    test(`${what} is ${kind}, ${reason}`, () => {
      expect(platformaticFault(error)).toMatchObject({ kind, reason })
    })
  }

  test('is repeated with its sequence number where that can help', () => {
    const repeatable = [answered(6), answered(7), answered(19), answered(20)]
    for (const error of repeatable) expect(isRepeatable(error)).toBe(true)
    expect(isRepeatable(new NetworkError('Connection closed'))).toBe(true)
    expect(isRepeatable(new TimeoutError('Request timed out', { canRetry: true }))).toBe(true)
    expect(isRepeatable(new ProtocolError('LEADER_NOT_AVAILABLE'))).toBe(true)
  })

  test('is not repeated where the producer id is lost, or nothing would change', () => {
    for (const code of [10, 29, 45, 47, 59]) expect(isRepeatable(answered(code))).toBe(false)
    const closed = new NetworkError('Client is closed.', { canRetry: false })
    expect(isRepeatable(closed)).toBe(false)
    expect(isRepeatable(new UserError('Unknown topic a.'))).toBe(false)
    expect(isRepeatable(undefined)).toBe(false)
  })
})
