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
import type { VaultIntake } from './vault-intake.ts'

/** A value hashed and not yet bound to a place; of what passed by in pieces only the hash is left. */
export interface Digested {
  readonly encoded: EncodedValue | undefined
  readonly digest: ValueDigest
  /** What passed by in pieces, where the vault wants it. */
  readonly kept?: EncodedValue | undefined
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
  if ('digest' in output) return { encoded: undefined, ...output }
  return digested(encodeValue(output.value))
}

/** Makes the commitments and free texts of records, the way the options ask for. */
export class Committer {
  readonly #keyring: Keyring
  readonly #redactor: Redactor
  readonly #plain: boolean
  readonly #vault: VaultIntake | undefined

  constructor(
    keyring: Keyring,
    redactor: Redactor,
    { plain, vault }: { readonly plain: boolean; readonly vault: VaultIntake | undefined },
  ) {
    this.#vault = vault
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
  commit({ encoded, digest, kept }: Digested, place: CommitPlace, keys: CommitKeys): Commitment {
    const commitment =
      this.#plain && encoded !== undefined
        ? plainCommitment(encoded.enc, encoded.body, digest.partial)
        : commit(digest, place, keys)
    const whole = encoded ?? kept
    if (whole !== undefined) this.#vault?.stage(whole, commitment, { place, keys })
    else this.#vault?.missed()
    return commitment
  }

  #commitText(text: string, place: CommitPlace, keys: CommitKeys): Commitment {
    const encoded = encodeValue(text)
    const commitment = commit(digestEncoded(encoded), place, keys)
    this.#vault?.stage(encoded, commitment, { place, keys })
    return commitment
  }

  /** A text that people wrote. */
  freeText(text: string, place: CommitPlace, keys: CommitKeys): FreeText {
    return this.#commitText(text, place, keys)
  }

  /** The text redacted and in clear, or cut to its commitment where it is too long. */
  clearText(text: string, place: CommitPlace, keys: CommitKeys): FreeText {
    const shown = mendText(this.#redactor.text(text)).text
    if (canonicalByteLength(shown) <= TEXT_CAPS.text) return shown
    const commitment = this.#commitText(text, place, keys)
    return { bytes: Buffer.byteLength(text), commitment, cut: true }
  }
}
