// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Check digits and number ranges: what keeps order numbers and times from being taken for people. */

/** Luhn's check over a string of digits (ISO/IEC 7812-1, annex B). */
export function luhn(digits: string): boolean {
  let sum = 0
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits.charCodeAt(i) - 48
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return sum % 10 === 0
}

/** First digits → lengths: the ranges that card networks publish. */
const CARD_RANGES: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  [4000, 4999, [13, 16, 19]], // Visa
  [5100, 5599, [16]], // Mastercard
  [2221, 2720, [16]],
  [3400, 3499, [15]], // American Express
  [3700, 3799, [15]],
  [3000, 3059, [14]], // Diners Club
  [3095, 3095, [14]],
  [3600, 3699, [14, 16]],
  [3800, 3999, [14]],
  [6011, 6011, [16, 19]], // Discover
  [6440, 6599, [16, 19]],
  [3528, 3589, [16, 17, 18, 19]], // JCB
  [6200, 6299, [16, 17, 18, 19]], // UnionPay
  [2200, 2204, [16, 17, 18, 19]], // Mir
  [5018, 5018, [13, 14, 15, 16, 17, 18, 19]], // Maestro
  [5020, 5020, [13, 14, 15, 16, 17, 18, 19]],
  [5038, 5038, [13, 14, 15, 16, 17, 18, 19]],
  [5893, 5893, [13, 14, 15, 16, 17, 18, 19]],
  [6304, 6304, [13, 14, 15, 16, 17, 18, 19]],
  [6759, 6763, [13, 14, 15, 16, 17, 18, 19]],
  [6000, 6099, [16]], // RuPay
  [8172, 8172, [16]],
]

/** Whether digits are a card number by prefix, length and, if `checked`, Luhn's check. */
export function isCardNumber(digits: string, checked: boolean): boolean {
  const prefix = Number(digits.slice(0, 4))
  for (const [from, to, lengths] of CARD_RANGES) {
    if (prefix >= from && prefix <= to && lengths.includes(digits.length)) {
      return !checked || luhn(digits)
    }
  }
  return false
}

/** Whether nine digits are in the ranges the Social Security Administration assigns. */
export function isSsn(digits: string): boolean {
  const area = digits.slice(0, 3)
  if (area === '000' || area === '666' || area >= '900') return false
  return digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000'
}

/** Country → length of its IBANs (the registry of ISO 13616). */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  `AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18
   DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23
   IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27
   MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19
   SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30`
    .split(/\s+/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

/** How many characters the IBANs of a country have, 0 where there is no such country. */
export function ibanLength(country: string): number {
  return IBAN_LENGTHS.get(country.toUpperCase()) ?? 0
}

/** The check of ISO 7064 MOD 97-10 over an IBAN without separators. */
export function isIban(compact: string): boolean {
  const turned = (compact.slice(4) + compact.slice(0, 4)).toUpperCase()
  let remainder = 0
  for (let i = 0; i < turned.length; i++) {
    const code = turned.charCodeAt(i)
    const value = code <= 57 ? code - 48 : code - 55
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
  }
  return remainder === 1
}
