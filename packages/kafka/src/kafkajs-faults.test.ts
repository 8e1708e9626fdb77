// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { kafkajsFault } from './kafkajs-faults.ts'

function protocolError(type: string): Error {
  return new kafkajs.KafkaJSProtocolError(Object.assign(new Error(type), { type, retriable: true }))
}

test('an error is judged by its innermost cause', () => {
  const inner = protocolError('NOT_ENOUGH_REPLICAS')
  const outer = new kafkajs.KafkaJSNumberOfRetriesExceeded(inner, { retryCount: 5, retryTime: 1 })
  expect(outer.retriable).toBe(false)
  expect(kafkajsFault(outer)).toMatchObject({ kind: 'retriable', reason: 'other' })
})

test('what may have been appended is ambiguous', () => {
  const closed = new kafkajs.KafkaJSConnectionError('Connection error: read ECONNRESET')
  expect(kafkajsFault(closed)).toMatchObject({ kind: 'ambiguous', reason: 'unreachable' })
  expect(kafkajsFault(protocolError('REQUEST_TIMED_OUT'))).toMatchObject({ kind: 'ambiguous' })
  expect(kafkajsFault(protocolError('NOT_ENOUGH_REPLICAS_AFTER_APPEND')).kind).toBe('ambiguous')
  expect(kafkajsFault('thrown text')).toMatchObject({ kind: 'ambiguous', message: 'thrown text' })
  expect(kafkajsFault(undefined).kind).toBe('ambiguous')
})

test('what cannot help to try again is fatal', () => {
  expect(kafkajsFault(protocolError('MESSAGE_TOO_LARGE'))).toMatchObject({ reason: 'too-large' })
  const sasl = Object.assign(new Error('wrong password'), {
    name: 'KafkaJSSASLAuthenticationError',
  })
  expect(kafkajsFault(sasl)).toMatchObject({ kind: 'fatal', reason: 'unauthorized' })
})
