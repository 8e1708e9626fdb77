// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isEpochId } from '@spanseal/core'

/** Names of what lies in a journal: `<epoch>/{<first seq, 12 digits>.jsonl, checkpoints, writer.json}`. */

export const CHECKPOINTS_FILE = 'checkpoints'
export const WRITER_FILE = 'writer.json'
export const CURSORS_FOLDER = 'cursors'
/** An epoch appears under its name whole, with `epoch.open`; until then it is a draft. */
export const DRAFT_PREFIX = '.new-'

const SEGMENT = /^(\d{12})\.jsonl$/

export interface SegmentName {
  readonly firstSeq: number
  readonly path: string
}

export function segmentName(firstSeq: number): string {
  return `${String(firstSeq).padStart(12, '0')}.jsonl`
}

/** The first `seq` that a file's name promises, or undefined where it is no segment's. */
export function firstSeqOf(name: string): number | undefined {
  const [, digits] = SEGMENT.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** The segments of an epoch folder, in order. */
export function listSegments(folder: string): SegmentName[] {
  const segments: SegmentName[] = []
  for (const name of readdirSync(folder)) {
    const firstSeq = firstSeqOf(name)
    if (firstSeq !== undefined) segments.push({ firstSeq, path: join(folder, name) })
  }
  return segments.sort((a, b) => a.firstSeq - b.firstSeq)
}

/** The epochs of a journal by age: their ids begin with their time. */
export function listEpochs(journal: string): string[] {
  return readdirSync(journal).filter(isEpochId).sort()
}
