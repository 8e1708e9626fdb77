// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BundleOpening } from './bundle/bundle.ts'
import { checkOpening } from './bundle/check-opening.ts'
import type { CommitKey, CommitKeys } from './commitment.ts'
import { commit, commitmentSalt } from './commitment.ts'
import type { EncodedValue } from './encode.ts'
import { digestEncoded, encodeArguments, encodeValue } from './encode.ts'
import { HmacKey } from './hmac.ts'
import { commitmentAt, openingOf } from './opening.ts'
import { encodingsOf } from './opening-value.ts'
import type { AuditRecord } from './record.ts'
import { minimalRecords } from './record-samples.fixture.ts'

const FIELDS = ['/detail/content', '/invocation/output'] as const
type Field = (typeof FIELDS)[number]

const aKey: fc.Arbitrary<CommitKey> = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => ({
    kid: Buffer.from(bytes.subarray(0, 8)).toString('hex'),
    key: new HmacKey(bytes),
  }))
const someKeys = fc
  .uniqueArray(aKey, { minLength: 1, maxLength: 5, selector: ({ kid }) => kid })
  .map((keys): CommitKeys => ({ keys: keys as [CommitKey, ...CommitKey[]] }))
const aValue: fc.Arbitrary<EncodedValue> = fc.oneof(
  fc.jsonValue().map(encodeValue),
  fc.uint8Array().map(encodeValue),
  fc.anything().map(encodeValue),
  fc.array(fc.jsonValue(), { maxLength: 3 }).map(encodeArguments),
)
const aSeq = fc.nat(1_000_000)

/** A record that commits to a value, and the opening of that. */
function aRecordOf(
  value: EncodedValue,
  seq: number,
  { field, keys }: { readonly field: Field; readonly keys: CommitKeys },
): { readonly record: AuditRecord; readonly opening: BundleOpening } {
  const { epoch } = minimalRecords()['tool.end'].chain
  const c = commit(digestEncoded(value), { epoch, seq, pointer: field }, keys)
  const isContent = field === '/detail/content'
  const base = isContent ? minimalRecords()['user.input'] : minimalRecords()['tool.end']
  const record = {
    ...base,
    chain: { ...base.chain, seq },
    ...(isContent ? { detail: { bytes: 0, content: c } } : {}),
    ...(isContent ? {} : { invocation: { ...minimalRecords()['tool.end'].invocation, output: c } }),
  } as unknown as AuditRecord
  const placed = commitmentAt(record, field)
  if (placed === undefined) throw new Error('the record commits nothing')
  return { record, opening: openingOf(placed, value.body, keys) }
}

function holds(record: AuditRecord, opening: BundleOpening): boolean {
  return 'commitment' in checkOpening(record, opening)
}

describe('an opening', () => {
  test('holds for its own record, and for no other value, place, record, field or salt', () => {
    const other = fc.tuple(aValue, aSeq, someKeys)
    fc.assert(
      fc.property(aValue, aSeq, someKeys, fc.constantFrom(...FIELDS), other, (...given) => {
        const [value, seq, keys, field, [value2, seq2, keys2]] = given
        const { record, opening } = aRecordOf(value, seq, { field, keys })
        expect(holds(record, opening)).toBe(true)
        const elsewhere = aRecordOf(value, seq2, { field, keys })
        expect(holds(elsewhere.record, opening)).toBe(seq === seq2)
        const ofOther = aRecordOf(value2, seq, { field, keys }).opening
        const isSame = ofOther.enc === opening.enc && ofOther.value === opening.value
        expect(holds(record, ofOther)).toBe(isSame)
        expect(holds(record, { ...opening, value: ofOther.value })).toBe(
          ofOther.value === opening.value,
        )
        const { opening: underOther } = aRecordOf(value, seq, { field, keys: keys2 })
        expect(holds(record, underOther)).toBe(underOther.salt === opening.salt)
        const moved = FIELDS.find((one) => one !== field) as Field
        expect(holds(record, { ...opening, field: moved })).toBe(false)
        expect(holds(aRecordOf(value, seq, { field: moved, keys }).record, opening)).toBe(false)
        const { salt: _, ...unsalted } = opening
        expect(holds(record, unsalted)).toBe(false)
      }),
    )
  })

  test('a changed bit of salt or value closes it', () => {
    const bit = fc.tuple(fc.nat(255), fc.nat(7))
    fc.assert(
      fc.property(aValue, someKeys, bit, (value, keys, [at, shift]) => {
        const { record, opening } = aRecordOf(value, 7, { field: '/invocation/output', keys })
        const salt = Buffer.from(opening.salt ?? '', 'hex')
        salt[at % 32] = (salt[at % 32] as number) ^ (1 << shift)
        expect(holds(record, { ...opening, salt: salt.toString('hex') })).toBe(false)
        const bytes = Buffer.from(opening.value, 'base64')
        if (bytes.length === 0) return
        const where = at % bytes.length
        bytes[where] = (bytes[where] as number) ^ (1 << shift)
        expect(holds(record, { ...opening, value: bytes.toString('base64') })).toBe(false)
      }),
    )
  })
})

describe('the salt of several data subjects', () => {
  test('needs every key, in any order, each once', () => {
    fc.assert(
      fc.property(someKeys, fc.nat(), aSeq, ({ keys }, pick, seq) => {
        const place = { epoch: 'e', seq, pointer: '/p' }
        const saltOf = (some: readonly CommitKey[]): string =>
          commitmentSalt(place, { keys: some as [CommitKey, ...CommitKey[]] })
        const whole = saltOf(keys)
        expect(saltOf([...keys].reverse())).toBe(whole)
        expect(saltOf([...keys, ...keys])).toBe(whole)
        const without = keys.filter((_, i) => i !== pick % keys.length)
        expect(without.length > 0 && saltOf(without)).not.toBe(whole)
      }),
    )
  })
})

/** What a file can hold: JSON has no -0. */
const aJsonValue = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))

test('a file is read as what was committed, however JSON is laid out', () => {
  fc.assert(
    fc.property(aJsonValue, fc.constantFrom(0, 2, '\t'), (value, indent) => {
      const encoded = encodeValue(value)
      const file =
        typeof value === 'string' && encoded.enc === 'text'
          ? value
          : JSON.stringify(value, null, indent)
      const read = encodingsOf(Buffer.from(file), encoded.enc)
      expect(read.map(digestEncoded).map(({ h }) => h)).toContain(digestEncoded(encoded).h)
    }),
  )
})
