// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isEpochId } from '@spanseal/core'

/**
 * Names of what lies in a journal: `<epoch>/{<first seq, 12 digits>.jsonl[.zst], checkpoints,
 * writer.json, delivered-<size, 12 digits>.json}`.
 */

export const CHECKPOINTS_FILE = 'checkpoints'
export const WRITER_FILE = 'writer.json'
export const CURSORS_FOLDER = 'cursors'
/** The lock of whoever restores into it: beside the cursors, so that no sink's name can be its. */
export const RESTORE_LOCK = '.restore.lock'
/** An epoch appears under its name whole, with `epoch.open`; until then it is a draft. */
export const DRAFT_PREFIX = '.new-'

/** What names a sink, and so its cursors. */
export const SINK_NAME: RegExp = /^[a-z0-9-]{1,64}$/
const SEGMENT = /^(\d{12})\.jsonl(\.zst)?$/
const MARKER = /^delivered-(\d{12})\.json$/
const SPOOL_DRAFT = /^\.(?:\d{12}\.jsonl\.zst|delivered-\d{12}\.json)\.[0-9a-z-]{1,64}\.tmp$/
const GAP_CLAIM = /^gap-taken-(\d{3})$/
const COMPRESSED_END = '.zst'

export interface SegmentName {
  readonly firstSeq: number
  readonly path: string
  /** It lies there compressed only. */
  readonly compressed: boolean
}

export function segmentName(firstSeq: number): string {
  return `${String(firstSeq).padStart(12, '0')}.jsonl`
}

/** The name of what a segment is compressed to. */
export function compressedName(firstSeq: number): string {
  return `${segmentName(firstSeq)}${COMPRESSED_END}`
}

/** The name of what says that the records behind `epoch.open` and below `size` were removed. */
export function markerName(size: number): string {
  return `delivered-${String(size).padStart(12, '0')}.json`
}

/** The size in a marker's name, or undefined where it is none's. */
export function markerSizeOf(name: string): number | undefined {
  const [, digits] = MARKER.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** The name of what says who tells the gap that an epoch's writer left; the nth, from 1 on. */
export function gapClaimName(number: number): string {
  return `gap-taken-${String(number).padStart(3, '0')}`
}

/** The number in such a name, or undefined where it is none. */
export function gapClaimOf(name: string): number | undefined {
  const [, digits] = GAP_CLAIM.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** Whether a name is that of a file which whoever tends a spool was writing. */
export function isSpoolDraft(name: string): boolean {
  return SPOOL_DRAFT.test(name)
}

/** The first `seq` that a file's name promises, or undefined where it is no segment's. */
export function firstSeqOf(name: string): number | undefined {
  const [, digits] = SEGMENT.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** The segments of an epoch folder, in order; the plain file where both are there. */
export function listSegments(folder: string): SegmentName[] {
  return segmentsAmong(readdirSync(folder), folder)
}

/** The segments among the names in an epoch folder. */
export function segmentsAmong(names: readonly string[], folder: string): SegmentName[] {
  const segments = new Map<number, SegmentName>()
  for (const name of names) {
    const firstSeq = firstSeqOf(name)
    if (firstSeq === undefined) continue
    const compressed = name.endsWith(COMPRESSED_END)
    // Until the plain one is removed, only it is known to be whole.
    if (compressed && segments.has(firstSeq)) continue
    segments.set(firstSeq, { firstSeq, path: join(folder, name), compressed })
  }
  return [...segments.values()].sort((a, b) => a.firstSeq - b.firstSeq)
}

/** The epochs of a journal by age: their ids begin with their time. */
export function listEpochs(journal: string): string[] {
  return readdirSync(journal).filter(isEpochId).sort()
}
