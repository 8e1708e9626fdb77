// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { emailAt, ipv4At, ipv6At, userinfoAt } from './addresses.ts'
import { assignedAt, flagAt, saidAt } from './assignments.ts'
import type { Hit } from './characters.ts'
import { codeAt, isBlank, isDigit } from './characters.ts'
import { credentialInRun, privateKeyAt, RUN_CHARS_MIN, schemeAt } from './credentials.ts'
import type { SecretKeyTest } from './key-names.ts'
import { isSecretKey } from './key-names.ts'
import { numberAt } from './numbers.ts'
import { WordsBefore } from './words-before.ts'

/** What the built-in patterns find, as it stands in `[REDACTED:<kind>]`. */
export const PATTERN_KINDS = [
  'api_key',
  'authorization',
  'card',
  'email',
  'iban',
  'ip_address',
  'jwt',
  'phone',
  'private_key',
  'secret',
  'ssn',
  'userinfo',
] as const
export type PatternKind = (typeof PATTERN_KINDS)[number]

export interface ScanOptions {
  /** Judges names inside the text; default the built-in list. */
  readonly isSecret?: SecretKeyTest
  /** Find IP addresses too; default false, since traces are read by them. */
  readonly ipAddresses?: boolean
  /** What stands before the text, such as the key that it is the value of. */
  readonly before?: string
}

/** Ordinary texts stay below one: a value is followed once and seldom lies in another. */
const VALUE_CHARS_RATIO = 8
const NONE: readonly Hit[] = []
export const MARKER_START = '[REDACTED:'
const MARKER = /\[REDACTED:[a-z][a-z0-9_]{0,31}\]/y

// What a character can begin. Anything below RUN_LAST goes on with a run of letters and the like.
const LETTER = 1
const NUMERAL = 2
const HYPHEN = 3
const VERB = 4 // "is", "was"
const SCHEME = 5 // "Bearer", "Basic"
const RUN_LAST = 5
const AT = 6
const ASSIGN = 7
const PERCENT = 8
const BRACKET = 9
const QUOTE = 10

// For every UTF-16 code unit, so that the loop has one look-up and no comparison.
const CLASSES = new Uint8Array(65_536)
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code)
  if (/[A-Za-z_]/.test(char)) CLASSES[code] = LETTER
  if (/[0-9]/.test(char)) CLASSES[code] = NUMERAL
}
for (const [chars, kind] of [
  ['-', HYPHEN],
  ['iw', VERB],
  ['bB', SCHEME],
  ['@', AT],
  [':=', ASSIGN],
  ['%', PERCENT],
  ['[', BRACKET],
  ['\'"`', QUOTE],
] as const) {
  for (const char of chars) CLASSES[char.charCodeAt(0)] = kind
}

/**
 * Everything in `text` that a built-in pattern takes for a secret or for personal data, in no order
 * and possibly overlapping. One pass over the characters; each place that could begin something is
 * looked at over a bounded stretch, so the cost grows with the length and not faster. Never throws.
 */
export function findSensitive(text: string, options: ScanOptions = {}): readonly Hit[] {
  return text.length < 3 ? NONE : new Scan(text, options).run()
}

class Scan {
  readonly #text: string
  readonly #isSecret: SecretKeyTest
  readonly #ipAddresses: boolean
  readonly #words: WordsBefore
  #hits: Hit[] | undefined
  /** Where the present run of letters, digits, `_` and `-` began. */
  #runStart = 0
  /** Digits before this place belong to a number that was found. */
  #numbersEnd = 0
  /** How many characters of values may still be followed. Values can lie in values. */
  #valueChars: number

  constructor(text: string, options: ScanOptions) {
    this.#text = text
    this.#valueChars = VALUE_CHARS_RATIO * text.length
    this.#isSecret = options.isSecret ?? isSecretKey
    this.#ipAddresses = options.ipAddresses === true
    this.#words = new WordsBefore(text, options.before ?? '')
  }

  run(): readonly Hit[] {
    const text = this.#text
    const { length } = text
    let i = 0
    while (i < length) {
      const kind = CLASSES[text.charCodeAt(i)] as number
      if (kind === LETTER) i++
      else if (kind !== 0 && kind <= RUN_LAST) i = this.#inRun(kind, i)
      else {
        if (i - this.#runStart >= RUN_CHARS_MIN) this.#endRun(i)
        i = kind === 0 ? i + 1 : this.#outsideRun(kind, i)
        this.#runStart = i
      }
    }
    if (length - this.#runStart >= RUN_CHARS_MIN) this.#endRun(length)
    return this.#hits ?? NONE
  }

  #add(hit: Hit | undefined): hit is Hit {
    if (hit === undefined) return false
    this.#hits ??= []
    this.#hits.push(hit)
    return true
  }

  /**
   * What lies in a value is still looked at, since it can reach further than the value. A text made
   * of values in values would cost its square: where that much was followed, the rest is taken whole.
   */
  #addValue(hit: Hit | undefined): void {
    if (!this.#add(hit)) return
    this.#valueChars -= hit.end - hit.start
    if (this.#valueChars <= 0) this.#add({ ...hit, end: this.#text.length })
  }

  #endRun(end: number): void {
    this.#add(credentialInRun(this.#text, this.#runStart, end))
  }

  /** Something that may begin inside a run, which goes on: a credential around it is still found. */
  #inRun(kind: number, at: number): number {
    if (kind === NUMERAL) return this.#number(at)
    if (kind === HYPHEN) return this.#hyphens(at)
    if (kind === SCHEME) this.#add(schemeAt(this.#text, at))
    else this.#verb(at)
    return at + 1
  }

  #number(at: number): number {
    const text = this.#text
    let end = at + 1
    while (isDigit(codeAt(text, end))) end++
    if (at >= this.#numbersEnd) {
      const hit = numberAt(text, { start: at, end }, this.#words)
      if (this.#add(hit)) this.#numbersEnd = hit.end
      else if (this.#ipAddresses) this.#add(ipv4At(text, at))
    }
    return end
  }

  /** A row of hyphens: a block begins with the last five, a flag with the last two. */
  #hyphens(at: number): number {
    const text = this.#text
    let end = at + 1
    while (codeAt(text, end) === 0x2d) end++
    if (end - at >= 5) {
      const block = privateKeyAt(text, end - 5)
      if (this.#add(block)) {
        this.#runStart = block.end
        return block.end
      }
    }
    if (end - at >= 2 && this.#valueChars > 0) {
      this.#addValue(flagAt(text, end - 2, this.#isSecret))
    }
    return end
  }

  #verb(at: number): void {
    const text = this.#text
    if (!isBlank(codeAt(text, at - 1))) return
    const width = text.startsWith('is', at) ? 2 : text.startsWith('was', at) ? 3 : 0
    if (width > 0 && isBlank(codeAt(text, at + width))) {
      this.#add(saidAt(text, at + width))
    }
  }

  /** What stands between runs; returns where to go on. */
  #outsideRun(kind: number, at: number): number {
    const text = this.#text
    switch (kind) {
      case AT: {
        const email = emailAt(text, at, 1)
        return this.#add(email) ? email.end : at + 1
      }
      case ASSIGN:
        return this.#assignment(at, 1)
      case PERCENT:
        return this.#encoded(at)
      case QUOTE:
        if (codeAt(text, at - 1) === 0x20) {
          this.#add(saidAt(text, at - 1))
        }
        return at + 1
      default:
        MARKER.lastIndex = at
        return MARKER.test(text) ? MARKER.lastIndex : at + 1
    }
  }

  #assignment(at: number, width: number): number {
    const text = this.#text
    if (width === 1 && text.startsWith('//', at + 1)) {
      const userinfo = userinfoAt(text, at + 1)
      // Behind the `@` is a host; with what stands before it it would look like an address.
      return this.#add(userinfo) ? userinfo.end + 1 : at + 3
    }
    if (this.#valueChars > 0) {
      this.#addValue(assignedAt(text, at, { width, isSecret: this.#isSecret }))
    }
    if (this.#ipAddresses && width === 1) {
      const address = ipv6At(text, at)
      if (this.#add(address)) return Math.max(at + 1, address.end)
    }
    return at + width
  }

  #encoded(at: number): number {
    const text = this.#text
    if (text.startsWith('40', at + 1)) {
      const email = emailAt(text, at, 3)
      return this.#add(email) ? email.end : at + 3
    }
    const next = text.slice(at + 1, at + 3).toUpperCase()
    return next === '3D' || next === '3A' ? this.#assignment(at, 3) : at + 1
  }
}
