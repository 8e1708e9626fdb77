// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'

import { splitName } from './key-names.ts'
import { PATTERN_KINDS } from './patterns.ts'

export interface NamedPattern {
  /** Stands in `[REDACTED:<name>]`: `^[a-z][a-z0-9_]{0,31}$`. */
  readonly name: string
  /** Applied to stretches of 4,096 characters; finds what is at most 512 characters long. */
  readonly pattern: RegExp
}

/** What a user may add to the built-in lists. Nothing can be taken away from them. */
export interface RedactionOptions {
  /** Words, or several in a row, that make the name of a key secret: `badge`, `employee number`. */
  readonly keyWords?: readonly string[]
  /** Whole names of keys, compared without regard to case. */
  readonly keyNames?: readonly string[]
  /** Patterns for texts; a bare RegExp is named `custom`. At most 32. */
  readonly patterns?: readonly (RegExp | NamedPattern)[]
  /** Mask IPv4 and IPv6 addresses as well; default false. */
  readonly ipAddresses?: boolean
  /**
   * Attributes of foreign spans that carry content (messages, arguments, results, SQL, stack
   * traces): `withhold` puts `[content withheld]` in their place (default), `drop` leaves them out,
   * `redact` keeps them and only applies names and patterns.
   */
  readonly contentAttributes?: 'withhold' | 'drop' | 'redact'
}

export interface CheckedRedactionOptions {
  readonly keyWords: readonly string[]
  readonly keyNames: readonly string[]
  readonly patterns: readonly NamedPattern[]
  readonly ipAddresses: boolean
  readonly contentAttributes: 'withhold' | 'drop' | 'redact'
}

const OPTIONS = ['keyWords', 'keyNames', 'patterns', 'ipAddresses', 'contentAttributes'] as const
const LIST_MAX = 256
const WORD_CHARS_MAX = 128
const PATTERNS_MAX = 32
const PATTERN_NAME = /^[a-z][a-z0-9_]{0,31}$/

/**
 * The options with defaults, checked.
 *
 * @throws AuditError `INVALID_OPTION` naming the option, what it is and what it may be
 */
export function checkRedactionOptions(options: RedactionOptions): CheckedRedactionOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    refuse('redaction', options, 'pass an object, or leave it out')
  }
  for (const name of Object.keys(options)) {
    if (!(OPTIONS as readonly string[]).includes(name)) {
      refuse(`redaction.${name}`, 'unknown', `known are ${OPTIONS.join(', ')}`)
    }
  }
  const { ipAddresses = false, contentAttributes = 'withhold' } = options
  if (typeof ipAddresses !== 'boolean')
    refuse('redaction.ipAddresses', ipAddresses, 'true or false')
  if (!['withhold', 'drop', 'redact'].includes(contentAttributes)) {
    refuse('redaction.contentAttributes', contentAttributes, "use 'withhold', 'drop' or 'redact'")
  }
  return {
    keyWords: words('redaction.keyWords', options.keyWords, true),
    keyNames: words('redaction.keyNames', options.keyNames, false),
    patterns: namedPatterns(options.patterns),
    ipAddresses,
    contentAttributes,
  }
}

function words(option: string, list: unknown, split: boolean): readonly string[] {
  if (list === undefined) return []
  if (!Array.isArray(list) || list.length > LIST_MAX) {
    refuse(option, list, `pass a list of at most ${LIST_MAX} words`)
  }
  return list.map((word: unknown, i) => {
    const at = `${option}[${i}]`
    if (typeof word !== 'string' || word === '' || word.length > WORD_CHARS_MAX) {
      refuse(at, word, `pass a text of 1 to ${WORD_CHARS_MAX} characters`)
    }
    if (split && splitName(word).length === 0) {
      refuse(at, word, 'pass a word with letters; for other names use redaction.keyNames')
    }
    return word
  })
}

function namedPatterns(list: unknown): readonly NamedPattern[] {
  if (list === undefined) return []
  if (!Array.isArray(list) || list.length > PATTERNS_MAX) {
    refuse('redaction.patterns', list, `pass a list of at most ${PATTERNS_MAX} patterns`)
  }
  return list.map((entry: unknown, i) => namedPattern(entry, `redaction.patterns[${i}]`))
}

function namedPattern(entry: unknown, option: string): NamedPattern {
  if (entry instanceof RegExp) return { name: 'custom', pattern: global(entry) }
  const advice = "pass a RegExp, or { name: 'badge', pattern: /…/ }"
  if (typeof entry !== 'object' || entry === null) refuse(option, entry, advice)
  const { name, pattern, ...rest } = entry as Record<string, unknown>
  if (!(pattern instanceof RegExp) || Object.keys(rest).length > 0) refuse(option, entry, advice)
  if (typeof name !== 'string' || !PATTERN_NAME.test(name)) {
    refuse(`${option}.name`, name, 'use 1 to 32 of a-z, 0-9 and _, a letter first')
  }
  if ((PATTERN_KINDS as readonly string[]).includes(name)) {
    refuse(`${option}.name`, name, 'that is the name of a built-in pattern; choose another')
  }
  return { name, pattern: global(pattern) }
}

/** A copy of our own with the flag `g` and without `y`: nobody else moves its `lastIndex`. */
function global(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`)
}

function refuse(option: string, value: unknown, advice: string): never {
  throw new AuditError('INVALID_OPTION', `${option} is ${shown(value)}: ${advice}`, {
    details: { option },
  })
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64))
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
