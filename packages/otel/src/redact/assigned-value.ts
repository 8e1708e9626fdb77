// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { codeAt, isBlank } from './characters.ts'

/** Where the value of an assignment inside a text begins and ends. */
type Range = readonly [start: number, end: number]

const BLANKS_MAX = 4
const BACKSLASHES_MAX = 8
/** Structures behind a secret name are followed this far, then everything is taken. */
const STRUCTURE_CHARS_MAX = 16_384

/** What stands where a value would and is none. */
const NO_VALUES = new Set(
  `null|undefined|true|false|none|nil|nan|required|missing|invalid|expired|denied|granted|pending
   string|number|boolean|object|any|str|int|bool|optional|empty|unset|redacted|hidden|masked|***`
    .split(/\s*\|\s*|\n/)
    .map((word) => word.trim()),
)
const MARKER = '[REDACTED:'
const SCHEME =
  /(?:bearer|basic|digest|token|apikey|negotiate|ntlm|oauth|hawk|aws4-hmac-sha256|key)\s/iy

/**
 * The range of the value that begins at or shortly behind `at`, or undefined where there is none.
 *
 * Quoted: to the matching quote, with as many backslashes before it as the opening one has.
 * A list or object: to its closing bracket. `header`: to the end of the line, where cookies stand or
 * a scheme is named. Else to the next blank, quote, or separator that a name and `=` or `:` follow.
 */
export function valueFrom(text: string, at: number, header: boolean): Range | undefined {
  let start = at
  while (start - at < BLANKS_MAX && isSkipped(text, start)) start++
  if (text.startsWith('%20', start)) start += 3
  if (text.startsWith(MARKER, start)) return undefined
  let backslashes = 0
  while (backslashes < BACKSLASHES_MAX && codeAt(text, start + backslashes) === 0x5c) backslashes++
  const quote = text[start + backslashes]
  let range: Range
  if (quote === '"' || quote === "'" || quote === '`') {
    const from = start + backslashes + 1
    range = [from, closingQuote(text, from, { quote, backslashes })]
  } else if (text.startsWith('%22', start)) {
    range = [start + 3, encodedEnd(text, start + 3)]
  } else if (text[start] === '{' || text[start] === '[') {
    range = [start, structureEnd(text, start)]
  } else if (header && goesToLineEnd(text, start)) {
    range = [start, lineEnd(text, start)]
  } else {
    range = [start, wordEnd(text, start)]
  }
  return isValue(text, range) ? range : undefined
}

/** Blanks but line breaks, and the second half of `==`, `=>`, `:=`. */
function isSkipped(text: string, at: number): boolean {
  const code = codeAt(text, at)
  if (code === 0x0a || code === 0x0d) return false
  return isBlank(code) || code === 0x3d || code === 0x3e
}

function isValue(text: string, [start, end]: Range): boolean {
  if (end <= start) return false
  if (end - start > 16) return true
  const word = text.slice(start, end).toLowerCase()
  if (NO_VALUES.has(word) || word.startsWith(MARKER.toLowerCase())) return false
  return !/^(?:[*•.\-_]+|x{3,})$/.test(word)
}

function closingQuote(
  text: string,
  from: number,
  { quote, backslashes }: { readonly quote: string; readonly backslashes: number },
): number {
  let at = text.indexOf(quote, from)
  while (at >= 0) {
    let before = 0
    while (before < BACKSLASHES_MAX * 2 && at - before > from && text[at - 1 - before] === '\\')
      before++
    const closes = backslashes === 0 ? before % 2 === 0 : before === backslashes
    if (closes) return at - backslashes
    // Fewer backslashes than the opening quote had: the text around it ends here.
    if (before < backslashes) return at - before
    at = text.indexOf(quote, at + 1)
  }
  return text.length
}

function encodedEnd(text: string, from: number): number {
  ENCODED_END.lastIndex = from
  return ENCODED_END.test(text) ? ENCODED_END.lastIndex - 1 : text.length
}

// The look-ahead keeps what ends the value out; one character is taken so that lastIndex moves.
const ENCODED_END = /(?=%22|%26|%2C|%7D|%0A|[\s"'&])[^]/gi

/** The end of `{…}` or `[…]`, quotes respected. */
function structureEnd(text: string, start: number): number {
  let depth = 0
  let quoted = false
  const limit = Math.min(text.length, start + STRUCTURE_CHARS_MAX)
  for (let i = start; i < limit; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x5c) i++
    else if (code === 0x22) quoted = !quoted
    else if (!quoted && (code === 0x7b || code === 0x5b)) depth++
    else if (!quoted && (code === 0x7d || code === 0x5d) && --depth === 0) return i + 1
  }
  return text.length
}

function goesToLineEnd(text: string, start: number): boolean {
  SCHEME.lastIndex = start
  if (SCHEME.test(text)) return true
  const end = wordEnd(text, start)
  return text.slice(start, Math.min(end, start + 256)).includes('=')
}

function lineEnd(text: string, start: number): number {
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x0a || code === 0x0d || code === 0x5c) return i
    if (code === 0x22 && codeAt(text, i - 1) !== 0x3d && !opensParameter(text, i)) return i
    if (code === 0x27 || code === 0x60) return i
  }
  return text.length
}

/** The closing quote of `name="value"` inside a Digest header: more parameters follow. */
function opensParameter(text: string, at: number): boolean {
  return codeAt(text, at + 1) === 0x2c && codeAt(text, at + 2) === 0x20
}

const NEXT_NAME = /[,;&]\s{0,2}["']?[A-Za-z_][\w.-]{0,31}["']?\s{0,2}[=:]/y

function wordEnd(text: string, start: number): number {
  let i = start
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isBlank(code) || code === 0x22 || code === 0x27 || code === 0x60) break
    if (code === 0x3c || code === 0x3e || (code === 0x5c && /[\\"'nrt]/.test(text[i + 1] ?? '')))
      break
    if (code === 0x2c || code === 0x3b || code === 0x26) {
      const next = codeAt(text, i + 1)
      if (next < 0 || isBlank(next) || next === 0x22 || next === 0x27) break
      NEXT_NAME.lastIndex = i
      if (NEXT_NAME.test(text)) break
    }
    if (text.startsWith(MARKER, i)) break
  }
  while (i > start && /[)\]}]/.test(text[i - 1] as string)) i--
  return i
}
