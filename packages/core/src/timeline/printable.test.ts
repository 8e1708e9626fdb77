// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { fitText, padText, printable, printableJson, textColumns } from './printable.ts'

describe('printable', () => {
  it('leaves what people write as it is', () => {
    for (const text of ['plain ASCII ~', 'Käse, ñandú, Ελλάδα', '返金する', 'é', '👍 done']) {
      expect(printable(text)).toBe(text)
    }
  })

  it('shows what a terminal would act on as an escape', () => {
    expect(printable('a\u001b[2J\u0007b')).toBe('a\\u{1b}[2J\\u{7}b')
    expect(printable('\u009b31m')).toBe('\\u{9b}31m')
    expect(printable('line\nbreak\r\ttab\u007f')).toBe('line\\nbreak\\r\\ttab\\u{7f}')
    expect(printable('\u2028\u2029')).toBe('\\u{2028}\\u{2029}')
  })

  it('shows bidi overrides, isolates, tags, joiners and lone surrogates as escapes', () => {
    const hidden = ['\u202e', '\u2066', '\u200f', '\u061c', '\u200b', '\u200d', '\ufeff', '\u00ad']
    for (const char of [...hidden, '\u{e0041}', '\ud800', '\u3164', '\ufe0f']) {
      expect(printable(`a${char}b`)).toBe(`a\\u{${char.codePointAt(0)?.toString(16)}}b`)
    }
  })

  it('lets no pile of marks grow over the neighbouring lines', () => {
    expect(printable(`z${'\u0301'.repeat(4)}`)).toBe('z\u0301\u0301\\u{301}\\u{301}')
  })
})

describe('printableJson', () => {
  it('parses to the same value and holds nothing a terminal acts on', () => {
    const value = {
      'k\u202e': ['\u001b]0;x\u0007', '\u{e0041}', '\ud800', 'ok\nok', '\u009b'],
      n: 1,
    }
    for (const indent of [0, 2]) {
      const json = printableJson(value, indent)
      expect(JSON.parse(json)).toEqual(value)
      expect(json).not.toMatch(/[^\n\x20-\x7e]/)
    }
  })
})

describe('columns', () => {
  it('count two for wide characters and none for marks', () => {
    expect(textColumns('abc')).toBe(3)
    expect(textColumns('返金')).toBe(4)
    expect(textColumns('e\u0301')).toBe(1)
  })

  it('cut and fill to exactly what is asked', () => {
    expect(fitText('refund_order', 6)).toBe('refun…')
    expect(fitText('返金する', 5)).toBe('返金…')
    expect(fitText('返金する', 4)).toBe('返…')
    expect(fitText('abc', 0)).toBe('')
    expect(padText('ab', 4)).toBe('ab  ')
    expect(textColumns(padText('返金する', 6))).toBe(6)
  })
})
