// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { codeOf } from './error-code.fixture.ts'
import { formatVkey, noteSignedBy, parseNote, parseVkey, signNote, signNoteSync } from './note.ts'
import { aNamedKey } from './signed-chain.fixture.ts'

// The example of https://c2sp.org/signed-note and of Go's golang.org/x/mod/sumdb/note.
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const PETER_SAYS = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`

const key = aNamedKey('example.com/log', 1)
const text = 'one\n\ntwo\n'
const note = signNoteSync(text, key)
const other = aNamedKey('example.com/log', 2)

describe('verifier keys', () => {
  test('of others are read, and our own are written the same way', () => {
    const { name, keyId, publicKey } = parseVkey(PETER)
    expect([name, keyId, publicKey.length]).toEqual(['PeterNeumann', 'c74f20a3', 32])
    expect(formatVkey(name, publicKey)).toBe(PETER)
  })

  test.each([
    '',
    '+',
    '++',
    'PeterNeumann',
    PETER.replace('c74f20a3', 'c74f20a4'),
    PETER.replace('c74f20a3', 'C74F20A3'),
    PETER.replace('PeterNeumann', 'Peter Neumann'),
    PETER.replace('PeterNeumann', ''),
    PETER.replace('+ARpc', '+AhRpc'),
    PETER.replace('+ARpc', '+AhpC'),
    `${PETER}=`,
    `${PETER}\n`,
    ` ${PETER}`,
    PETER.slice(0, -4),
    `${'n'.repeat(600)}${PETER.slice(12)}`,
    'name+00000000+AQ==',
    'name+00000000+%%%%',
  ])('%j is none', (vkey) => {
    expect(codeOf(() => parseVkey(vkey))).toBe('MALFORMED_KEY')
  })
})

describe('notes', () => {
  test('of others are read and their signature holds', () => {
    const parsed = parseNote(PETER_SAYS)
    expect(parsed.text).toBe(PETER_SAYS.slice(0, PETER_SAYS.indexOf('\n\n') + 1))
    expect(noteSignedBy(parsed, parseVkey(PETER))).toBe(true)
  })

  test('are signed here and elsewhere alike', async () => {
    expect(await signNote(text, key)).toBe(note)
    expect(parseNote(note).text).toBe(text)
    expect(noteSignedBy(parseNote(note), key.note)).toBe(true)
  })

  test('are not signed by a key of the same name', () => {
    expect(noteSignedBy(parseNote(note), other.note)).toBe(false)
  })

  test('may carry signatures of others, known or not', () => {
    const [, line] = signNoteSync(text, other).split('\n\n— ')
    const cosigned = `${note}— ${line as string}— sigsum.org/witness ${'A'.repeat(200)}\n`
    expect(noteSignedBy(parseNote(cosigned), key.note)).toBe(true)
    expect(noteSignedBy(parseNote(cosigned), other.note)).toBe(true)
  })

  test('say a signature that is repeated once, and a wrong one behind it all the same', () => {
    const line = note.slice(note.lastIndexOf('\n\n') + 2)
    const repeated = note + line.repeat(60)
    expect(noteSignedBy(parseNote(repeated), key.note)).toBe(true)
    const wrong = signNoteSync('three\n', key).split('\n\n')[1] as string
    expect(noteSignedBy(parseNote(repeated + wrong + line), key.note)).toBe(false)
  })

  test('with a wrong signature beside the right one are not signed', () => {
    const wrong = signNoteSync('three\n', key).split('\n\n')[1] as string
    expect(noteSignedBy(parseNote(note + wrong), key.note)).toBe(false)
  })

  test.each<[string, string]>([
    ['nothing', ''],
    ['no signature', 'one\n'],
    ['nothing behind the blank line', 'one\n\n'],
    ['an empty line behind the blank line', 'one\n\n\n'],
    ['no LF at the end', note.slice(0, -1)],
    ['CR LF', note.replaceAll('\n', '\r\n')],
    ['a control character', note.replace('one', 'o\u0001e')],
    ['a tab', note.replace('one', 'o\te')],
    ['DEL', note.replace('one', 'o\u007fe')],
    ['half of a surrogate pair', note.replace('one', 'o\ud800e')],
    ['a hyphen for the dash', note.replace('—', '-')],
    ['a name with a plus', note.replace('— example', '— ex+ample')],
    ['two spaces', note.replace('— ', '—  ')],
    ['base64 with spare bits', note.replace(/.==\n$|.=\n$|.\n$/, '!\n')],
    ['base64url', `${text}\n— a ${'-_'.repeat(50)}\n`],
    ['a signature of four bytes', `${text}\n— a AAAAAA==\n`],
    ['unpadded base64', `${text}\n— a AAAAAAA\n`],
    ['a line that is no signature', `${note}more\n`],
    ['65 signatures', note + (note.split('\n\n').at(-1) as string).repeat(64)],
    ['over 64 KiB', `${'x'.repeat(65_536)}${note}`],
    ['over 64 KiB of UTF-8', `${'€'.repeat(22_000)}${note}`],
  ])('%s is refused', (_, malformed) => {
    expect(codeOf(() => parseNote(malformed))).toBe('MALFORMED_NOTE')
  })

  test.each(['', 'no LF', 'a\u0000b\n', '\ud800\n', 'x'.repeat(70_000)])(
    'the text %j cannot be signed',
    (unsignable) => {
      expect(codeOf(() => signNoteSync(unsignable, key))).toBe('MALFORMED_NOTE')
    },
  )
})
