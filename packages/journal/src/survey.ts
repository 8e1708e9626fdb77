// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import type { ObservedEpoch } from '@spanseal/core'
import { isEpochId, NO_PREV, parseCheckpoint, parseNote } from '@spanseal/core'
import { openRegular } from './byte-file.ts'
import type { HeadStore } from './create-epoch.ts'
import type { EpochEnd } from './epoch-end.ts'
import { findEpochEnd } from './epoch-end.ts'
import type { FileLine } from './file-lines.ts'
import { linesFrom } from './file-lines.ts'
import type { JournalFs } from './journal-fs.ts'
import { isShortage } from './journal-fs.ts'
import { listEpochs, listSegments } from './journal-layout.ts'
import { parseLineHead } from './line-head.ts'
import type { Liveness } from './liveness.ts'
import { writerSigns } from './liveness.ts'
import { openSegment } from './segment-file.ts'

/** What an opener has to say of the other epochs. */
export interface Survey {
  /** Every epoch whose present size and state no readable observation names, oldest first. */
  readonly observed: readonly ObservedEpoch[]
  /** Those whose state, as observed, cannot change any more. */
  readonly settled: readonly string[]
}

export interface SurveyOptions {
  readonly journal: string
  readonly heads: HeadStore
  readonly fs: JournalFs
  readonly nowMillis: number
  /** Epochs of the asking writer that it closed or gave up: gone, though its process lives. */
  readonly own: ReadonlySet<string>
  /** Of some of those: how many records must be there. */
  readonly sizes: ReadonlyMap<string, number>
  /** Sync what is named before it is named. */
  readonly durable: boolean
}

/** Observations that an `epoch.open` holds before others follow it. */
const OPEN_OBSERVED_MAX = 64

/** An earlier opener's word on an epoch. */
interface Statement extends ObservedEpoch {
  /** Unix milliseconds of the record that holds it. */
  readonly atMillis: number
}

/**
 * Looks at every epoch of the folder that may have to be named. What a durable observation names in
 * a final state is remembered by the keyring (`settled`) and costs one name in a listing.
 */
export function surveyJournal(options: SurveyOptions): Survey {
  const { journal, heads, own, nowMillis, sizes } = options
  const settledBefore = heads.settled()
  // Before the folder is listed: an epoch appears there before its head is kept.
  const headed = heads.epochs()
  const present = listEpochs(journal)
  const open = present.filter((epoch) => !settledBefore.has(epoch))
  // An observer is opened after what it observes, give or take the hosts' clocks.
  const oldest = open[0]
  const statements =
    oldest === undefined
      ? new Map<string, Statement[]>()
      : readStatements(
          journal,
          present.filter((epoch) => epoch >= oldest),
        )
  const observed: ObservedEpoch[] = []
  const settled: string[] = []
  for (const epoch of open) {
    const said = statements.get(epoch) ?? []
    const signs = writerSigns(join(journal, epoch), nowMillis)
    const liveness = own.has(epoch) ? 'gone' : signs.liveness
    if (isFinal(said, liveness, signs.beat) && isWhole(said, sizes.get(epoch))) {
      if (liveness === 'gone' || said.some((s) => s.state === 'closed')) settled.push(epoch)
      continue
    }
    const now = observe(epoch, liveness, options)
    if (!said.some((s) => sameObservation(s, now))) observed.push(now)
    if (now.state === 'closed' || liveness === 'gone') settled.push(epoch)
  }
  const here = new Set(present)
  const gone = new Set([...headed, ...sizes.keys()])
  for (const epoch of [...here, ...settledBefore]) gone.delete(epoch)
  observed.push(...lostEpochs(options, [...gone]))
  for (const { epoch, state } of observed) if (state === 'lost') settled.push(epoch)
  return { observed, settled: [...new Set(settled)] }
}

/** Whether what was said of an epoch still holds without looking at its records. */
function isFinal(said: readonly Statement[], liveness: Liveness, beat: number): boolean {
  return said.some(({ state, atMillis }) => {
    if (state === 'closed') return true
    if (state !== 'crashed') return false
    // A silent host's epoch may wake up; then its beat is later than the observation.
    return liveness === 'gone' || (liveness === 'silent' && beat <= atMillis)
  })
}

/** Whether nobody knows of more records than were found. */
function isWhole(said: readonly Statement[], known = 0): boolean {
  return said.some(({ size, expected_size: expected = 0 }) => Math.max(size, expected) >= known)
}

function sameObservation(a: ObservedEpoch, b: ObservedEpoch): boolean {
  return a.state === b.state && a.size === b.size && a.leaf === b.leaf
}

function observe(epoch: string, liveness: Liveness, options: SurveyOptions): ObservedEpoch {
  const folder = join(options.journal, epoch)
  // Before the records are read: a live writer's head may grow meanwhile.
  const expected = knownSize(options, epoch)
  const { size, leaf, closed, torn, unsynced } = readableEnd(folder, epoch)
  // What is named here must still be there after a crash of the machine.
  if (options.durable) for (const path of unsynced) syncFile(options.fs, path)
  const found = { epoch, size, leaf }
  if (expected > size) return withTorn({ ...found, state: 'lost', expected_size: expected }, torn)
  if (closed) return withTorn({ ...found, state: 'closed' }, torn)
  // What a live writer has begun to write is no torn tail.
  if (liveness === 'live') return { ...found, state: 'live' }
  return withTorn({ ...found, state: 'crashed' }, torn)
}

function withTorn(observed: ObservedEpoch, torn: EpochEnd['torn']): ObservedEpoch {
  return torn === undefined ? observed : { ...observed, torn }
}

/** A folder that cannot be read is observed as empty: what it held is then missing from there. */
function readableEnd(folder: string, epoch: string): EpochEnd {
  try {
    return findEpochEnd(folder, epoch)
  } catch (error) {
    if (isShortage(error)) throw error
    return { size: 0, leaf: NO_PREV, closed: false, unsynced: [] }
  }
}

function syncFile(fs: JournalFs, path: string): void {
  try {
    const file = openRegular(path)
    try {
      fs.fdatasyncSync(file.fd)
    } finally {
      file.close()
    }
  } catch {
    // A folder that is mounted read-only: nothing of it is in our page cache. Or the segment was
    // compressed meanwhile: that was synced before the plain file went.
  }
}

/** How many records there are at least, by the head that was kept and by the writer itself. */
function knownSize({ heads, sizes }: SurveyOptions, epoch: string): number {
  return Math.max(headSize(heads, epoch), sizes.get(epoch) ?? 0)
}

function headSize(heads: HeadStore, epoch: string): number {
  const note = heads.read(epoch)
  if (note === undefined) return 0
  try {
    const checkpoint = parseCheckpoint(parseNote(note).text)
    return checkpoint.origin.endsWith(`/${epoch}`) ? checkpoint.size : 0
  } catch {
    return 0 // torn by a power cut: it names nothing
  }
}

/** Epochs whose folder is gone, as far as it is known that they had records. */
function lostEpochs(options: SurveyOptions, gone: readonly string[]): ObservedEpoch[] {
  return [...gone]
    .sort()
    .map((epoch): ObservedEpoch & { readonly expected_size: number } => {
      const expected = knownSize(options, epoch)
      return { epoch, size: 0, leaf: NO_PREV, state: 'lost', expected_size: expected }
    })
    .filter(({ expected_size: expected }) => expected > 0)
}

/** What the given epochs say of others, from `epoch.open` and the `epoch.observed` behind it. */
function readStatements(journal: string, epochs: readonly string[]): Map<string, Statement[]> {
  const statements = new Map<string, Statement[]>()
  for (const epoch of epochs) {
    for (const statement of statementsOf(join(journal, epoch), epoch)) {
      const known = statements.get(statement.epoch)
      if (known === undefined) statements.set(statement.epoch, [statement])
      else known.push(statement)
    }
  }
  return statements
}

function statementsOf(folder: string, epoch: string): Statement[] {
  const statements: Statement[] = []
  try {
    for (const segment of listSegments(folder).slice(0, 2)) {
      // What `epoch.open` had no room for follows it; mostly nothing does, and nothing more is read.
      if (segment.firstSeq > 0 && statements.length < OPEN_OBSERVED_MAX) break
      const file = openSegment(segment)
      try {
        takeStatements(linesFrom(file, 0), epoch, statements)
      } finally {
        file.close()
      }
    }
  } catch {
    // Unreadable from here on: what it would have named will be named again.
  }
  return statements
}

function takeStatements(lines: Iterable<FileLine>, epoch: string, into: Statement[]): void {
  for (const { bytes } of lines) {
    const head = parseLineHead(bytes)
    const observes = head?.type === 'epoch.open' || head?.type === 'epoch.observed'
    if (head === undefined || !observes || head.epoch !== epoch) return
    into.push(...statementsIn(head.detail, Date.parse(head.at)))
  }
}

function* statementsIn(detail: unknown, atMillis: number): Generator<Statement> {
  const { observed } = (detail ?? {}) as { readonly observed?: unknown }
  if (!Array.isArray(observed)) return
  for (const entry of observed as (Partial<ObservedEpoch> | null)[]) {
    if (typeof entry?.epoch === 'string' && isEpochId(entry.epoch)) {
      yield { ...(entry as ObservedEpoch), atMillis }
    }
  }
}
