// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint, NoteKey, WitnessKey } from '@spanseal/core'
import { notesIn, parseHeadLine, parseVkey, parseWitnessKey } from '@spanseal/core'

/** Lines that say something: the others are empty or begin with `#`. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

/**
 * Verifier keys, one a line.
 *
 * @throws AuditError `MALFORMED_KEY`
 */
export function keysIn(text: string): NoteKey[] {
  return linesOf(text).map(parseVkey)
}

/**
 * Keys of witnesses, one a line.
 *
 * @throws AuditError `MALFORMED_KEY`
 */
export function witnessKeysIn(text: string): WitnessKey[] {
  return linesOf(text).map(parseWitnessKey)
}

/**
 * Head lines, or signed notes one behind the other, each with its length before it as a journal
 * keeps them or with empty lines between.
 *
 * @throws AuditError `MALFORMED_HEAD` or `MALFORMED_NOTE`
 */
export function headsIn(text: string): (string | Checkpoint)[] {
  if (text.includes('\n— ')) return notesIn(text)
  return linesOf(text).map(parseHeadLine)
}
