// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  AUTH_FOLLOWERS,
  CONTAINED,
  HARMLESS_TAILS,
  HARMLESS_TOKENS,
  PASS_OWNERS,
  PIN_FOLLOWERS,
  SECRET_COMPOUNDS,
  SECRET_WORDS,
} from './key-words.ts'

/** Says whether a key's value is a secret, from its name alone. */
export type SecretKeyTest = (name: string) => boolean

export interface SecretKeyOptions {
  /** Words or several words in a row that make a name secret: `badge`, `employee number`. */
  readonly words?: readonly string[]
  /** Whole names, compared without regard to case. */
  readonly names?: readonly string[]
}

/** Longer names are judged by their first and last half of this many characters. */
const NAME_CHARS_MAX = 256
/** Names repeat from call to call; the cache is emptied, not grown, when hostile names fill it. */
const CACHE_ENTRIES_MAX = 4_096

/** What a redaction wrote into a name says nothing about what stands under it. */
const MARKS = /\[REDACTED:[a-z0-9_]{1,32}\]/g

/**
 * The parts of a name in lower case, cut at case changes, digits and everything that is no letter:
 * `DB_Password2` → `db password`, `XMLHttpToken` → `xml http token`.
 */
export function splitName(name: string): readonly string[] {
  const half = NAME_CHARS_MAX / 2
  const bounded =
    name.length > NAME_CHARS_MAX ? `${name.slice(0, half)} ${name.slice(-half)}` : name
  return bounded
    .replace(MARKS, ' ')
    .normalize('NFKC')
    .replace(/([\p{Ll}\d])(?=\p{Lu})/gu, '$1 ')
    .replace(/(\p{Lu})(?=\p{Lu}\p{Ll})/gu, '$1 ')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '')
}

/**
 * A test for names of keys whose value must not be seen, with the built-in list and the caller's.
 *
 * Word parts are compared, never substrings: `user_password`, `apiKey`, `x-api-key` are secret;
 * `secretary`, `max_tokens`, `token_count`, `authorized_by` are not. Never throws.
 */
export function secretKeyTest(options: SecretKeyOptions = {}): SecretKeyTest {
  const names = new Set((options.names ?? []).map((name) => name.toLowerCase()))
  const phrases = (options.words ?? []).map((word) => ` ${splitName(word).join(' ')} `)
  const cache = new Map<string, boolean>()
  return (name) => {
    const known = cache.get(name)
    if (known !== undefined) return known
    const secret = names.has(name.toLowerCase()) || judge(splitName(name), phrases)
    if (cache.size >= CACHE_ENTRIES_MAX) cache.clear()
    if (name.length <= NAME_CHARS_MAX) cache.set(name, secret)
    return secret
  }
}

/** Whether a key of this name holds a secret, by the built-in list. Never throws. */
export const isSecretKey: SecretKeyTest = secretKeyTest()

function judge(words: readonly string[], phrases: readonly string[]): boolean {
  if (words.length === 0) return false
  const joined = ` ${words.join(' ')} `
  if (phrases.some((phrase) => joined.includes(phrase))) return true
  if (HARMLESS_TAILS.has(words[words.length - 1] as string)) return false
  return words.some((_, at) => secretAt(words, at)) || contained(words)
}

function secretAt(words: readonly string[], at: number): boolean {
  const word = words[at] as string
  const next = words[at + 1]
  const before = words[at - 1]
  const last = next === undefined
  switch (word) {
    case 'token':
      if (next !== undefined && HARMLESS_TAILS.has(next)) return false
      return !(before !== undefined && HARMLESS_TOKENS.has(before))
    case 'pass':
      return words.length === 1 || (last && before !== undefined && PASS_OWNERS.has(before))
    case 'pin':
      return last || PIN_FOLLOWERS.has(next)
    case 'auth':
      return last || AUTH_FOLLOWERS.has(next)
    case 'cookie':
    case 'cookies':
      return last
    default:
  }
  if (SECRET_WORDS.has(word)) return true
  if (next === undefined) return false
  const third = words[at + 2]
  if (SECRET_COMPOUNDS.has(`${word} ${next}`)) return true
  return third !== undefined && SECRET_COMPOUNDS.has(`${word} ${next} ${third}`)
}

/** Run-together names: `dbpassword`, `myapikey`, and odd cases such as `PASSWORDhash`. */
function contained(words: readonly string[]): boolean {
  const joined = words.join('')
  if (joined.includes('password') || joined.includes('passwd')) return true
  return words.some((word) => word.length > 6 && CONTAINED.some((part) => word.includes(part)))
}
