// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint, NoteSignature } from '@spanseal/core'
import { AuditError, parseCheckpoint, parseNote } from '@spanseal/core'

/** Signatures of a note, one of them the log's own. */
const COSIGNATURES_MAX = 63

/** A checkpoint of the log as it is published: signed, with the cosignatures that have arrived. */
export class PublishedHead {
  readonly checkpoint: Checkpoint
  /** What is signed. */
  readonly text: string
  /** The note with the log's own signature alone. */
  readonly signed: string
  /** By name and key id: the line. */
  readonly #cosignatures: ReadonlyMap<string, string>

  private constructor(signed: string, cosignatures: ReadonlyMap<string, string>) {
    this.signed = signed
    this.text = parseNote(signed).text
    this.checkpoint = parseCheckpoint(this.text)
    this.#cosignatures = cosignatures
  }

  /**
   * @param own the log's key; lines of others are cosignatures
   * @throws AuditError `MALFORMED_NOTE`, `MALFORMED_CHECKPOINT`
   */
  static parse(
    note: string,
    own: { readonly name: string; readonly keyId: string },
  ): PublishedHead {
    const { text, signatures } = parseNote(note)
    const isOwn = ({ name, keyId }: NoteSignature): boolean =>
      name === own.name && keyId === own.keyId
    const mine = signatures.filter(isOwn).map(signatureLine)
    if (mine.length === 0)
      throw new AuditError('MALFORMED_NOTE', 'the log’s own signature is missing')
    const others = signatures.filter((one) => !isOwn(one))
    return new PublishedHead(
      `${text}\n${mine.join('')}`,
      new Map(others.map((one) => [placeOf(one), signatureLine(one)])),
    )
  }

  /** The note with all its signatures. */
  get note(): string {
    return this.signed + [...this.#cosignatures.values()].join('')
  }

  /** With one more cosignature, or a newer one in the place of an old one; undefined where it is full. */
  with(cosignature: NoteSignature): PublishedHead | undefined {
    const cosignatures = new Map(this.#cosignatures)
    cosignatures.set(placeOf(cosignature), signatureLine(cosignature))
    if (cosignatures.size > COSIGNATURES_MAX) return undefined
    return new PublishedHead(this.signed, cosignatures)
  }
}

function placeOf({ name, keyId }: NoteSignature): string {
  return `${name} ${keyId}`
}

function signatureLine({ name, keyId, signature }: NoteSignature): string {
  const blob = Buffer.concat([Buffer.from(keyId, 'hex'), signature])
  return `— ${name} ${blob.toString('base64')}\n`
}
