// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { attackFlags } from './attack-patterns.ts'
import type { SecretKeyTest } from './key-names.ts'
import { isSecretKey } from './key-names.ts'
import { findSensitive } from './patterns.ts'
import type { ShapeVisitor } from './shape.ts'
import { sizeClass, visitShape } from './shape.ts'

/** Every flag that {@link observeValue} can give, in the order they are given in. */
export const OBSERVED_FLAGS = [
  'binary',
  'encoded_blob',
  'hidden_text',
  'metadata_address',
  'observed_part',
  'path_traversal',
  'pii',
  'prompt_injection',
  'script_injection',
  'secret',
  'shell_injection',
  'sql_injection',
  'template_injection',
  'unreadable',
] as const
export type ObservedFlag = (typeof OBSERVED_FLAGS)[number]

/** What stays of a value for detectors once its content is let go. */
export interface Observation {
  /** See {@link sizeClass}. */
  readonly bytes: number
  /** See `shapeText`; to be hashed under a key before it is written anywhere. */
  readonly shape: string
  /** Ascending, without repeats, at most 14. */
  readonly flags: readonly ObservedFlag[]
}

/** How much text of a value is looked at for flags; behind it `observed_part` is set. */
export const OBSERVED_CHARS_MAX = 65_536

const PERSONAL: ReadonlySet<string> = new Set(['card', 'email', 'iban', 'phone', 'ssn'])

/**
 * What can be said of a value without keeping it: size, shape, and flags for what its texts look
 * like. A flag says "looks like", it is no verdict.
 *
 * Reads the value once, runs no getter (a property with one counts as `getter`), never throws. Looks
 * at the first 65,536 characters of text, 2,000 nodes and 12 levels.
 *
 * @param encodedBytes length of the value's encoding, as the commitment gave it
 */
export function observeValue(
  value: unknown,
  encodedBytes: number,
  isSecret: SecretKeyTest = isSecretKey,
): Observation {
  const texts = new Texts(isSecret)
  const shape = visitShape(value, texts)
  const flags = texts.flags
  const text = texts.joined()
  if (text !== '') {
    addSensitive(text, isSecret, flags)
    for (const flag of attackFlags(text)) flags.add(flag)
  }
  return { bytes: sizeClass(encodedBytes), shape, flags: [...flags].sort() }
}

function addSensitive(text: string, isSecret: SecretKeyTest, flags: Set<ObservedFlag>): void {
  for (const { kind } of findSensitive(text, { isSecret })) {
    flags.add(PERSONAL.has(kind) ? 'pii' : 'secret')
  }
}

/** Gathers the texts of a value, so that they are looked through in one go. */
class Texts implements ShapeVisitor {
  readonly flags: Set<ObservedFlag> = new Set()
  readonly #isSecret: SecretKeyTest
  readonly #texts: string[] = []
  #chars = 0

  constructor(isSecret: SecretKeyTest) {
    this.#isSecret = isSecret
  }

  text(text: string): void {
    const room = OBSERVED_CHARS_MAX - this.#chars
    if (text.length > room) this.flags.add('observed_part')
    if (room <= 0) return
    this.#texts.push(text.length > room ? text.slice(0, room) : text)
    this.#chars += text.length + 1
  }

  bytes(length: number): void {
    if (length > 0) this.flags.add('binary')
  }

  key(name: string, value: unknown): void {
    if (value === null || typeof value === 'boolean' || value === '' || value === undefined) return
    if (this.#isSecret(name)) this.flags.add('secret')
  }

  partial(why: 'cut' | 'unreadable'): void {
    this.flags.add(why === 'cut' ? 'observed_part' : 'unreadable')
  }

  joined(): string {
    return this.#texts.join('\n')
  }
}
