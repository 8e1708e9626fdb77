// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync, statSync } from 'node:fs'
import { AuditError } from '@spanseal/core'
import type { LogKeys } from '../secret-file.ts'
import { createSecret, namesIn, readSecret, unusable } from '../secret-file.ts'

/** A key that is being or was destroyed. Never says whose it was. */
export interface Erasure {
  readonly kid: string
  /** What it was a key of. */
  readonly of: 'person' | 'period'
  /** The key file's name: a MAC for a person, a number for a period. */
  readonly file: string
  /** Unix milliseconds at which it was asked for. */
  readonly at: number
  /** For the record; gone once that is written. */
  readonly reason?: string
}

const KID = /^[0-9a-f]{16}$/
const FILE = /^[0-9a-f]{1,32}\.json$/
const INTENT = '.json'
const DONE = '.done'

/**
 * What is to be destroyed, durable before anything is: whoever comes after a crash completes it. Of
 * what was destroyed the kid stays for good, so that a key which comes back with a back-up is known.
 */
export class ErasureLedger {
  readonly #folder: string

  constructor(keys: LogKeys) {
    this.#folder = `${keys.folder}/erasures`
  }

  /** Whether the key was destroyed, or is about to be. */
  names(kid: string): boolean {
    return this.#exists(kid, DONE) || this.#exists(kid, INTENT)
  }

  /** Notes durably that a key is to be destroyed; idempotent, the first note stays. */
  begin(erasure: Erasure): void {
    if (this.names(erasure.kid)) return
    createSecret(this.#path(erasure.kid, INTENT), JSON.stringify(erasure))
  }

  /** What was begun and is not recorded. */
  pending(): Erasure[] {
    return namesIn(this.#folder)
      .filter((name) => name.endsWith(INTENT) && KID.test(name.slice(0, -INTENT.length)))
      .sort()
      .flatMap((name) => this.#intent(name.slice(0, -INTENT.length)))
  }

  /** Every kid that was destroyed or is about to be. */
  kids(): string[] {
    const kids = namesIn(this.#folder).map((name) => name.replace(/\.[a-z]+$/, ''))
    return [...new Set(kids)].filter((kid) => KID.test(kid)).sort()
  }

  /** Notes that the key is destroyed and recorded as such at `<epoch>/<seq>`; idempotent. */
  done(kid: string, record: string): void {
    createSecret(this.#path(kid, DONE), JSON.stringify({ kid, record }))
    try {
      rmSync(this.#path(kid, INTENT), { force: true })
    } catch (error) {
      throw unusable(this.#path(kid, INTENT), error)
    }
  }

  #intent(kid: string): Erasure[] {
    // Between the two steps of `done`.
    if (this.#exists(kid, DONE)) {
      rmSync(this.#path(kid, INTENT), { force: true })
      return []
    }
    const text = readSecret(this.#path(kid, INTENT))
    return text === undefined ? [] : [parseErasure(this.#path(kid, INTENT), text, kid)]
  }

  #exists(kid: string, ending: string): boolean {
    return statSync(this.#path(kid, ending), { throwIfNoEntry: false }) !== undefined
  }

  #path(kid: string, ending: string): string {
    return `${this.#folder}/${kid}${ending}`
  }
}

function parseErasure(path: string, text: string, kid: string): Erasure {
  let value: Partial<Erasure> | null = null
  try {
    value = JSON.parse(text) as Partial<Erasure> | null
  } catch {
    // Said below.
  }
  if (
    value?.kid === kid &&
    (value.of === 'person' || value.of === 'period') &&
    typeof value.file === 'string' &&
    FILE.test(value.file) &&
    Number.isSafeInteger(value.at) &&
    (value.reason === undefined || typeof value.reason === 'string')
  ) {
    return value as Erasure
  }
  throw new AuditError('KEYRING_UNUSABLE', `keyring: ${path} is not an erasure; restore it`, {
    details: { file: path },
  })
}
