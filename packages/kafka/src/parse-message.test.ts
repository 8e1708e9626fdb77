// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Actor, CallContext, SealedRecord } from '@spanseal/core'
import {
  block,
  Ed25519PrivateKey,
  formatCheckpoint,
  formatVkey,
  leafHash,
  plainCommitment,
  recordLine,
  signNoteSync,
} from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import { recordMessage } from './message.ts'
import type { MessageHeaders, ReadMessage } from './parse-message.ts'
import { parseCheckpointMessage, parseRecord, readMessage } from './parse-message.ts'
import { anEpoch } from './sealed-record.fixture.ts'

const line = Buffer.from(
  recordLine(
    {
      type: 'user.input',
      severity: 'info',
      actor: block<Actor>({ agent: { id: 'support-1' }, user: { ref: 'u-17' } }),
      context: block<CallContext>({
        data_classifications: [],
        environment: 'test',
        task_id: 'task-1',
      }),
      detail: { bytes: 5, content: plainCommitment('text', 'hello') },
      trace: { span_id: 'b'.repeat(16), trace_id: 'a'.repeat(32) },
    },
    { epoch: anEpoch(1), log: 'localhost/test', prev: '0'.repeat(64), seq: 3 },
    { at: '2026-11-21T09:00:00.000Z', mono_ns: '7' },
  ),
)
const value = JSON.parse(line.toString()) as Record<string, unknown>
const chain = value['chain'] as Record<string, unknown>

function withFields(fields: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify({ ...value, ...fields }))
}

function withActor(more: Readonly<Record<string, unknown>>): Buffer {
  const actor = value['actor'] as Readonly<Record<string, unknown>>
  return withFields({ actor: { ...actor, user: { ref: 'u-17', ...more } } })
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
    const bytes = withFields({ rev: 9, trace: { trace_id: '\u001b[2J', span_id: 'b' } })
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
    ['a version that is not known', withFields({ v: 2 })],
    ['a version that is not known', withFields({ v: '1' })],
    ['not of the schema: /rev is none of the allowed values', withFields({ rev: -1 })],
    ['not of the schema:  has an unknown key', withFields({ 'hunter2 is a secret': 1 })],
    ['not of the schema: /actor/user has an unknown key', withActor({ 'hunter2 too': 1 })],
    ['not of the schema:  is of an unknown type', withFields({ type: 'user.made-up' })],
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

describe('a message', () => {
  const sealed = { ...(parseRecord(line) as SealedRecord), line }
  const { headers } = recordMessage(sealed, 0)
  const key = Buffer.from(sealed.epoch)
  const read = (given: Partial<ReadMessage>, logs?: readonly string[]): unknown =>
    readMessage(
      { key, value: line, headers, ...given },
      { kind: 'record', logs: logs === undefined ? undefined : new Set(logs) },
    )

  test('as the sink sends it is its record; headers may be missing', () => {
    expect(read({})).toEqual(sealed)
    expect(read({ headers: undefined })).toEqual(sealed)
    expect(read({ headers: { other: Buffer.from('x') } })).toEqual(sealed)
    expect(read({}, ['localhost/test', 'localhost/other'])).toEqual(sealed)
    const leaf = '0'.repeat(64)
    expect(read({ headers: { ...headers, 'spanseal-leaf': leaf } })).toEqual(sealed)
    const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])
    expect(read({ headers: Object.fromEntries(bytes) as MessageHeaders })).toEqual(sealed)
  })

  test('of another log than those expected is malformed', () => {
    const reason = 'of a log that is not expected here'
    expect(read({}, ['localhost/other'])).toEqual({ malformed: reason })
  })

  test('that is not keyed by its epoch is malformed', () => {
    expect(read({ key: null })).toEqual({ malformed: 'no key' })
    expect(read({ key: Buffer.alloc(0) })).toEqual({ malformed: 'no key' })
    const other = { malformed: 'its key is not its epoch' }
    expect(read({ key: Buffer.from(anEpoch(2)) })).toEqual(other)
    expect(read({ key: Buffer.from([0xff]) })).toEqual(other)
    expect(read({ key: Buffer.alloc(1_000_000) })).toEqual(other)
  })

  test('whose headers contradict it is malformed', () => {
    const wrong: readonly (readonly [string, MessageHeaders[string]])[] = [
      ['spanseal-schema', 'record/2'],
      ['spanseal-schema', 'checkpoint/1'],
      ['spanseal-log', Buffer.from('localhost/other')],
      ['spanseal-epoch', anEpoch(2)],
      ['spanseal-seq', '03'],
      ['spanseal-seq', ['3', '3']],
    ]
    for (const [name, text] of wrong) {
      const malformed = `its header ${name} says otherwise`
      expect(read({ headers: { ...headers, [name]: text } })).toEqual({ malformed })
    }
  })
})
