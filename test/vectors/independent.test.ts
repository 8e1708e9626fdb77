// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash, createHmac, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import canonicalize from 'canonicalize'
import { describe, expect, test } from 'vitest'
import type {
  BlindingKeyVector,
  CanonicalVectors,
  CommitmentVectors,
  EncodedVector,
  JournalVectors,
  LineVectors,
  NoteVectors,
} from './stored-vectors.ts'
import { readFolder, readVectors } from './stored-vectors.ts'

/**
 * `vectors/` by other means: what `spec/` says, written a second time with node:crypto, another
 * canonicaliser and another run of ajv. Nothing of ours is imported here.
 */

function sha256(...parts: readonly (string | Uint8Array)[]): Buffer {
  const sha = createHash('sha256')
  for (const part of parts) sha.update(part)
  return sha.digest()
}

function hmac(keyHex: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const mac = createHmac('sha256', Buffer.from(keyHex, 'hex'))
  for (const part of parts) mac.update(part)
  return mac.digest()
}

test('canonical.json', () => {
  for (const { json, canonical } of readVectors<CanonicalVectors>('canonical.json').valid) {
    expect(canonicalize(JSON.parse(json))).toBe(canonical)
  }
})

describe('line.json', () => {
  const { valid, refused } = readVectors<LineVectors>('line.json')
  const schema = new URL('../../packages/core/schema/record-v1.schema.json', import.meta.url)
  const ajv = new Ajv2020({ strict: false })
  ajv.addKeyword({
    keyword: 'maxCanonicalBytes',
    validate: (max: number, value: unknown) => {
      const bytes = Buffer.byteLength(JSON.stringify(value))
      return typeof value === 'number' || bytes - (typeof value === 'string' ? 2 : 0) <= max
    },
  })
  const fitsSchema = ajv.compile(JSON.parse(readFileSync(schema, 'utf8')) as object)

  /** The first check that refuses a line, as `spec/record.md` orders them. */
  function refusedBy(bytes: Uint8Array): string | undefined {
    if (bytes.length > 65_535) return 'parse'
    let value: unknown
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
      value = JSON.parse(text)
    } catch {
      return 'parse'
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'parse'
    if (depthOf(value) > 16 || hasProto(value) || !isWellFormed(value)) return 'canonical'
    if (canonicalize(value) !== text) return 'canonical'
    return fitsSchema(value) ? undefined : 'schema'
  }

  test('valid lines are taken, with these lengths and leaves', () => {
    for (const { line, bytes, leaf } of valid) {
      const encoded = Buffer.from(line)
      expect(refusedBy(encoded)).toBeUndefined()
      expect(encoded.length).toBe(bytes)
      expect(sha256('\0', encoded).toString('hex')).toBe(leaf)
    }
  })

  test.each(refused)('$name is refused by the check $check', ({ check, line, hex }) => {
    expect(refusedBy(hex === undefined ? Buffer.from(line ?? '') : Buffer.from(hex, 'hex'))).toBe(
      check,
    )
  })
})

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto)
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isWellFormed(inner))
}

function commitment(
  h: Uint8Array,
  keys: readonly BlindingKeyVector[],
  place: { readonly epoch: string; readonly seq: number; readonly pointer: string },
): string {
  const at = `${place.epoch}\0${place.seq}\0${place.pointer}`
  const salts = keys.map(({ key }) => hmac(key, 'spanseal/salt/1\0', at))
  const salt = salts.reduce((all, one) => all.map((byte, i) => byte ^ (one[i] as number)) as Buffer)
  return sha256('spanseal/commit/1\0', salt, h, at).toString('hex')
}

describe('commitments.json', () => {
  const vectors = readVectors<CommitmentVectors>('commitments.json')
  const { period, eq, subjects } = vectors.keys
  const bodyOf = ({ text, hex }: EncodedVector['body']): Buffer =>
    text === undefined ? Buffer.from(hex ?? '', 'hex') : Buffer.from(text)

  test('digests are over encoding, zero and body', () => {
    for (const { enc, body, bytes, h } of [...vectors.values, ...vectors.arguments]) {
      expect(bodyOf(body)).toHaveLength(bytes)
      expect(sha256(`${enc}\0`, bodyOf(body)).toString('hex')).toBe(h)
    }
  })

  test('different values have different digests, the same value one', () => {
    const byDigest = Map.groupBy(vectors.values, ({ h }) => h)
    const shared = [...byDigest.values()].filter((same) => same.length > 1)
    expect(shared.map((same) => same.map(({ name }) => name))).toEqual([
      ['an object', 'the same object in another order'],
    ])
  })

  test('commitments are what the formulas give', () => {
    const named: Record<string, BlindingKeyVector> = { period, ...subjects }
    for (const { keys, place, commitment: made, opening, text } of vectors.commitments) {
      const h = Buffer.from(opening.h, 'hex')
      const under = keys
        .filter((name) => name !== 'eq')
        .map((name) => named[name] as BlindingKeyVector)
      expect(made.c).toBe(commitment(h, under, place))
      expect([made.kid].flat()).toEqual(under.map(({ kid }) => kid))
      const equal = hmac(eq.key, 'spanseal/eq/1\0', h).toString('hex').slice(0, 32)
      expect([undefined, equal]).toContain(made.eq)
      expect(text).toBe(`blinded-sha256:${[made.kid].flat().join('.')}:${made.c}`)
    }
    expect(
      vectors.commitments.filter(({ commitment: { eq: equal } }) => equal !== undefined).length,
    ).toBe(3)
  })

  test('pseudonyms and tags are what the formulas give', () => {
    for (const { kind, id, pseudonym } of vectors.pseudonyms) {
      const mac = hmac(period.key, `spanseal/pseudonym/1\0${kind}\0${id}`).toString('hex')
      expect(pseudonym).toBe(`p1:${period.kid}:${mac.slice(0, 16)}`)
    }
    for (const { tag, text, value } of vectors.tags) {
      const mac = hmac(eq.key, `spanseal/${tag}/1\0${text}`).toString('hex')
      expect(value).toBe(mac.slice(0, 16))
    }
    expect(vectors.plain.text).toBe(`sha256:${sha256('Order A-1').toString('hex')}`)
  })
})

/** Whether a C2SP note carries a good signature of the key, and no bad one. */
function isSigned(note: string, vkey: string): boolean {
  const [name, id, encoded] = vkey.split(/\+(?=[0-9a-f]{8}\+)|(?<=\+[0-9a-f]{8})\+/)
  const key = Buffer.from(encoded as string, 'base64').subarray(1)
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key])
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
  const end = note.lastIndexOf('\n\n')
  const text = note.slice(0, end + 1)
  const ours = note
    .slice(end + 2, -1)
    .split('\n')
    .map((line) => line.split(' '))
    .map(([, signer, blob]) => ({ signer, bytes: Buffer.from(blob as string, 'base64') }))
    .filter(({ signer, bytes }) => signer === name && bytes.toString('hex', 0, 4) === id)
  const good = ours.filter(({ bytes }) =>
    verify(null, Buffer.from(text), publicKey, bytes.subarray(4)),
  )
  return ours.length > 0 && good.length === ours.length
}

test('note.json', () => {
  const { key, notes } = readVectors<NoteVectors>('note.json')
  for (const { note, signed } of notes) expect(isSigned(note, key.vkey)).toBe(signed)
})

interface Parsed {
  readonly chain: { epoch: string; log: string; prev: string; seq: number }
  readonly detail?: { key?: { certs: string[]; vkey: string }; observed?: Observed[] }
  readonly invocation?: { input?: object; start?: string }
  readonly type: string
}

interface Observed {
  readonly epoch: string
  readonly leaf: string
  readonly size: number
  readonly torn?: { bytes: number; sha256: string }
}

/** RFC 6962 §2.1. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length <= 1) return leaves[0] ?? sha256()
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256('\u0001', treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

describe('journal/', () => {
  const vectors = readVectors<JournalVectors>('journal.json')
  const files = readFolder('journal')
  const epochs = [...new Set([...files.keys()].map((path) => path.split('/')[0] as string))].sort()

  /** The whole lines of an epoch, and what is behind the last. */
  function linesOf(epoch: string): { lines: string[]; torn: string } {
    const segments = [...files.keys()].filter((path) => path.startsWith(epoch)).sort()
    const text = segments
      .filter((path) => path.endsWith('.jsonl'))
      .map((path) => Buffer.from(files.get(path) as Uint8Array).toString())
      .join('')
    const lines = text.split('\n')
    return { torn: lines.pop() as string, lines }
  }

  function recordsOf(epoch: string): Parsed[] {
    return linesOf(epoch).lines.map((line) => JSON.parse(line) as Parsed)
  }

  function keyOf(epoch: string): { certs: string[]; vkey: string } {
    return recordsOf(epoch)[0]?.detail?.key ?? { certs: [], vkey: '' }
  }

  function notesOf(epoch: string): string[] {
    let rest = Buffer.from(files.get(`${epoch}/checkpoints`) as Uint8Array)
    const notes: string[] = []
    while (rest.length > 0) {
      const lf = rest.indexOf('\n')
      const end = lf + 1 + Number(rest.toString('latin1', 0, lf))
      notes.push(rest.toString('utf8', lf + 1, end))
      rest = rest.subarray(end)
    }
    return notes
  }

  test.each(epochs)('every record of %s names the hash of the one before it', (epoch) => {
    let prev = '0'.repeat(64)
    for (const [seq, line] of linesOf(epoch).lines.entries()) {
      expect((JSON.parse(line) as Parsed).chain).toEqual({ epoch, log: vectors.log, prev, seq })
      prev = sha256('\0', line).toString('hex')
    }
  })

  test.each(epochs)('the checkpoints of %s sign roots over its records', (epoch) => {
    const leaves = linesOf(epoch).lines.map((line) => sha256('\0', line))
    const { vkey } = keyOf(epoch)
    for (const note of notesOf(epoch)) {
      const [origin, size, root] = note.split('\n')
      expect(origin).toBe(`${vectors.log}/${epoch}`)
      expect(root).toBe(treeHash(leaves.slice(0, Number(size))).toString('base64'))
      expect(isSigned(note, vkey)).toBe(true)
    }
  })

  test.each(epochs)('tenant ← issuer ← %s', (epoch) => {
    const { certs, vkey } = keyOf(epoch)
    const [epochCert = '', issuerCert = ''] = certs
    expect(isSigned(issuerCert, vectors.pinned[0] as string)).toBe(true)
    expect(issuerCert.split('\n').slice(0, 4)).toEqual([
      'spanseal/cert/1',
      'issuer',
      vectors.log,
      vectors.issuer,
    ])
    expect(isSigned(epochCert, vectors.issuer)).toBe(true)
    expect(epochCert.split('\n').slice(0, 4)).toEqual([
      'spanseal/cert/1',
      'epoch',
      vectors.log,
      vkey,
    ])
    const key = Buffer.from(vkey.split('+').slice(2).join('+'), 'base64').subarray(1)
    const digest = sha256('spanseal/epoch/1\0', key)
    const bits = BigInt(`0x${digest.toString('hex')}`) >> 182n
    const id = BigInt(`0x${epoch.replaceAll('-', '')}`)
    expect((((id >> 64n) & 0xfffn) << 62n) | (id & ((1n << 62n) - 1n))).toBe(bits)
  })

  test('the second epoch observed the end of the first', () => {
    const [first = '', second = ''] = epochs
    const { lines, torn } = linesOf(first)
    expect(recordsOf(second)[0]?.detail?.observed).toEqual([
      {
        epoch: first,
        leaf: sha256('\0', lines.at(-1) ?? '').toString('hex'),
        size: lines.length,
        state: 'crashed',
        torn: { bytes: torn.length, sha256: sha256(torn).toString('hex') },
      },
    ])
  })

  test('an end has its start’s input, and every opening gives its commitment', () => {
    const records = new Map(
      epochs.flatMap((epoch) => recordsOf(epoch).map((one, seq) => [`${epoch}/${seq}`, one])),
    )
    const ends = [...records.values()].filter(({ type }) => type.endsWith('.end'))
    for (const { invocation } of ends) {
      expect(invocation?.input).toEqual(records.get(invocation?.start ?? '')?.invocation?.input)
    }
    for (const { record, field, enc, salt, bytes, c } of vectors.openings) {
      const [epoch = '', seq = ''] = record.split('/')
      const at = `${epoch}\0${seq}\0${field}`
      const h = sha256(`${enc}\0`, Buffer.from(bytes, 'base64'))
      expect(sha256('spanseal/commit/1\0', Buffer.from(salt, 'hex'), h, at).toString('hex')).toBe(c)
      const found = field
        .split('/')
        .slice(1)
        .reduce(
          (value, key) => (value as Record<string, unknown>)[key],
          records.get(record) as unknown,
        )
      expect(JSON.stringify(found)).toContain(`"c":"${c}"`)
    }
  })
})
