// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import { AuditError } from '../errors.ts'
import type { Note } from '../note.ts'
import { parseNote } from '../note.ts'

/** A head with the note that says it, its signatures not yet checked. */
export interface SignedHead extends Checkpoint {
  readonly note: Note
}

/** A note over a checkpoint, taken apart; undefined where it is none. */
export function readHead(text: string): SignedHead | undefined {
  try {
    const note = parseNote(text)
    return { ...parseCheckpoint(note.text), note }
  } catch (error) {
    if (error instanceof AuditError) return undefined
    throw error
  }
}
