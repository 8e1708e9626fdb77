// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { contentOf } from './content-attributes.ts'
import type { SecretKeyTest } from './key-names.ts'
import { secretKeyTest } from './key-names.ts'
import type { Masker } from './mask.ts'
import { maskText, SECRET_MASK } from './mask.ts'
import { copyRedacted, define, uniqueName } from './redact-value.ts'
import type { NamedPattern, RedactionOptions } from './redaction-options.ts'
import { checkRedactionOptions } from './redaction-options.ts'

/**
 * Which lists and patterns were at work, for `epoch.open`: it changes with every change of what is
 * found. A redactor with options of the user's says `+custom` behind it.
 */
export const REDACTION_REVISION = 'spanseal-redaction/1'

/** What stands for an attribute that carries content. */
export const CONTENT_WITHHELD = '[content withheld]'

/** An error as a record or a span may show it. */
export interface RedactedError {
  /** `[\w.$]{1,128}`; `Error` where the error names none. */
  readonly type: string
  /** `[\w.$:-]{1,128}`. */
  readonly code?: string
  readonly message: string
  readonly stack?: string
}

export interface ErrorParts {
  readonly type?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly stack?: unknown
}

/** The one place that everything in clear goes through. Nothing in it throws or mutates. */
export interface Redactor {
  /** {@link REDACTION_REVISION}, with `+custom` where options changed what is found. */
  readonly revision: string
  /**
   * The text with `[REDACTED:<kind>]` in place of what patterns find; cut behind 65,536 characters
   * with `[cut]`. Applied twice it gives the same.
   */
  readonly text: (text: string) => string
  /**
   * A deep copy in which values under secret names and everything that patterns find are masked.
   * Cycles become `[circular]`, more than 32 levels, 10,000 nodes or 1 MiB of text `[cut]`, what
   * cannot be read `[unreadable]`, functions and symbols `[function]` and `[symbol]`, bytes
   * `[bytes <length>]`.
   */
  readonly value: (value: unknown) => unknown
  /**
   * The attributes of a span, event or link, content withheld, secret names masked by their last
   * two parts, patterns applied to texts and lists of texts.
   */
  readonly attributes: <V>(attributes: Readonly<Record<string, V>>) => Record<string, V | string>
  /** What may be shown of an error. */
  readonly error: (error: ErrorParts) => RedactedError
}

/**
 * A redactor with the built-in lists and the options on top.
 *
 * @throws AuditError `INVALID_OPTION` for an unknown option, an empty word, a pattern that is none
 */
export function createRedactor(options: RedactionOptions = {}): Redactor {
  const { keyWords, keyNames, patterns, ipAddresses, contentAttributes } =
    checkRedactionOptions(options)
  const isSecret = secretKeyTest({ words: keyWords, names: keyNames })
  const masker: Masker = { isSecret, ipAddresses, patterns }
  const custom =
    isCustom({ keyWords, keyNames, patterns }) || ipAddresses || contentAttributes !== 'withhold'
  const text = (input: string): string => maskText(asText(input), masker)
  const attributes = attributeRedactor({ masker, text, contentAttributes })
  return {
    revision: custom ? `${REDACTION_REVISION}+custom` : REDACTION_REVISION,
    text,
    value: (value) => copyRedacted(value, masker),
    attributes,
    error: (error) => redactError(error, text),
  }
}

function isCustom(lists: {
  readonly keyWords: readonly string[]
  readonly keyNames: readonly string[]
  readonly patterns: readonly NamedPattern[]
}): boolean {
  return lists.keyWords.length + lists.keyNames.length + lists.patterns.length > 0
}

/** Callers in JavaScript pass what they like; a redactor that threw would be taken out. */
function asText(input: unknown): string {
  if (typeof input === 'string') return input
  try {
    return String(input)
  } catch {
    return '[unreadable]'
  }
}

interface AttributeSettings {
  readonly masker: Masker
  readonly text: (input: string) => string
  readonly contentAttributes: 'withhold' | 'drop' | 'redact'
}

function attributeRedactor(settings: AttributeSettings): Redactor['attributes'] {
  return <V>(attributes: Readonly<Record<string, V>>): Record<string, V | string> => {
    const out: Record<string, V | string> = {}
    const taken = new Map<string, number>()
    for (const [original, value] of entriesOf(attributes)) {
      // A name can hold an address as well. It is judged as it is shown, so that redacting what was
      // redacted changes nothing.
      const name = settings.text(original)
      const redacted = redactAttribute(name, value, settings)
      if (redacted !== undefined) define(out, uniqueName(name, taken), redacted)
    }
    return out
  }
}

/** What can be read of the attributes. */
function entriesOf<V>(attributes: Readonly<Record<string, V>>): readonly (readonly [string, V])[] {
  const entries: (readonly [string, V])[] = []
  try {
    for (const name of Object.keys(attributes)) {
      const value = attributes[name]
      if (value !== undefined) entries.push([name, value])
    }
  } catch {
    // A hostile proxy or getter: what was read before it is shown.
  }
  return entries
}

function redactAttribute<V>(
  name: string,
  value: V,
  settings: AttributeSettings,
): V | string | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined
  if (typeof value === 'string' && COMMITMENT.test(value)) return value
  if (isSecretAttribute(name, settings.masker.isSecret)) return SECRET_MASK
  const content = contentOf(name)
  if (content === 'url' && typeof value === 'string') return withheldQuery(value, settings)
  if (content === 'content' || (content === 'text' && typeof value !== 'number')) {
    if (settings.contentAttributes === 'drop') return undefined
    if (settings.contentAttributes === 'withhold') return CONTENT_WITHHELD
  }
  if (typeof value === 'string') return settings.text(value)
  return copyRedacted(value, settings.masker) as V
}

/** `blinded-sha256:<kid>:<hex>` and `sha256:<hex>`: ours, and by chance all digits. */
const COMMITMENT = /^(?:sha256|blinded-sha256:[0-9a-f]{16}(?:,[0-9a-f]{16})*):[0-9a-f]{64}$/

/** The last two parts, so that `aws.secretsmanager.secret.arn` stays and `db.user.password` goes. */
function isSecretAttribute(name: string, isSecret: SecretKeyTest): boolean {
  if (name.length > 512) return isSecret(name)
  const last = name.lastIndexOf('.')
  return (
    isSecret(last < 0 ? name : name.slice(name.lastIndexOf('.', last - 1) + 1)) ||
    isSecret(name.slice(last + 1))
  )
}

function withheldQuery(url: string, settings: AttributeSettings): string {
  const query = url.indexOf('?')
  if (query < 0 || settings.contentAttributes === 'redact') return settings.text(url)
  const fore = settings.text(url.slice(0, query))
  return settings.contentAttributes === 'drop' ? fore : `${fore}?${CONTENT_WITHHELD}`
}

const TYPE_CHARS_MAX = 128

function redactError(error: ErrorParts, text: (input: string) => string): RedactedError {
  const type = word(text(part(error, 'type') ?? ''), /[^\w.$]+/g)
  const code = word(text(part(error, 'code') ?? ''), /[^\w.$:-]+/g)
  const stack = part(error, 'stack')
  return {
    type: type === '' ? 'Error' : type,
    ...(code === '' ? {} : { code }),
    message: text(part(error, 'message') ?? ''),
    ...(stack === undefined ? {} : { stack: text(stack) }),
  }
}

/** A part of an error; `undefined` where it is missing, unreadable or no text. */
function part(error: ErrorParts, name: keyof ErrorParts): string | undefined {
  try {
    const value = error[name]
    if (typeof value === 'string') return value
    return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
  } catch {
    return undefined
  }
}

function word(text: string, others: RegExp): string {
  return text.replace(others, '_').slice(0, TYPE_CHARS_MAX)
}
