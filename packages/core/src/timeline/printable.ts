// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * What a terminal may act on instead of showing: controls (C0, C1, DEL), formats (bidi overrides,
 * joiners, tags: Trojan Source, CVE-2021-42574), surrogates on their own, line and paragraph
 * separators, and what fonts leave out. Three marks in a row and more overlay the lines above.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?<=\p{M}{2})\p{M}/u
const UNPRINTABLE_ALL: RegExp = new RegExp(UNPRINTABLE.source, 'gu')
const ASCII_PRINTABLE = /^[\x20-\x7e]*$/
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * The text with every character that a terminal may act on, or not show, as `\u{…}` (`\n`, `\r` and
 * `\t` in their short form). One line; what it shows is what is there. Never throws.
 */
export function printable(text: string): string {
  if (ASCII_PRINTABLE.test(text)) return text
  return text.replace(
    UNPRINTABLE_ALL,
    (char) => SHORT_ESCAPES[char] ?? `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

/**
 * JSON of a value in which such characters are escaped as JSON escapes them: it parses to the same
 * value and is harmless on a terminal.
 *
 * @param indent spaces a level; 0 for one line
 */
export function printableJson(value: unknown, indent = 0): string {
  const json = JSON.stringify(value, null, indent)
  if (ASCII_PRINTABLE.test(json)) return json
  // Layout has LF only, and inside strings JSON.stringify has escaped it.
  return json.replace(UNPRINTABLE_ALL, (char) => (char === '\n' ? char : jsonEscape(char)))
}

function jsonEscape(char: string): string {
  return Array.from({ length: char.length }, (_, i) => {
    return `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`
  }).join('')
}

// East Asian wide and emoji take two columns: UAX #11, by script instead of by table.
const WIDE =
  /\p{Emoji_Presentation}|[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u
const MARK = /\p{M}/u

function columnsOf(char: string): number {
  if (MARK.test(char)) return 0
  return WIDE.test(char) ? 2 : 1
}

/** Terminal columns that a printable text takes. */
export function textColumns(text: string): number {
  if (ASCII_PRINTABLE.test(text)) return text.length
  let columns = 0
  for (const char of text) columns += columnsOf(char)
  return columns
}

/** The text cut to at most `columns`, the last of them `…` where something was cut. */
export function fitText(text: string, columns: number): string {
  if (textColumns(text) <= columns) return text
  let taken = ''
  let left = columns - 1
  for (const char of text) {
    left -= columnsOf(char)
    if (left < 0) break
    taken += char
  }
  return columns < 1 ? '' : `${taken}…`
}

/** The text, cut or filled up to exactly `columns`. */
export function padText(text: string, columns: number): string {
  const fitted = fitText(text, columns)
  return fitted + ' '.repeat(Math.max(0, columns - textColumns(fitted)))
}
