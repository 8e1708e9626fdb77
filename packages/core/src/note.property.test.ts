// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCertificate } from './certificate.ts'
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { codeOf } from './error-code.fixture.ts'
import { noteSignedBy, parseNote, parseVkey, signNoteSync } from './note.ts'
import { aCertificate, aNamedKey, anEpochKey, LOG } from './signed-chain.fixture.ts'

const key = aNamedKey(LOG, 1)
const checkpoint = { origin: LOG, size: 1234, root: 'ab'.repeat(32) }

const signedNotes = fc.constantFrom(
  signNoteSync(formatCheckpoint(checkpoint), key),
  aCertificate(anEpochKey(3), key),
  signNoteSync('süß\n\n€\n', key),
)

/** Whether bytes are a note that `key` signed; a coded error or another answer is no. */
function isSigned(bytes: Uint8Array): boolean {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return false
  }
  let signed = false
  const code = codeOf(() => {
    signed = noteSignedBy(parseNote(text), key.note)
  })
  expect([undefined, 'MALFORMED_NOTE']).toContain(code)
  return signed
}

test('a note with one byte changed, left out or put in is not signed', () => {
  fc.assert(
    fc.property(signedNotes, fc.nat(), fc.integer({ min: 1, max: 255 }), (note, at, by) => {
      const bytes = Buffer.from(note)
      const i = at % bytes.length
      expect(isSigned(bytes)).toBe(true)
      const changed = Buffer.from(bytes)
      changed[i] = (changed[i] as number) ^ by
      expect(isSigned(changed)).toBe(false)
      expect(isSigned(Buffer.concat([bytes.subarray(0, i), bytes.subarray(i + 1)]))).toBe(false)
      const between = Buffer.concat([bytes.subarray(0, i), Buffer.of(by), bytes.subarray(i)])
      expect(isSigned(between)).toBe(false)
    }),
  )
})

const hostile = fc.oneof(
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
  fc
    .array(
      fc.constantFrom('\n', '\n\n', '— ', 'a ', 'AAAAAAAA', '=', '+', '01', LOG, 'spanseal/cert/1'),
    )
    .map((parts) => parts.join('')),
)

test('random texts are refused with a code, by every parser', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect([undefined, 'MALFORMED_NOTE']).toContain(codeOf(() => parseNote(text)))
      expect(codeOf(() => parseVkey(text))).toBe('MALFORMED_KEY')
      expect(codeOf(() => parseCheckpoint(text))).toBe('MALFORMED_CHECKPOINT')
      expect(codeOf(() => parseCertificate(text))).toBe('MALFORMED_CERTIFICATE')
    }),
  )
})

test('a checkpoint with one character changed is refused or another checkpoint', () => {
  const text = formatCheckpoint(checkpoint)
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (i, char) => {
      const changed = text.slice(0, i) + char + text.slice(i + 1)
      let parsed: unknown
      const code = codeOf(() => {
        parsed = parseCheckpoint(changed)
      })
      expect([undefined, 'MALFORMED_CHECKPOINT']).toContain(code)
      expect(isDeepStrictEqual(parsed, checkpoint)).toBe(changed === text)
    }),
  )
})

test('checkpoints come back as they were written', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, bytes) => {
      const written = { origin: LOG, size, root: Buffer.from(bytes).toString('hex') }
      expect(parseCheckpoint(formatCheckpoint(written))).toEqual(written)
    }),
  )
})
