// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'

import { mendName, mendText } from './mend.ts'

describe('mendText', () => {
  it('leaves a good text alone', () => {
    expect(mendText('line\nand tab\t, naïve 💡')).toEqual({
      text: 'line\nand tab\t, naïve 💡',
      flags: [],
    })
  })

  it('puts U+FFFD in place of half surrogate pairs', () => {
    expect(mendText('a\ud800b')).toEqual({ text: 'a\ufffdb', flags: ['malformed_text'] })
  })

  it('cuts between code points, counting the bytes of JSON', () => {
    expect(mendText('ab💡', 5)).toEqual({ text: 'ab', flags: ['cut'] })
    expect(mendText('ab💡', 6)).toEqual({ text: 'ab💡', flags: [] })
    expect(mendText('"\n\u0001x', 10)).toEqual({ text: '"\n\u0001', flags: ['cut'] })
    expect(mendText('é'.repeat(10), 7).text).toBe('ééé')
  })
})

describe('mendName', () => {
  it('lets no name break a line, colour a terminal or turn its direction', () => {
    expect(mendName('a\nb\u001b[31mc\u202ed\u2028e\u0085f')).toEqual({
      text: 'a\ufffdb\ufffd[31mc\ufffdd\ufffde\ufffdf',
      flags: ['control_characters'],
    })
  })

  it('cuts at 256 canonical bytes where nothing else is said', () => {
    expect(mendName('n'.repeat(300)).text).toHaveLength(256)
    expect(mendName('x'.repeat(9), 8)).toEqual({ text: 'x'.repeat(8), flags: ['cut'] })
  })

  it('says all that it did', () => {
    expect(mendName('\ud800\u0000xx', 7).flags).toEqual([
      'malformed_text',
      'control_characters',
      'cut',
    ])
  })
})
