// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** What the scanners ask about single characters (UTF-16 code units). A table: they ask often. */

const LETTER = 1
const DIGIT = 2
const BLANK = 4

const TABLE = new Uint8Array(128)
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code)
  if (/[A-Za-z]/.test(char)) TABLE[code] = LETTER
  if (/[0-9]/.test(char)) TABLE[code] = DIGIT
  if (/\s/.test(char)) TABLE[code] = BLANK
}

/** One place found in a text, `end` exclusive. */
export interface Hit {
  readonly start: number
  readonly end: number
  readonly kind: string
}

/** ASCII letters and digits only: a number beside Chinese text stands alone. */
export function isAlphanumeric(code: number): boolean {
  return code < 128 && ((TABLE[code] as number) & (LETTER | DIGIT)) !== 0
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

export function isLetter(code: number): boolean {
  return code < 128 && TABLE[code] === LETTER
}

/** Letters of the Latin blocks beyond ASCII, as in names. */
export function isLatinLetter(code: number): boolean {
  return code >= 0xc0 && code <= 0x24f && code !== 0xd7 && code !== 0xf7
}

export function isBlank(code: number): boolean {
  if (code < 128) return TABLE[code] === BLANK
  if (code < 0x1680) return code === 0xa0 || code === 0x85
  if (code >= 0x2000 && code <= 0x200a) return true
  return BLANKS.has(code)
}

/** The other white space of ECMAScript. */
const BLANKS = new Set([0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff])

/** The code at `at`, or -1 outside the text (which is neither letter nor digit). */
export function codeAt(text: string, at: number): number {
  return at >= 0 && at < text.length ? text.charCodeAt(at) : -1
}
