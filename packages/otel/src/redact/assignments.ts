// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { valueFrom } from './assigned-value.ts'
import type { Hit } from './characters.ts'
import { codeAt, isAlphanumeric, isBlank, isDigit, isLatinLetter, isLetter } from './characters.ts'
import type { SecretKeyTest } from './key-names.ts'

/**
 * Names and values inside a text: `password=x`, `"apiKey": "x"` (quoted, escaped or URL-encoded),
 * `Authorization: Bearer x`, `?sig=x`, `--token x`, `the password is x1`. Names are judged by the
 * same test as keys of objects.
 */

const NAME_CHARS_MAX = 64
const BACKSLASHES_MAX = 8

/** Secret only as a parameter of a URL. */
const QUERY_NAMES = new Set([
  'key',
  'sig',
  'signature',
  'code',
  'hmac',
  'x-amz-signature',
  'x-amz-security-token',
  'x-amz-credential',
  'x-goog-signature',
  'x-goog-credential',
])
const QUERY_VALUE_CHARS_MIN = 8
/** Last words of names that are written with spaces: "API key:", "Card number:". */
const LATER_WORDS = new Set([
  'key',
  'keys',
  'number',
  'no',
  'code',
  'word',
  'card',
  'phrase',
  'id',
  'security',
  'pin',
])
/** Names whose value has a digit, if it is one: "credit card: declined" says nothing. */
const NUMERIC_NAME =
  /(?:card|ssn|social|cvv|cvc|csc|pin|otp|account|routing|iban|tax|passport|credential|creds|(?:code|number|no|id))s?$/i
/** A number stands this near, or none does; an amount of money is another. */
const NUMERIC_CHARS = 64
const NUMBER = /^[^$€£¥]*\d/
const HEADER_NAME = /(?:authorization|cookie)$/i
/** "unexpected token: x" speaks of a parser. */
const PARSER_WORDS = /\b(?:unexpected|invalid|unknown|illegal|bad|next|missing|expected)\s+token$/i

/** The value behind the `:` or `=` at `at` (or `%3A`, `%3D`, `width` 3), if its name is secret. */
export function assignedAt(
  text: string,
  at: number,
  options: { readonly width: number; readonly isSecret: SecretKeyTest },
): Hit | undefined {
  const nameEnd = endOfName(text, at)
  const nameStart = startOfName(text, nameEnd)
  if (nameStart === nameEnd) return undefined
  const name = text.slice(nameStart, nameEnd)
  const secret = options.isSecret(name) || withEarlierWords(text, nameStart, { name, ...options })
  const query = !secret && isQueryName(text, nameStart, name)
  if (!secret && !query) return undefined
  // What refuses comes first: following a value is what costs.
  const numeric = NUMERIC_NAME.test(name)
  if (numeric && !NUMBER.test(text.slice(at, at + NUMERIC_CHARS))) return undefined
  if (
    codeAt(text, at + 1) === 0x20 &&
    PARSER_WORDS.test(text.slice(Math.max(0, nameEnd - 24), nameEnd))
  ) {
    return undefined
  }
  const value = valueFrom(text, at + options.width, HEADER_NAME.test(name))
  if (value === undefined) return undefined
  const [start] = value
  const end = numeric ? withFurtherGroups(text, value[1]) : value[1]
  if (query && end - start < QUERY_VALUE_CHARS_MIN) return undefined
  return { start, end, kind: HEADER_NAME.test(name) ? 'authorization' : 'secret' }
}

/** `Account number: 1234 5678 90`: the groups behind the first. */
function withFurtherGroups(text: string, end: number): number {
  if (!isDigit(codeAt(text, end - 1))) return end
  FURTHER_GROUPS.lastIndex = end
  return FURTHER_GROUPS.test(text) ? FURTHER_GROUPS.lastIndex : end
}

const FURTHER_GROUPS = /(?:[ -]\d{2,6}(?![\w])){1,7}/y

/** Back over blanks, a quote with its backslashes, and a bracket: `obj["name"] =`. */
function endOfName(text: string, at: number): number {
  const last = codeAt(text, at - 1)
  if (last === 0x32 && text.startsWith('%22', at - 3)) return at - 3
  if (isNameCharacter(last)) return at
  if (last === 0x22 && isNameCharacter(codeAt(text, at - 2))) return at - 1
  let i = at
  while (at - i < 3 && isBlank(codeAt(text, i - 1))) i--
  const code = codeAt(text, i - 1)
  if (code === 0x3a || code === 0x5d || code === 0x3f || code === 0x21) i--
  if (isQuote(codeAt(text, i - 1))) {
    i--
    for (let n = 0; n < BACKSLASHES_MAX && codeAt(text, i - 1) === 0x5c; n++) i--
  }
  return i
}

function startOfName(text: string, end: number): number {
  let i = end
  const limit = Math.max(0, end - NAME_CHARS_MAX)
  while (i > limit && NAME_CHARACTERS[text.charCodeAt(i - 1)] === 1) i--
  // `%22password%22`: the digits of a percent sign belong to no name.
  if (codeAt(text, i - 1) === 0x25) i = Math.min(end, i + 2)
  return i
}

/** Letters (of Latin beyond ASCII too), digits and `_`, `-`, `.`, `$`; for every UTF-16 code unit. */
const NAME_CHARACTERS = new Uint8Array(65_536)
for (let code = 0; code < 0x250; code++) {
  const punctuation = code === 0x5f || code === 0x2d || code === 0x2e || code === 0x24
  if (isAlphanumeric(code) || isLatinLetter(code) || punctuation) NAME_CHARACTERS[code] = 1
}

function isNameCharacter(code: number): boolean {
  return code >= 0 && NAME_CHARACTERS[code] === 1
}

export function isQuote(code: number): boolean {
  return code === 0x22 || code === 0x27 || code === 0x60
}

/** "API key", "credit card number": the name and up to two words before it. */
function withEarlierWords(
  text: string,
  nameStart: number,
  { name, isSecret }: { readonly name: string; readonly isSecret: SecretKeyTest },
): boolean {
  if (name.length > 9 || codeAt(text, nameStart - 1) !== 0x20) return false
  if (!LATER_WORDS.has(name.toLowerCase())) return false
  const before = text.slice(Math.max(0, nameStart - 32), nameStart - 1)
  const words = /(?:([A-Za-z]{1,16}) )?([A-Za-z]{1,16})$/.exec(before)
  if (words === null) return false
  if (isSecret(`${words[2] as string} ${name}`)) return true
  return words[1] !== undefined && isSecret(`${words[1]} ${words[2] as string} ${name}`)
}

function isQueryName(text: string, nameStart: number, name: string): boolean {
  const before = codeAt(text, nameStart - 1)
  return (before === 0x3f || before === 0x26) && QUERY_NAMES.has(name.toLowerCase())
}

/** The value behind `--name` (a space, since `--name=` is an assignment), if the name is secret. */
export function flagAt(text: string, at: number, isSecret: SecretKeyTest): Hit | undefined {
  if (isAlphanumeric(codeAt(text, at - 1)) || !isLetter(codeAt(text, at + 2))) return undefined
  let end = at + 2
  while (end - at < NAME_CHARS_MAX && isNameCharacter(codeAt(text, end))) end++
  if (codeAt(text, end) !== 0x20 || codeAt(text, end + 1) === 0x2d) return undefined
  if (!isSecret(text.slice(at + 2, end))) return undefined
  const value = valueFrom(text, end + 1, false)
  return value === undefined ? undefined : { start: value[0], end: value[1], kind: 'secret' }
}

const SENTENCE_CHARS = 64
const SENTENCE_HINT = /pass|pwd|pin|secret|token|key|cred|code/i
const SENTENCE_NAME =
  /(?:^|[^\p{L}])(?:(?:api|access|secret|private|signing) key|token|(?:pin |pass ?|security |verification )code|pin|password|passwd|passphrase|pwd|secret|credentials?)(?:\s[^.:;\n]{0,40})?$/iu
const ADJACENT_NAME =
  /(?:^|[^\p{L}])(?:(?:api|access|secret|private|signing) (?:key|token)|token|(?:pin |pass ?|security |verification )code|pin|password|passwd|passphrase|pwd|secret|credentials?)$/iu

/**
 * A value in a sentence: `the password is hunter2`, `password for the system was 'x'`. `at` is
 * where the value's blank stands. Without quotes only what looks chosen is a value: four and more
 * characters with a digit or a sign among them.
 */
export function saidAt(text: string, at: number): Hit | undefined {
  let from = at
  while (from - at < 3 && isBlank(codeAt(text, from))) from++
  const before = text.slice(Math.max(0, at - SENTENCE_CHARS), at).replace(/\s(?:is|was)$/, '')
  const sentence = before.slice(before.lastIndexOf(']') + 1)
  if (!SENTENCE_HINT.test(sentence) || !SENTENCE_NAME.test(sentence)) return undefined
  const adjacent = ADJACENT_NAME.test(sentence)
  const quoted = isQuote(codeAt(text, from))
  if (!quoted && before.length === Math.min(at, SENTENCE_CHARS)) return undefined
  const value = valueFrom(text, from, false)
  if (value === undefined) return undefined
  const [start, end] = value
  const word = text.slice(start, Math.min(end, start + 256))
  const chosen = word.length >= 4 && (/[0-9]/.test(word) || /[a-z][#@!$%^&*_+~][\w#]/i.test(word))
  if (!(quoted && adjacent) && !chosen) return undefined
  return { start, end: quoted ? end : withoutStop(text, start, end), kind: 'secret' }
}

/** A sentence's full stop or bracket is not part of the value. */
function withoutStop(text: string, start: number, end: number): number {
  let i = end
  while (
    i > start + 1 &&
    !isAlphanumeric(codeAt(text, i - 1)) &&
    /[.,;:!?)]/.test(text[i - 1] as string)
  )
    i--
  return isDigit(codeAt(text, end - 1)) ? end : i
}
