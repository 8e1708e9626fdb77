// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import { isEpochId } from '../epoch-id.ts'
import { AuditError } from '../errors.ts'
import { parseNote } from '../note.ts'
import type { GivenHead } from './checkpoint-check.ts'

/** The epoch in an epoch's origin `<log>/<epoch>`. */
export function epochOfOrigin(origin: string): string {
  return origin.slice(origin.lastIndexOf('/') + 1)
}

/**
 * Takes the heads that the caller brought along.
 *
 * @throws AuditError `MALFORMED_NOTE` or `MALFORMED_CHECKPOINT` when a text is no checkpoint,
 * `INVALID_OPTION` when one is not of an epoch
 */
export function readHeads(heads: readonly (string | Checkpoint)[]): GivenHead[] {
  return heads.map((head) => {
    const given = typeof head === 'string' ? fromNote(head) : head
    if (isEpochId(epochOfOrigin(given.origin))) return given
    throw new AuditError(
      'INVALID_OPTION',
      `heads: ${JSON.stringify(given.origin.slice(0, 200))} is not the origin of an epoch; expected <log>/<epoch>`,
      { details: { option: 'heads' } },
    )
  })
}

function fromNote(text: string): GivenHead {
  const note = parseNote(text)
  return { ...parseCheckpoint(note.text), note }
}
