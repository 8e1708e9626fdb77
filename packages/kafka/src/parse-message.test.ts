// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  Ed25519PrivateKey,
  formatCheckpoint,
  formatVkey,
  leafHash,
  signNoteSync,
} from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import { parseCheckpointMessage, parseRecord } from './parse-message.ts'
import { anEpoch, aRecord } from './sealed-record.fixture.ts'

const { line } = aRecord(3)
const value = JSON.parse(Buffer.from(line).toString()) as Record<string, unknown>
const chain = value['chain'] as Record<string, unknown>

function withFields(fields: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify({ ...value, ...fields }))
}

describe('a record', () => {
  test('says by its value where it belongs; its leaf is computed', () => {
    const trace = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) }
    const bytes = withFields({ trace })
    expect(parseRecord(bytes)).toEqual({
      log: 'localhost/test',
      epoch: anEpoch(1),
      seq: 3,
      leaf: leafHash(bytes),
      type: 'user.input',
      traceparent: `00-${trace.trace_id}-${trace.span_id}-01`,
      line: bytes,
    })
  })

  test('without usable trace ids has no traceparent', () => {
    const bytes = withFields({ trace: { trace_id: '\u001b[2J', span_id: 'b' } })
    expect(parseRecord(bytes)).not.toHaveProperty('traceparent')
  })

  const malformed: readonly [string, Buffer | null][] = [
    ['no value', null],
    ['not a JSON object', Buffer.alloc(0)],
    ['not a JSON object', Buffer.from('[]')],
    ['not a JSON object', Buffer.from('null')],
    ['not a JSON object', Buffer.from('{"chain":')],
    ['not a JSON object', Buffer.from('['.repeat(60_000))],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['over 65535 bytes', Buffer.alloc(65_536, 0x20)],
    ['no epoch id', Buffer.from('{}')],
    ['no epoch id', withFields({ chain: { ...chain, epoch: 'x' } })],
    ['no epoch id', withFields({ chain: null })],
    ['no log name', withFields({ chain: { ...chain, log: '../up' } })],
    ['no sequence number', withFields({ chain: { ...chain, seq: '007' } })],
    ['no sequence number', withFields({ chain: { ...chain, seq: -1 } })],
    ['no sequence number', withFields({ chain: { ...chain, seq: 2 ** 53 } })],
    ['no event type', withFields({ type: 7 })],
  ]
  for (const [reason, bytes] of malformed) {
    test(`is malformed: ${reason}: ${bytes?.toString('latin1').slice(0, 40)}`, () => {
      expect(parseRecord(bytes)).toEqual({ malformed: reason })
    })
  }
})

describe('a checkpoint', () => {
  const key = Ed25519PrivateKey.generate()
  const sign = (origin: string): string =>
    signNoteSync(formatCheckpoint({ origin, size: 7, root: 'ab'.repeat(32) }), {
      vkey: formatVkey('k', key.publicKey),
      sign: (message) => key.sign(message),
    })

  test('says by its origin where it belongs', () => {
    const note = sign(`a.example/b/${anEpoch(1)}`)
    expect(parseCheckpointMessage(Buffer.from(note))).toEqual({
      log: 'a.example/b',
      epoch: anEpoch(1),
      size: 7,
      note,
    })
  })

  test('is malformed otherwise', () => {
    expect(parseCheckpointMessage(null)).toEqual({ malformed: 'no value' })
    expect(parseCheckpointMessage(Buffer.from([0xff]))).toEqual({ malformed: 'not UTF-8' })
    expect(parseCheckpointMessage(Buffer.from('x'))).toEqual({
      malformed: 'not a signed checkpoint',
    })
    expect(parseCheckpointMessage(Buffer.from(sign('a.example')))).toEqual({
      malformed: "not an epoch's checkpoint",
    })
  })
})
