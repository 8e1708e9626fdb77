// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import type { Bundle, EpochBytes, TenantLogTiles } from '@spanseal/core'
import { AuditError, isEpochId, proveRecord, proveRecordInLog } from '@spanseal/core'
import type { LeavesFile } from './leaves-file.ts'
import { openLeaves, rebuildLeaves } from './leaves-file.ts'
import { readJournal } from './read-journal.ts'

export interface ProveJournalRecordOptions {
  readonly epoch: string
  /** 0 or above. */
  readonly seq: number
  /** The tenant log to which a sealer brought the epoch's checkpoints. Default: none. */
  readonly log?: TenantLogTiles
  /** A signed note of that log to lead to. Default: the newest. */
  readonly head?: string
  /**
   * A folder in which leaf hashes are kept between proofs, 32 bytes a record. Default: none; then
   * each proof reads the epoch's records, unless their writer left a `leaves` file beside them.
   */
  readonly leavesFolder?: string
}

/**
 * The proof bundle of one record of a journal, checked before it is handed out.
 *
 * Kept leaf hashes are used where they lead to the signed root; where they do not, the proof is made
 * from the records and what is kept in `leavesFolder` is made again.
 *
 * @throws AuditError `NOT_FOUND` where there is no such epoch or record, or nothing signed covers it
 * yet; `JOURNAL_UNUSABLE` where the records are not what was signed; `LOG_UNUSABLE` for the tenant log
 */
export async function proveJournalRecord(
  journal: string,
  { epoch: id, seq, log, head, leavesFolder }: ProveJournalRecordOptions,
): Promise<Bundle> {
  if (!isEpochId(id)) {
    throw new AuditError(
      'INVALID_OPTION',
      `epoch: ${JSON.stringify(id.slice(0, 100))} is no epoch id`,
    )
  }
  const folder = join(journal, id)
  const epoch = await epochAt(folder)
  const kept = leavesFolder === undefined ? undefined : join(leavesFolder, `${id}.leaves`)
  const leaves = await leavesFor(epoch, join(folder, 'leaves'), kept)
  let unfit = false
  const options = {
    ...(leaves !== undefined && { leaves: leaves.read }),
    onLeavesUnfit: () => {
      unfit = true
    },
  }
  try {
    return log === undefined
      ? await proveRecord(epoch, seq, options)
      : await proveRecordInLog(epoch, seq, { ...options, log, ...(head !== undefined && { head }) })
  } finally {
    await leaves?.close()
    if (unfit && kept !== undefined) await rebuildLeaves(epoch, kept)
  }
}

async function epochAt(folder: string): Promise<EpochBytes> {
  for await (const epoch of readJournal(folder)) return epoch
  throw new AuditError('NOT_FOUND', `${folder}: there is no epoch`)
}

/** What is kept, made now where there is nothing yet; without a folder for that, what the writer left. */
async function leavesFor(
  epoch: EpochBytes,
  written: string,
  kept: string | undefined,
): Promise<LeavesFile | undefined> {
  if (kept === undefined) return openLeaves(written)
  const before = await openLeaves(kept)
  if (before !== undefined) return before
  await rebuildLeaves(epoch, kept)
  return openLeaves(kept)
}
