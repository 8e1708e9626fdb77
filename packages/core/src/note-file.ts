// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from './errors.ts'
import { parseNote } from './note.ts'

/**
 * The signed notes in a text, one behind the other: each with its length before it, as a journal keeps
 * them, or with empty lines between. A note is lines of text, an empty line, and signature lines, which
 * begin with an em dash.
 *
 * @throws AuditError `MALFORMED_NOTE` when one is none, or the text ends with what is no signed note: a
 * head or a revocation that is passed over in silence is one that nobody asks for
 */
export function notesIn(text: string): string[] {
  const notes: string[] = []
  let body: string[] = []
  let signatures: string[] = []
  for (const line of [...text.replaceAll('\r\n', '\n').split('\n'), '']) {
    if (line.startsWith('— ')) {
      signatures.push(line)
      continue
    }
    if (signatures.length > 0) {
      notes.push([...body, '', ...signatures, ''].join('\n'))
      body = []
      signatures = []
    }
    // A length before the note is the journal's framing.
    if (line !== '' && !(body.length === 0 && /^\d+$/.test(line))) body.push(line)
  }
  if (body.length > 0) throw new AuditError('MALFORMED_NOTE', 'it ends with what is no signed note')
  for (const note of notes) parseNote(note)
  return notes
}
