// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint, TenantLogTiles, TreeHead } from '@spanseal/core'
import {
  AuditError,
  consistencyProof,
  inclusionProof,
  inclusionRoot,
  isConsistent,
  leafHash,
  parseCheckpoint,
  parseNote,
  TILE_WIDTH,
  tileNodes,
} from '@spanseal/core'
import { readBundle } from './log-files.ts'

/** That an entry is in the log, under its published checkpoint. */
export interface EntryInLog {
  /** The published note, cosignatures included. */
  readonly checkpoint: string
  readonly entry: number
  readonly bytes: Uint8Array
  /** From the leaf up, 64 hex digits each. */
  readonly path: readonly string[]
}

/**
 * Proves one entry of a log out of its tiles, reading some ten files.
 *
 * @throws AuditError `NOT_FOUND` where the log has no such entry; `LOG_UNUSABLE` where its tiles do not
 * lead to its checkpoint's root; as `readTenantLog` does
 */
export async function proveEntry(log: TenantLogTiles, index: number): Promise<EntryInLog> {
  const checkpoint = await log.checkpoint()
  const { size, root } = headOf(checkpoint)
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new AuditError(
      'NOT_FOUND',
      `the tenant log has ${size} entries, none with index ${index}`,
    )
  }
  const number = Math.floor(index / TILE_WIDTH)
  const width = Math.min(TILE_WIDTH, size - number * TILE_WIDTH)
  const bytes = (await readBundle(log.name, number, width))[index % TILE_WIDTH] as Uint8Array
  const path = await inclusionProof(index, size, tileNodes(size, log.tile))
  if (inclusionRoot(leafHash(bytes), { index, size }, path) !== root) unfit(log)
  return { checkpoint, entry: index, bytes, path }
}

/**
 * Proves that the log's published head has grown out of an earlier one.
 *
 * @throws AuditError `LOG_UNUSABLE` where it has not: the log was rolled back, or written anew
 */
export async function proveGrowth(
  log: TenantLogTiles,
  earlier: TreeHead,
): Promise<{ readonly checkpoint: string; readonly path: readonly string[] }> {
  const checkpoint = await log.checkpoint()
  const head = headOf(checkpoint)
  if (earlier.size > head.size) unfit(log)
  const path = await consistencyProof(earlier.size, head.size, tileNodes(head.size, log.tile))
  if (!isConsistent(earlier, head, path)) unfit(log)
  return { checkpoint, path }
}

function headOf(note: string): Checkpoint {
  return parseCheckpoint(parseNote(note).text)
}

function unfit(log: TenantLogTiles): never {
  throw new AuditError(
    'LOG_UNUSABLE',
    `${log.name}: the log is not what its checkpoint, or the head, says`,
  )
}
