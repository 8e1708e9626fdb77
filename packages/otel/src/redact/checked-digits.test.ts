// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'

import { ibanLength, isCardNumber, isIban, isSsn, luhn } from './checked-digits.ts'

describe('check digits', () => {
  it('Luhn takes the example of ISO/IEC 7812-1 and no neighbour of it', () => {
    expect(luhn('79927398713')).toBe(true)
    for (const last of '012456789') expect(luhn(`7992739871${last}`)).toBe(false)
  })

  it('a card number needs a known prefix, its length and its check digit', () => {
    expect(isCardNumber('4111111111111111', true)).toBe(true)
    expect(isCardNumber('4111111111111112', true)).toBe(false)
    expect(isCardNumber('4111111111111112', false)).toBe(true)
    expect(isCardNumber('378282246310005', true)).toBe(true)
    expect(isCardNumber('3782822463100050', true)).toBe(false)
    expect(isCardNumber('1111111111111117', true)).toBe(false)
    expect(isCardNumber('0000000000000000', true)).toBe(false)
  })

  it('an IBAN passes MOD 97-10 whatever its case, and fails with two digits exchanged', () => {
    expect(isIban('GB29NWBK60161331926819')).toBe(true)
    expect(isIban('gb29nwbk60161331926819')).toBe(true)
    expect(isIban('GB29NWBK60161331926891')).toBe(false)
    expect(ibanLength('de')).toBe(22)
    expect(ibanLength('ZZ')).toBe(0)
  })

  it('Social Security numbers have areas, groups and serials that are never given out', () => {
    expect(isSsn('219099999')).toBe(true)
    for (const never of ['000123456', '666123456', '900123456', '123004567', '123450000']) {
      expect(isSsn(never)).toBe(false)
    }
  })
})
