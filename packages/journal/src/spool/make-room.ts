// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { listEpochs } from '../journal-layout.ts'
import { deliveredSegments, spoolEpoch } from './delivered-segments.ts'
import { removeSegments } from './remove-segments.ts'
import type { SpoolFs } from './spool-fs.ts'
import { nodeSpoolFs } from './spool-fs.ts'

export interface MakeRoomOptions {
  /** As in `tendSpool`. */
  readonly sinks: readonly string[]
  /** Bytes to free on disk, if there is so much that was delivered. */
  readonly bytesWanted: number
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
  /** Default: `node:fs`. */
  readonly fs?: SpoolFs
}

/**
 * Removes delivered segments, whatever their age, oldest epoch first, until `bytesWanted` are free
 * or there are no more. Synchronous, for a writer whose budget is used up; never throws.
 *
 * @returns how many bytes were freed; 0 where `sinks` is empty
 */
export function makeRoom(journal: string, options: MakeRoomOptions): number {
  let freed = 0
  for (const epoch of epochsOf(journal)) {
    if (freed >= options.bytesWanted) break
    try {
      freed += roomIn(journal, epoch, { ...options, bytesWanted: options.bytesWanted - freed })
    } catch {
      // An epoch that cannot be tended now; `tendSpool` tells why.
    }
  }
  return freed
}

function roomIn(
  journal: string,
  epoch: string,
  { sinks, bytesWanted, now = Date.now, fs = nodeSpoolFs }: MakeRoomOptions,
): number {
  const at = spoolEpoch(journal, epoch)
  if (at === undefined) return 0
  const nowMillis = now()
  const chosen = []
  let bytes = 0
  for (const segment of deliveredSegments(at, { journal, sinks, nowMillis })) {
    if (bytes >= bytesWanted) break
    chosen.push(segment)
    bytes += segment.bytes
  }
  removeSegments(at, chosen, { fs, sinks, nowMillis })
  return bytes
}

function epochsOf(journal: string): string[] {
  try {
    return listEpochs(journal)
  } catch {
    return []
  }
}
