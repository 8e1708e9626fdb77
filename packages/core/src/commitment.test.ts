// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { CommitKey, Commitment, CommitPlace } from './commitment.ts'
import {
  commit,
  commitmentSalt,
  commitmentText,
  keyedTag,
  openCommitment,
  plainCommitment,
  pseudonym,
} from './commitment.ts'
import { digestValue } from './encode.ts'
import { codeOf } from './error-code.fixture.ts'
import { HmacKey } from './hmac.ts'

const EPOCH = '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00'
const place: CommitPlace = { epoch: EPOCH, seq: 41, pointer: '/invocation/input' }
const eqBytes = Buffer.alloc(32, 0xee)
const eq = new HmacKey(eqBytes)

function aKey(fill: number): { bytes: Buffer; key: CommitKey } {
  const bytes = Buffer.alloc(32, fill)
  const kid = Buffer.alloc(8, fill).toString('hex')
  return { bytes, key: { kid, key: new HmacKey(bytes) } }
}

const period = aKey(1)
const alice = aKey(2)
const bob = aKey(3)
const value = { order: 'A-1', note: 'long enough to be compared' }
const json = '{"note":"long enough to be compared","order":"A-1"}'

/** The formulas of `spec/commitments.md`, with nothing of the implementation. */
function independently(
  enc: string,
  body: string,
  keys: readonly Buffer[],
  at: CommitPlace,
): string {
  const h = createHash('sha256').update(`${enc}\0${body}`).digest()
  const where = Buffer.from(`${at.epoch}\0${at.seq}\0${at.pointer}`)
  const salt = Buffer.alloc(32)
  for (const key of keys) {
    const one = createHmac('sha256', key).update('spanseal/salt/1\0').update(where).digest()
    for (let i = 0; i < 32; i++) salt[i] = (salt[i] as number) ^ (one[i] as number)
  }
  const all = Buffer.concat([Buffer.from('spanseal/commit/1\0'), salt, h, where])
  return createHash('sha256').update(all).digest('hex')
}

describe('commit', () => {
  test('under the period key', () => {
    const h = createHash('sha256').update(`json\0${json}`).digest()
    expect(commit(digestValue(value), place, { keys: [period.key], eq })).toEqual({
      alg: 'blinded-sha256',
      kid: '0101010101010101',
      enc: 'json',
      c: independently('json', json, [period.bytes], place),
      eq: createHmac('sha256', eqBytes)
        .update('spanseal/eq/1\0')
        .update(h)
        .digest('hex')
        .slice(0, 32),
    } satisfies Commitment)
  })

  test('under the keys of several data subjects', () => {
    const commitment = commit(digestValue(value), place, { keys: [alice.key, bob.key] })
    expect(commitment).toEqual({
      alg: 'blinded-sha256',
      kid: ['0202020202020202', '0303030303030303'],
      enc: 'json',
      c: independently('json', json, [alice.bytes, bob.bytes], place),
    })
    const swapped = commit(digestValue(value), place, { keys: [bob.key, alice.key] })
    expect(swapped.c).toBe(commitment.c)
  })

  test('a data subject named twice does not cancel the salt', () => {
    expect(commit(digestValue(value), place, { keys: [alice.key, alice.key] })).toEqual(
      commit(digestValue(value), place, { keys: [alice.key] }),
    )
    expect(commit(digestValue(value), place, { keys: [alice.key, bob.key, alice.key] })).toEqual(
      commit(digestValue(value), place, { keys: [alice.key, bob.key] }),
    )
  })

  test('another epoch, place, field, value or key gives another commitment', () => {
    const others = [
      commit(digestValue(value), place, { keys: [period.key] }),
      commit(
        digestValue(value),
        { ...place, epoch: EPOCH.replace('9f00', '9f01') },
        { keys: [period.key] },
      ),
      commit(digestValue(value), { ...place, seq: 42 }, { keys: [period.key] }),
      commit(
        digestValue(value),
        { ...place, pointer: '/invocation/output' },
        { keys: [period.key] },
      ),
      commit(digestValue(json), place, { keys: [period.key] }),
      commit(digestValue(Buffer.from(json)), place, { keys: [period.key] }),
      commit(digestValue(value), place, { keys: [alice.key] }),
    ]
    expect(new Set(others.map(({ c }) => c)).size).toBe(others.length)
  })

  test('eq is the same at every place, and left out where a value could be guessed or is partial', () => {
    const keys = { keys: [period.key], eq } as const
    const text = 'x'.repeat(32)
    const here = commit(digestValue(text), place, keys)
    expect(commit(digestValue(text), { ...place, seq: 1 }, keys)).toMatchObject({
      eq: (here as { eq: string }).eq,
    })
    expect(commit(digestValue(text.slice(1)), place, keys)).not.toHaveProperty('eq')
    expect(commit({ ...digestValue(text), partial: true }, place, keys)).toMatchObject({
      partial: true,
    })
    expect(commit({ ...digestValue(text), partial: true }, place, keys)).not.toHaveProperty('eq')
    expect(commit(digestValue(text), place, { keys: [alice.key] })).not.toHaveProperty('eq')
  })

  test('places of any length are hashed whole', () => {
    for (const length of [1, 500, 900, 1000, 5000, 3]) {
      const at = { ...place, pointer: `/${'p'.repeat(length)}` }
      expect(commit(digestValue(value), at, { keys: [period.key] }).c).toBe(
        independently('json', json, [period.bytes], at),
      )
    }
  })
})

describe('opening', () => {
  test('the disclosed salt gives the commitment at its own place only', () => {
    const digest = digestValue(value)
    for (const keys of [[period.key], [alice.key, bob.key]] as const) {
      const { c } = commit(digest, place, { keys })
      const salt = commitmentSalt(place, { keys })
      expect(openCommitment(digest.h, salt, place)).toBe(c)
      expect(openCommitment(digest.h, salt, { ...place, seq: 42 })).not.toBe(c)
      expect(openCommitment(digestValue(1).h, salt, place)).not.toBe(c)
    }
  })

  test('a salt or digest of another form is refused', () => {
    const { h } = digestValue(value)
    const salt = commitmentSalt(place, { keys: [period.key] })
    for (const bad of ['', salt.slice(2), `${salt}00`, salt.toUpperCase(), 'g'.repeat(64)]) {
      expect(codeOf(() => openCommitment(h, bad, place))).toBe('MALFORMED_RECORD')
      expect(codeOf(() => openCommitment(bad, salt, place))).toBe('MALFORMED_RECORD')
    }
  })
})

test('a plain commitment is the SHA-256 of the bytes alone', () => {
  const c = createHash('sha256').update('abc').digest('hex')
  expect(plainCommitment('text', 'abc')).toEqual({ alg: 'sha256', enc: 'text', c })
  expect(plainCommitment('bytes', Buffer.from('abc'), true)).toEqual({
    alg: 'sha256',
    enc: 'bytes',
    c,
    partial: true,
  })
})

test('as one string', () => {
  const c = 'c0'.repeat(32)
  const blinded = { alg: 'blinded-sha256', kid: '0101010101010101', enc: 'json', c } as const
  expect(commitmentText(blinded)).toBe(`blinded-sha256:0101010101010101:${c}`)
  expect(commitmentText({ ...blinded, kid: ['01', '02'] })).toBe(`blinded-sha256:01.02:${c}`)
  expect(commitmentText({ alg: 'sha256', enc: 'json', c })).toBe(`sha256:${c}`)
})

test('pseudonyms and tags are keyed and kept apart by kind', () => {
  const mac = createHmac('sha256', period.bytes).update('spanseal/pseudonym/1\0session\0é')
  expect(pseudonym('session', 'é', period.key)).toBe(
    `p1:0101010101010101:${mac.digest('hex').slice(0, 16)}`,
  )
  expect(pseudonym('conversation', 'é', period.key)).not.toBe(pseudonym('session', 'é', period.key))
  const tag = createHmac('sha256', eqBytes).update('spanseal/shape/1\0{a:s}').digest('hex')
  expect(keyedTag('shape', '{a:s}', eq)).toBe(tag.slice(0, 16))
  expect(keyedTag('fingerprint', '{a:s}', eq)).not.toBe(tag.slice(0, 16))
})
