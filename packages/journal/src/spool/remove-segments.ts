// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { errnoOf, FILE_MODE, syncFolder, writeAll } from '../journal-fs.ts'
import { compressedName, markerName, markerSizeOf, segmentName } from '../journal-layout.ts'
import { formatMarker } from './delivered-marker.ts'
import type { DeliveredSegment, SpoolEpoch } from './delivered-segments.ts'
import { segmentEnd } from './delivered-segments.ts'
import type { SpoolFs } from './spool-fs.ts'
import { draftPath, removeDraft } from './spool-fs.ts'

export interface RemoveOptions {
  readonly fs: SpoolFs
  readonly sinks: readonly string[]
  readonly nowMillis: number
}

/**
 * Removes delivered segments, oldest first. The marker is on disk before the first of them goes, and
 * says more than is gone until the last of them is: whoever looks in between finds the records or
 * the marker.
 *
 * @param delivered what `deliveredSegments` found, from its first on
 * @throws AuditError `JOURNAL_UNUSABLE` where one of them does not end as it was acknowledged: then
 * nothing is removed
 */
export function removeSegments(
  { folder, marker, names }: SpoolEpoch,
  delivered: readonly DeliveredSegment[],
  { fs, sinks, nowMillis }: RemoveOptions,
): void {
  const last = delivered.at(-1)
  if (last === undefined) return
  // All that no marker speaks of yet: what is damaged shall be found. What one speaks of is left over
  // from a run that was cut off, or came back for a moment as somebody compressed it meanwhile.
  const lastEnd = delivered
    .filter(({ end }) => end > (marker?.size ?? 0))
    .map(segmentEnd)
    .at(-1)
  if (lastEnd !== undefined) {
    const { torn, ...end } = lastEnd
    const said = { ...end, at: nowMillis, sinks, ...(torn === undefined ? {} : { torn }) }
    writeMarker(fs, folder, { name: markerName(last.end), text: formatMarker(said) })
  }
  for (const { segment } of delivered) {
    unlink(fs, join(folder, segmentName(segment.firstSeq)))
    unlink(fs, join(folder, compressedName(segment.firstSeq)))
  }
  for (const name of names) {
    // What a greater one says holds for it, too.
    if ((markerSizeOf(name) ?? last.end) < last.end) unlink(fs, join(folder, name))
  }
  syncFolder(fs, folder)
}

function writeMarker(
  fs: SpoolFs,
  folder: string,
  { name, text }: { readonly name: string; readonly text: string },
): void {
  const draft = draftPath(folder, name)
  try {
    const fd = fs.openSync(draft, 'wx', FILE_MODE)
    try {
      writeAll(fs, fd, Buffer.from(text))
      fs.fdatasyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(draft, join(folder, name))
  } catch (error) {
    removeDraft(fs, draft)
    throw error
  }
  syncFolder(fs, folder)
}

function unlink(fs: SpoolFs, path: string): void {
  try {
    fs.unlinkSync(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error // somebody else was as quick, or it is in one form
  }
}
