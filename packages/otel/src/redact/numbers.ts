// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Hit } from './characters.ts'
import { codeAt, isAlphanumeric, isDigit } from './characters.ts'
import { ibanLength, isCardNumber, isIban, isSsn } from './checked-digits.ts'
import type { WordsBefore } from './words-before.ts'

/**
 * Numbers that mean a person or an account. Each is looked for from the first digit of a group, over
 * at most {@link GROUPS_MAX} groups, so the cost is a constant for each group of digits.
 */

const GROUPS_MAX = 8
const SPACE = 0x20
const DASH = 0x2d
const DOT = 0x2e
const OPEN = 0x28
const CLOSE = 0x29
const PLUS = 0x2b
/** Stands for any separator with a parenthesis in it. */
const PARENTHESIS = 1

/** The groups of digits from one place on; one at a time is read, so they are kept here. */
const starts = new Int32Array(GROUPS_MAX)
const ends = new Int32Array(GROUPS_MAX)
/** The separator before a group; 0 before the first. */
const separators = new Int32Array(GROUPS_MAX)
let count = 0

/**
 * The number that begins with the group of digits [at, end) of `text`, if it is one to hide.
 * `words` answers for what stands before it.
 */
export function numberAt(
  text: string,
  { start: at, end }: { readonly start: number; readonly end: number },
  words: WordsBefore,
): Hit | undefined {
  const left = codeAt(text, at - 1)
  if (isAlphanumeric(left)) return ibanAt(text, at)
  readGroups(text, at, end)
  const code = end - at >= 3 && end - at <= 8 ? codeOf(text, at, words) : undefined
  if (code !== undefined || (count === 1 && end - at < 7)) return code
  return (
    ssnAt(text, words) ??
    internationalAt(text, left) ??
    cardAt(text, words) ??
    northAmericanAt(text, left) ??
    phoneByContext(text, words)
  )
}

function readGroups(text: string, at: number, firstEnd: number): void {
  starts[0] = at
  ends[0] = firstEnd
  separators[0] = 0
  count = 1
  while (count < GROUPS_MAX) {
    let i = ends[count - 1] as number
    let separator = 0
    for (let width = 0; width < 3; width++) {
      const code = codeAt(text, i)
      const plain = plainSeparator(code)
      if (plain === 0) break
      const parenthesis = plain === OPEN || plain === CLOSE
      if (width > 0 && !parenthesis && separator !== PARENTHESIS) break
      separator = parenthesis || separator === PARENTHESIS ? PARENTHESIS : plain
      i++
    }
    if (separator === 0 || !isDigit(codeAt(text, i))) return
    starts[count] = i
    while (isDigit(codeAt(text, i)) && i - (starts[count] as number) < 24) i++
    ends[count] = i
    separators[count] = separator
    count++
  }
}

function plainSeparator(code: number): number {
  if (code === SPACE || code === 0xa0 || code === 0x202f) return SPACE
  if (code === DASH || (code >= 0x2010 && code <= 0x2014)) return DASH
  if (code === DOT || code === OPEN || code === CLOSE) return code
  return 0
}

function size(group: number): number {
  return group < count ? (ends[group] as number) - (starts[group] as number) : 0
}

function digits(text: string, first: number, last: number): string {
  let all = ''
  for (let g = first; g <= last; g++) all += text.slice(starts[g], ends[g])
  return all
}

/** Whether the text ends well behind a group: no letter, and no further digits glued on by `-` or `.`. */
function closed(text: string, group: number): boolean {
  const end = ends[group] as number
  const code = codeAt(text, end)
  if (isAlphanumeric(code)) return false
  return !((code === DASH || code === DOT) && isDigit(codeAt(text, end + 1)))
}

function hit(start: number, group: number, kind: string): Hit {
  return { start, end: ends[group] as number, kind }
}

function ssnAt(text: string, words: WordsBefore): Hit | undefined {
  const start = starts[0] as number
  if (size(0) === 9) {
    const alone = closed(text, 0) && words.speakOf('ssn', start)
    return alone ? hit(start, 0, 'ssn') : undefined
  }
  if (count < 3 || size(2) !== 4 || size(0) + size(1) !== 5 || !closed(text, 2)) return undefined
  if (separators[1] !== separators[2]) return undefined
  if (separators[1] !== DASH && separators[1] !== SPACE) return undefined
  const valid = size(0) === 3 && isSsn(digits(text, 0, 2)) && !dashedOn(text, start)
  return valid || words.speakOf('ssn', start) ? hit(start, 2, 'ssn') : undefined
}

/** Whether digits and a dash stand before, as inside a longer number. */
function dashedOn(text: string, start: number): boolean {
  const code = codeAt(text, start - 1)
  return (code === DASH || code === DOT) && isDigit(codeAt(text, start - 2))
}

function cardAt(text: string, words: WordsBefore): Hit | undefined {
  const start = starts[0] as number
  if (size(0) >= 13) {
    const found = size(0) <= 19 && endsAlone(text, 0) && isCardNumber(digits(text, 0, 0), true)
    return found ? hit(start, 0, 'card') : undefined
  }
  if (count < 3 || size(0) !== 4) return undefined
  let total = 4
  let best: Hit | undefined
  for (let g = 1; g < count && total < 19; g++) {
    if (separators[g] !== separators[1] || separators[g] === PARENTHESIS) break
    total += size(g)
    if (total < 13 || total > 19 || !endsAlone(text, g) || !cardGroups(g)) continue
    const number = digits(text, 0, g)
    if (isCardNumber(number, true)) best = hit(start, g, 'card')
    else if (best === undefined && (total === 16 || total === 15) && isCardNumber(number, false)) {
      best = words.speakOf('card', start) ? hit(start, g, 'card') : undefined
    }
  }
  return best
}

function endsAlone(text: string, group: number): boolean {
  return !isAlphanumeric(codeAt(text, ends[group] as number))
}

/** 4-4-4-4 and on, with a shorter last group; 4-6-5 and 4-6-4. */
function cardGroups(last: number): boolean {
  if (last === 2 && size(1) === 6) return size(2) === 5 || size(2) === 4
  for (let g = 1; g < last; g++) if (size(g) !== 4) return false
  return size(last) <= 4
}

/** `+` and 8 to 15 digits; without separators at least 10, since `+12345678` is also a difference. */
function internationalAt(text: string, left: number): Hit | undefined {
  const start = starts[0] as number
  const plus =
    left === PLUS ? start - 1 : left === OPEN && codeAt(text, start - 2) === PLUS ? start - 2 : -1
  const doubleZero =
    plus < 0 && size(0) >= 3 && size(0) <= 5 && /^00[1-9]/.test(text.slice(start, start + 3))
  if (plus < 0 && !doubleZero) return undefined
  if (plus >= 0 && isAlphanumeric(codeAt(text, plus - 1))) return undefined
  const limit = plus >= 0 && size(0) === 1 && text[start] === '1' ? 11 : doubleZero ? 17 : 15
  let total = 0
  let last = -1
  for (let g = 0; g < count && total + size(g) <= limit; g++) {
    total += size(g)
    if (endsAlone(text, g)) last = g
  }
  if (last < 0) return undefined
  const length = digits(text, 0, last).length
  const enough = last === 0 ? 10 : doubleZero ? 12 : 8
  return length >= enough ? hit(plus >= 0 ? plus : start, last, 'phone') : undefined
}

/** `(555) 123-4567`, `555-123-4567`, `555.123.4567`, `555 123 4567`, each also behind a `1`. */
function northAmericanAt(text: string, left: number): Hit | undefined {
  const start = starts[0] as number
  const area = size(0) === 1 && text[start] === '1' ? 1 : 0
  if (size(area) !== 3 || size(area + 1) !== 3 || size(area + 2) !== 4) return undefined
  const first = codeAt(text, starts[area] as number)
  if (first < 0x32 || !closed(text, area + 2) || dashedOn(text, start)) return undefined
  const opened = area === 0 && left === OPEN
  const closes = area === 0 && separators[1] === PARENTHESIS
  if (closes && !opened) return undefined
  if (separators[area + 2] === PARENTHESIS) return undefined
  if (separators[area + 1] === SPACE && separators[area + 2] === SPACE && inTable(text, area)) {
    return undefined
  }
  return hit(closes ? start - 1 : start, area + 2, 'phone')
}

/** A row of numbers with spaces between them, as a table has, is no phone number. */
function inTable(text: string, area: number): boolean {
  const start = starts[0] as number
  if (size(area + 3) >= 3 && separators[area + 3] === SPACE) return true
  return (
    codeAt(text, start - 1) === SPACE &&
    /\d{3}$/.test(text.slice(Math.max(0, start - 4), start - 1))
  )
}

/** Behind a word such as "phone": 7 to 15 digits in any grouping that is no date. */
function phoneByContext(text: string, words: WordsBefore): Hit | undefined {
  let total = 0
  let last = -1
  for (let g = 0; g < count && total + size(g) <= 15; g++) {
    total += size(g)
    if (endsAlone(text, g)) last = g
  }
  if (last < 0) return undefined
  const number = digits(text, 0, last)
  if (number.length < 7 || dateLike(number)) return undefined
  const start = starts[0] as number
  if (!words.speakOf('phone', start)) return undefined
  return hit(codeAt(text, start - 1) === OPEN ? start - 1 : start, last, 'phone')
}

function dateLike(number: string): boolean {
  if (size(0) === 4 && size(1) === 2 && size(2) === 2) return true
  if (size(0) === 2 && size(1) === 2 && size(2) === 4) return true
  return /^(?:19|20)\d{6}(?:\d{6})?$/.test(number) && size(0) >= 8
}

/** `CVV 321`, `PIN: 1234`: three to eight digits directly behind the word. */
function codeOf(text: string, at: number, words: WordsBefore): Hit | undefined {
  const left = codeAt(text, at - 1)
  if (at > 0 && left !== SPACE && left !== 0x3a && left !== 0x23 && left !== 0x22) return undefined
  if (!endsAlone(text, 0) || !words.speakOf('code', at)) return undefined
  return hit(at, 0, 'secret')
}

/** Two letters stand before: maybe an IBAN, `DE89 3704 0044 0532 0130 00`. */
function ibanAt(text: string, at: number): Hit | undefined {
  const start = at - 2
  const length = ibanLength(text.slice(Math.max(0, start), at))
  if (length === 0 || isAlphanumeric(codeAt(text, start - 1))) return undefined
  let compact = ''
  let i = start
  while (compact.length < length) {
    const code = codeAt(text, i)
    if (isAlphanumeric(code)) compact += text[i]
    else if (plainSeparator(code) === 0 || plainSeparator(codeAt(text, i - 1)) !== 0)
      return undefined
    i++
  }
  if (isAlphanumeric(codeAt(text, i)) || !isIban(compact)) return undefined
  return { start, end: i, kind: 'iban' }
}
