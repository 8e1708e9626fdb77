// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import type { Note, NoteKey } from '../note.ts'
import { noteSignedBy, parseNote } from '../note.ts'
import { parseRevocation } from '../revocation.ts'

/** Revoked keys: of which size of the tenant log on what they vouched for counts no longer. */
export class Revocations {
  readonly #pinned: readonly NoteKey[]
  readonly #revoked = new Map<string, number>()

  constructor(pinned: readonly NoteKey[]) {
    this.#pinned = pinned
  }

  /** By verifier key. */
  get revoked(): ReadonlyMap<string, number> {
    return this.#revoked
  }

  /**
   * Takes a revocation that the caller gave.
   *
   * @throws AuditError `MALFORMED_NOTE` or `MALFORMED_REVOCATION` when it is none, `INVALID_OPTION` when no
   * pinned tenant key signed it
   */
  give(text: string): void {
    const note = parseNote(text)
    const { log } = parseRevocation(note.text)
    if (this.take(note)) return
    throw new AuditError(
      'INVALID_OPTION',
      `revocations: one for ${log} is not signed by a pinned tenant key of that log; pin the key named ${log}`,
      { details: { option: 'revocations' } },
    )
  }

  /**
   * Takes a revocation, unless no pinned tenant key signed it: the smallest size counts.
   *
   * @throws AuditError `MALFORMED_REVOCATION` when it is none
   */
  take(note: Note): boolean {
    const { log, vkey, tenantLogSize } = parseRevocation(note.text)
    if (!this.#pinned.some((key) => key.name === log && noteSignedBy(note, key))) return false
    this.#revoked.set(vkey, Math.min(tenantLogSize, this.#revoked.get(vkey) ?? Infinity))
    return true
  }
}
