// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { digestEncoded, encodeArguments, encodeValue, StreamDigest } from './encode.ts'
import { commitmentsOf } from './opening.ts'
import { allEncodingsOf, encodingsOf } from './opening-value.ts'
import type { AuditRecord, EventType } from './record.ts'
import { completeRecords, EPOCH, minimalRecords } from './record-samples.fixture.ts'

describe('commitmentsOf', () => {
  const fields: Readonly<Record<EventType, readonly string[]>> = {
    'agent.handoff': ['/detail/summary'],
    'agent.output': ['/detail/content'],
    'agent.reasoning': ['/detail/plan', '/detail/text'],
    'authz.denied': ['/detail/reason'],
    'authz.granted': ['/detail/reason'],
    'breakglass.close': [],
    'breakglass.open': ['/detail/reason'],
    'epoch.close': [],
    'epoch.observed': [],
    'epoch.open': [],
    'erasure.done': ['/detail/reason'],
    gap: [],
    'task.end': ['/invocation/input', '/invocation/error/message', '/invocation/output'],
    'task.start': ['/invocation/input'],
    'tool.end': ['/invocation/input', '/invocation/error/message', '/invocation/output'],
    'tool.start': ['/invocation/input'],
    'user.input': ['/detail/content'],
  }

  test.each(Object.keys(fields) as EventType[])('finds every one of %s, cut ones too', (type) => {
    for (const records of completeRecords().slice(1)) {
      const found = commitmentsOf(records[type] as unknown as AuditRecord)
      expect(found.map(({ field }) => field)).toEqual(fields[type])
      for (const { field, place } of found) {
        // An end's input stands where its start's does.
        const seq = field === '/invocation/input' && type.endsWith('.end') ? 6 : 7
        expect(place).toEqual({ epoch: EPOCH, seq, pointer: field })
      }
    }
  })

  test('what users put into ext is none of ours', () => {
    const [{ 'user.input': record } = minimalRecords()] = completeRecords()
    const ext = { mine: { alg: 'sha256', c: 'c0'.repeat(32), enc: 'json' } }
    const withExt = { ...record, ext, detail: { bytes: 1, content: 'in clear' } }
    expect(commitmentsOf(withExt as unknown as AuditRecord)).toEqual([])
  })
})

describe('encodingsOf', () => {
  const hashes = (file: string | Uint8Array, enc: Parameters<typeof encodingsOf>[1]): string[] =>
    encodingsOf(Buffer.from(file as string), enc).map((encoded) => digestEncoded(encoded).h)
  const hashOf = (value: unknown): string => digestEncoded(encodeValue(value)).h

  test('bytes are taken as they are, a text with and without its last line feed', () => {
    expect(hashes(Buffer.from([0xff]), 'bytes')).toEqual([hashOf(Buffer.from([0xff]))])
    expect(hashes('a\n', 'text')).toEqual([hashOf('a\n'), hashOf('a')])
    expect(hashes(Buffer.from([0xff]), 'text')).toEqual([])
  })

  test('JSON is a value, its arguments or its items', () => {
    expect(hashes('[1, "a"]', 'json')).toEqual([hashOf([1, 'a'])])
    expect(hashes('[1, "a"]', 'args/1')).toEqual([digestEncoded(encodeArguments([1, 'a'])).h])
    const stream = new StreamDigest('items/1')
    stream.update(1)
    stream.update('a')
    expect(hashes('[1, "a"]', 'items/1')).toEqual([stream.end(true).h])
    expect(hashes('{"a":1}', 'args/1')).toEqual([])
    expect(hashes('no JSON', 'json')).toEqual([])
    // A text is never committed as JSON, and −0 is none.
    expect(hashes('"a"', 'json')).toEqual([])
    expect(hashes('-0', 'typed/1')).toEqual([hashOf(-0)])
  })

  test('a file stands for everything that it can be', () => {
    expect(allEncodingsOf(Buffer.from('[1]\n')).map(({ enc }) => enc)).toEqual([
      'bytes',
      'text',
      'text',
      'json',
      'args/1',
      'items/1',
    ])
  })
})

describe('StreamDigest', () => {
  test('keeps what passed where it is asked to, up to a size', () => {
    const kept = new StreamDigest(undefined, { keepBytesMax: 10 })
    const chunk = Buffer.from('abc')
    kept.update(chunk)
    chunk.fill('x')
    kept.update('def')
    expect(kept.kept).toBeUndefined()
    const { h } = kept.end(true)
    expect(kept.kept).toMatchObject({ enc: 'bytes', partial: false })
    expect(digestEncoded(kept.kept ?? encodeValue(0)).h).toBe(h)
    const large = new StreamDigest(undefined, { keepBytesMax: 5 })
    large.update('abcdef')
    large.end(true)
    expect(large.kept).toBeUndefined()
    const none = new StreamDigest()
    none.update('a')
    none.end(true)
    expect(none.kept).toBeUndefined()
  })
})
