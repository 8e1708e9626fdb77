// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { parseCertificate } from '../certificate.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import { isEpochId } from '../epoch-id.ts'
import { AuditError } from '../errors.ts'
import type { Note } from '../note.ts'
import { parseNote } from '../note.ts'
import { epochOfOrigin } from './given-heads.ts'

/** An entry of a tenant log. */
export type TenantEntry =
  | {
      readonly kind: 'certificate'
      readonly epoch: string
      readonly log: string
      readonly text: string
    }
  | { readonly kind: 'revocation'; readonly note: Note }
  | {
      readonly kind: 'checkpoint'
      readonly epoch: string
      readonly log: string
      readonly head: Checkpoint
    }

const CERTIFICATE = 'spanseal/cert/1\n'
const REVOCATION = 'spanseal/revoke/1\n'
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads an entry; undefined where it is none of the three kinds. Never throws. */
export function readTenantEntry(bytes: Uint8Array): TenantEntry | undefined {
  try {
    const text = utf8.decode(bytes)
    if (text.startsWith(REVOCATION)) return { kind: 'revocation', note: parseNote(text) }
    if (text.startsWith(CERTIFICATE)) {
      const { role, log, vkey } = parseCertificate(parseNote(text).text)
      if (role !== 'epoch') return undefined
      const epoch = epochOfOrigin(vkey.slice(0, vkey.indexOf('+')))
      return { kind: 'certificate', epoch, log, text }
    }
    const head = parseCheckpoint(text)
    const epoch = epochOfOrigin(head.origin)
    const log = head.origin.slice(0, -epoch.length - 1)
    return isEpochId(epoch) && head.size > 0 ? { kind: 'checkpoint', epoch, log, head } : undefined
  } catch (error) {
    // TypeError: no UTF-8.
    if (error instanceof AuditError || error instanceof TypeError) return undefined
    throw error
  }
}
