// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { codeOf } from './error-code.fixture.ts'
import { notesIn } from './note-file.ts'
import { aKey, anEpoch } from './verify/a-journal.fixture.ts'

const { notes, notesFile } = anEpoch().checkpoint(aKey('example.com/other', 9))

test('notes are found behind their lengths, and between empty lines, with any line ends', () => {
  expect(notesIn(notesFile.toString())).toEqual(notes)
  expect(notesIn(notes.join('\n\n'))).toEqual(notes)
  expect(notesIn(notes.join('').replaceAll('\n', '\r\n'))).toEqual(notes)
  expect(notesIn('')).toEqual([])
})

test('what is no note is refused, before, between and behind others', () => {
  const broken = (notes[0] as string).replace('— ', '- ')
  for (const text of [
    'nonsense',
    broken,
    `${notes.join('')}${broken}`,
    `${notes.join('')}more\n`,
  ]) {
    expect(codeOf(() => notesIn(text))).toBe('MALFORMED_NOTE')
  }
  const damaged = (notes[0] as string).replace(/.{4}\n$/, '!!!!\n')
  expect(codeOf(() => notesIn(damaged + notes.join('')))).toBe('MALFORMED_NOTE')
})
