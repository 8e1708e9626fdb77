// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileLine } from './file-lines.ts'
import { linesFrom } from './file-lines.ts'
import type { PendingGap } from './gap.ts'
import type { JournalFs } from './journal-fs.ts'
import { FILE_MODE, isShortage, writeAll } from './journal-fs.ts'
import { gapClaimName, gapClaimOf, listEpochs, listSegments } from './journal-layout.ts'
import type { LineHead } from './line-head.ts'
import { parseLineHead } from './line-head.ts'
import type { WriterState } from './liveness.ts'
import { livenessOf, readWriterState } from './liveness.ts'
import { openSegment } from './segment-file.ts'

/** What a writer that is gone could not write, and never told in a record. */
export interface LeftGap {
  readonly epoch: string
  readonly gap: PendingGap
}

export interface LeftGaps {
  /** Those that the next epoch is to tell. */
  readonly left: readonly LeftGap[]
  /** Epochs of which a gap may still have to be told: they must be looked at again. */
  readonly unsettled: ReadonlySet<string>
}

export interface LookForGaps {
  readonly journal: string
  readonly nowMillis: number
  /** Epochs of other writers that are over. */
  readonly epochs: readonly string[]
}

/** So many are told by one epoch; the next one goes on. */
const TOLD_MAX = 64
const OWN_TYPES: ReadonlySet<string> = new Set(['epoch.open', 'epoch.observed', 'gap'])

/** Finds gaps that stand in the `writer.json` of epochs, and in no record. */
export function leftGaps({ journal, nowMillis, epochs }: LookForGaps): LeftGaps {
  const left: LeftGap[] = []
  const unsettled = new Set<string>()
  for (const epoch of epochs) {
    const state = readWriterState(join(journal, epoch))
    if (state === undefined) continue
    // An epoch may be over while its process lives: that tells its gap itself, or leaves one yet.
    if (processLives(state, nowMillis)) unsettled.add(epoch)
    else if (state.gap !== undefined && !isTold(journal, epoch, state.gap)) {
      unsettled.add(epoch)
      if (left.length < TOLD_MAX) left.push({ epoch, gap: state.gap })
    }
  }
  return { left, unsettled }
}

function processLives(state: WriterState, nowMillis: number): boolean {
  const { ended: _, ...process } = state
  return livenessOf(process, nowMillis) === 'live'
}

/** Whether the opening of the epoch, or of a later one, holds this gap. */
function isTold(journal: string, epoch: string, { since }: PendingGap): boolean {
  return listEpochs(journal).some((one) => one >= epoch && opensWithGap(journal, one, since))
}

function opensWithGap(journal: string, epoch: string, since: string): boolean {
  try {
    for (const segment of listSegments(join(journal, epoch)).slice(0, 2)) {
      const file = openSegment(segment)
      try {
        const heads = openingHeads(linesFrom(file, 0))
        if (heads.some(({ type, detail }) => type === 'gap' && firstAtOf(detail) === since)) {
          return true
        }
      } finally {
        file.close()
      }
    }
  } catch (error) {
    if (isShortage(error)) throw error
  }
  return false
}

/** The log's own records with which a segment begins. */
function openingHeads(lines: Iterable<FileLine>): LineHead[] {
  const heads: LineHead[] = []
  for (const { bytes } of lines) {
    const head = parseLineHead(bytes)
    if (head === undefined || !OWN_TYPES.has(head.type)) break
    heads.push(head)
  }
  return heads
}

function firstAtOf(detail: unknown): unknown {
  return (Object(detail) as { readonly first_at?: unknown }).first_at
}

export interface GapClaim {
  readonly fs: JournalFs
  readonly journal: string
  readonly nowMillis: number
  /** The epoch that is to tell it. */
  readonly by: string
}

/**
 * Takes a gap over: of several who open an epoch at once only one does. It is taken by a file that
 * must not be there; one whose taker ended before it told the gap is followed by another.
 *
 * @returns whether the gap is the taker's to tell; false also where that cannot be known
 */
export function claimGap({ fs, journal, nowMillis, by }: GapClaim, epoch: string): boolean {
  const folder = join(journal, epoch)
  try {
    const newest = Math.max(0, ...readdirSync(folder).map((name) => gapClaimOf(name) ?? 0))
    if (newest > 0) {
      const taker = readFileSync(join(folder, gapClaimName(newest)), 'utf8')
      const state = readWriterState(join(journal, taker))
      if (state !== undefined && processLives(state, nowMillis)) return false
    }
    const fd = fs.openSync(join(folder, gapClaimName(newest + 1)), 'ax', FILE_MODE)
    try {
      writeAll(fs, fd, Buffer.from(by))
    } finally {
      fs.closeSync(fd)
    }
    return true
  } catch {
    return false // the next opener looks again
  }
}

/** Whether somebody took over what stands in an epoch's `writer.json`. */
export function isGapTaken(folder: string): boolean {
  return readdirSync(folder).some((name) => gapClaimOf(name) !== undefined)
}
