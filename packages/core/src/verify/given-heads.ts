// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import { isEpochId } from '../epoch-id.ts'
import { AuditError } from '../errors.ts'
import { isLogName } from '../log-name.ts'
import { parseNote } from '../note.ts'
import type { GivenHead } from './checkpoint-check.ts'
import type { HeadFile } from './head-file.ts'

/** The epoch in an epoch's origin `<log>/<epoch>`. */
export function epochOfOrigin(origin: string): string {
  return origin.slice(origin.lastIndexOf('/') + 1)
}

/** Heads that the caller brought along. */
export interface GivenHeads {
  readonly epochs: readonly GivenHead[]
  readonly tenant: readonly GivenHead[]
}

/**
 * Takes the heads that the caller brought along, and those of the head file from which to go on.
 *
 * @throws AuditError `MALFORMED_NOTE` or `MALFORMED_CHECKPOINT` when a text is no checkpoint,
 * `INVALID_OPTION` when one is of neither an epoch nor a tenant log, or of a tenant log that was not
 * given
 */
export function readHeads(
  heads: readonly (string | Checkpoint)[],
  { since, hasTenantLog }: { readonly since: HeadFile | undefined; readonly hasTenantLog: boolean },
): GivenHeads {
  const epochs: GivenHead[] = (since?.epochs ?? []).map(({ head }) => head)
  const tenant: GivenHead[] = []
  for (const head of [...(since?.tenant === undefined ? [] : [since.tenant]), ...heads]) {
    const given = typeof head === 'string' ? fromNote(head) : head
    if (isEpochId(epochOfOrigin(given.origin))) epochs.push(given)
    else if (isLogName(given.origin) && hasTenantLog) tenant.push(given)
    else refuse(given.origin)
  }
  return { epochs, tenant }
}

function refuse(origin: string): never {
  const name = JSON.stringify(origin.slice(0, 200))
  const why = isLogName(origin)
    ? `${name} is the origin of a tenant log; give that log too`
    : `${name} is the origin of neither an epoch, <log>/<epoch>, nor a tenant log`
  throw new AuditError('INVALID_OPTION', `heads: ${why}`, { details: { option: 'heads' } })
}

function fromNote(text: string): GivenHead {
  const note = parseNote(text)
  return { ...parseCheckpoint(note.text), note }
}
