// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  CommitKeys,
  Commitment,
  CommitPlace,
  EncodedValue,
  FreeText,
  ValueDigest,
} from '@spanseal/core'
import {
  canonicalByteLength,
  commit,
  digestEncoded,
  encodeArguments,
  encodeValue,
  LIST_CAPS,
  plainCommitment,
  TEXT_CAPS,
} from '@spanseal/core'
import type { Keyring } from '@spanseal/keys'
import type { CallOutcome } from './outcome.ts'
import { mendText } from './redact/mend.ts'
import type { Redactor } from './redact/redact.ts'

/** A value hashed and not yet bound to a place; of what passed by in pieces only the hash is left. */
export interface Digested {
  readonly encoded: EncodedValue | undefined
  readonly digest: ValueDigest
}

function digested(encoded: EncodedValue): Digested {
  return { encoded, digest: digestEncoded(encoded) }
}

/** Digests the arguments of a call: one → that value, none or several → `args/1`. */
export function digestCallArguments(args: readonly unknown[]): Digested {
  return digested(args.length === 1 ? encodeValue(args[0]) : encodeArguments(args))
}

/** Digests what a call returned; undefined where it returned nothing at all. */
export function digestOutput({ output }: CallOutcome): Digested | undefined {
  if (output === undefined) return undefined
  if ('digest' in output) return { encoded: undefined, digest: output.digest }
  return digested(encodeValue(output.value))
}

/** Makes the commitments and free texts of records, the way the options ask for. */
export class Committer {
  readonly #keyring: Keyring
  readonly #redactor: Redactor
  readonly #plain: boolean

  constructor(keyring: Keyring, redactor: Redactor, plain: boolean) {
    this.#keyring = keyring
    this.#redactor = redactor
    this.#plain = plain
  }

  /** The period's keys, or those of the data subjects, of which a commitment can name 16. */
  keysFor(subjects: readonly string[]): CommitKeys {
    return this.#keyring.commitKeys(
      subjects.length > LIST_CAPS.kids ? [...new Set(subjects)].slice(0, LIST_CAPS.kids) : subjects,
    )
  }

  /**
   * The commitment of a content. Plain digests need the whole value: what passed by in pieces is
   * blinded even where plain ones were asked for.
   */
  commit({ encoded, digest }: Digested, place: CommitPlace, keys: CommitKeys): Commitment {
    if (this.#plain && encoded !== undefined) {
      return plainCommitment(encoded.enc, encoded.body, digest.partial)
    }
    return commit(digest, place, keys)
  }

  /** A text that people wrote. */
  freeText(text: string, place: CommitPlace, keys: CommitKeys): FreeText {
    return commit(digestEncoded(encodeValue(text)), place, keys)
  }

  /** The text redacted and in clear, or cut to its commitment where it is too long. */
  clearText(text: string, place: CommitPlace, keys: CommitKeys): FreeText {
    const shown = mendText(this.#redactor.text(text)).text
    if (canonicalByteLength(shown) <= TEXT_CAPS.text) return shown
    const commitment = commit(digestEncoded(encodeValue(text)), place, keys)
    return { bytes: Buffer.byteLength(text), commitment, cut: true }
  }
}
