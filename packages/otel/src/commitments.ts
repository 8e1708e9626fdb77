// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { CommitKeys, Commitment, CommitPlace, EncodedValue, FreeText } from '@spanseal/core'
import {
  commit,
  digestEncoded,
  encodeArguments,
  encodeValue,
  plainCommitment,
} from '@spanseal/core'
import type { Keyring } from '@spanseal/keys'
import type { StreamedOutput } from './outcome.ts'
import type { Redactor } from './redact/redact.ts'

/** A value encoded and hashed, not yet bound to a place. */
export interface Digested {
  readonly encoded: EncodedValue | undefined
  readonly digest: ReturnType<typeof digestEncoded>
}

/** Encodes the arguments of a call: one → that value, none or several → `args/1`. */
export function digestCallArguments(args: readonly unknown[]): Digested {
  const encoded = args.length === 1 ? encodeValue(args[0]) : encodeArguments(args)
  return { encoded, digest: digestEncoded(encoded) }
}

export function digestOutput(value: unknown): Digested {
  const encoded = encodeValue(value)
  return { encoded, digest: digestEncoded(encoded) }
}

export function digestStreamed(digest: StreamedOutput): Digested {
  return { encoded: undefined, digest }
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

  /** The period's keys, or those of the data subjects. */
  keysFor(subjects: readonly string[]): CommitKeys {
    return this.#keyring.commitKeys(subjects)
  }

  commit({ encoded, digest }: Digested, place: CommitPlace, keys: CommitKeys): Commitment {
    if (this.#plain && encoded !== undefined && !digest.partial) {
      return plainCommitment(encoded.enc, encoded.body)
    }
    return commit(digest, place, keys)
  }

  /** A text that people wrote: committed, or redacted in clear where that was opted into. */
  freeText(text: string, place: CommitPlace, keys: CommitKeys, clear = false): FreeText {
    if (clear) {
      const redacted = this.#redactor.text(text)
      if (Buffer.byteLength(JSON.stringify(redacted)) <= CLEAR_BYTES_MAX) return redacted
      const commitment = commit(digestOutput(text).digest, place, keys)
      return { bytes: Buffer.byteLength(text), commitment, cut: true }
    }
    return commit(digestOutput(text).digest, place, keys)
  }
}

/** Free text stands in clear up to here; longer text is cut to its commitment. */
const CLEAR_BYTES_MAX = 4_096
