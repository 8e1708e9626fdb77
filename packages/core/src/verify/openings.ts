// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import { leafHash } from '../hash.ts'
import type { ObservedEpoch } from '../record.ts'
import type { Arrival, Spot } from './arrival.ts'
import type { HeldEpoch } from './head-file.ts'
import type { EpochBytes, SegmentBytes } from './input.ts'
import type { Line, LineSplitter } from './lines.ts'
import type { Envelope, RecordReader } from './read-record.ts'

/** Observations that are taken from one epoch; one with more is not believed. */
const OBSERVATIONS_MAX = 65_536
const OPENING_TYPES: ReadonlySet<string> = new Set(['epoch.open', 'epoch.observed'])
const STATES: ReadonlySet<unknown> = new Set(['live', 'crashed', 'closed', 'lost'])

/** What an epoch says of another one at its beginning. */
export interface Observation extends ObservedEpoch {
  /** The epoch that says so. */
  readonly by: string
  /** Of the record that says so. */
  readonly seq: number
  readonly spot: Spot
}

/** The beginning of an epoch. */
export interface Opening {
  readonly source: EpochBytes
  /** The id that its place promises, else that of its first record. */
  readonly epoch: string | undefined
  observations: Observation[]
  /** There were more observations than are taken. */
  overflowed: boolean
  /** An `epoch.observed` is another one than a held head stands for. */
  changed: boolean
}

interface Tools {
  readonly splitter: LineSplitter
  readonly reader: RecordReader
}

/**
 * Reads what the beginning of an epoch says of others: `epoch.open` and the `epoch.observed` behind
 * it. All epochs are asked first, because one that was read long ago may be named by a later one.
 *
 * @param held the head from which to go on: of its opening nothing else is compared with what is read,
 * so what it observed counts only where the records lead to the last leaf of that opening
 */
export async function readOpening(
  source: EpochBytes,
  tools: Tools,
  held?: HeldEpoch,
): Promise<Opening> {
  const observations: Observation[] = []
  let epoch = source.epoch
  const opening = { source, observations, overflowed: false, changed: false, epoch }
  const link = new OpeningLink(held)
  for await (const arrival of openingRecords(source, tools)) {
    const { envelope, violation } = arrival.read
    epoch ??= envelope.chain.epoch
    opening.epoch = epoch
    const isOpening = violation === undefined && OPENING_TYPES.has(envelope.type)
    if (!link.take(arrival, isOpening) || !isOpening) break
    for (const observed of observedIn(envelope)) {
      const { seq } = envelope.chain
      observations.push({ ...observed, by: epoch, seq, spot: arrival.spot })
    }
    opening.overflowed = observations.length > OBSERVATIONS_MAX
    if (opening.overflowed || link.isLast) break
  }
  opening.changed = link.changed
  // What epoch.open itself says is held against its leaf when the epoch is read.
  if (!link.holds) opening.observations = observations.filter(({ seq }) => seq === 0)
  return opening
}

/** How the records of an opening lead to the last of those for which a held head stands. */
class OpeningLink {
  readonly #held: HeldEpoch | undefined
  #count = 0
  #leaf = ''
  #broken = false
  changed = false

  constructor(held: HeldEpoch | undefined) {
    this.#held = held
  }

  /** Nothing that follows has to be read here. */
  get isLast(): boolean {
    return this.#held !== undefined && this.#count >= this.#held.openingSize
  }

  get holds(): boolean {
    return this.#held === undefined || (!this.#broken && this.#count >= this.#held.openingSize)
  }

  /** Whether the record may be what the head stands for. */
  take({ read, leaf }: Pick<Arrival, 'read' | 'leaf'>, isOpening: boolean): boolean {
    const { prev, seq } = read.envelope.chain
    const { openingEndLeaf, openingSize = 0 } = this.#held ?? {}
    const at = this.#count++
    const linked = at === 0 || prev === this.#leaf
    this.#leaf = leaf
    if (at === 0 || at >= openingSize) return true
    if (linked && isOpening && (at + 1 < openingSize || leaf === openingEndLeaf)) return true
    this.#broken = true
    // Another number: those that belong there have expired.
    this.changed = seq === at
    return false
  }
}

/** Read without the schema's help, for revisions that are not known here. */
function observedIn(envelope: Envelope): ObservedEpoch[] {
  const { detail } = envelope as { detail?: { observed?: unknown } }
  return Array.isArray(detail?.observed) ? detail.observed.filter(isObserved) : []
}

function isObserved(item: unknown): item is ObservedEpoch {
  if (typeof item !== 'object' || item === null) return false
  const {
    epoch,
    leaf,
    size,
    state,
    expected_size: expected,
    torn,
  } = item as Record<string, unknown>
  return (
    typeof epoch === 'string' &&
    typeof leaf === 'string' &&
    isCount(size) &&
    STATES.has(state) &&
    (expected === undefined || isCount(expected)) &&
    (torn === undefined || (typeof torn === 'object' && torn !== null))
  )
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

async function* openingRecords(
  source: EpochBytes,
  { splitter, reader }: Tools,
): AsyncGenerator<Pick<Arrival, 'read' | 'leaf' | 'spot'>> {
  try {
    for await (const segment of source.segments()) {
      const { file } = segment
      for await (const line of linesOf(segment, splitter)) {
        const leaf = leafHash(line.bytes.subarray(line.start, line.end))
        const read = reader.read(line)
        if (read.kind !== 'record') return
        yield { read, leaf, spot: { file, line: line.number, byteOffset: line.byteOffset } }
      }
    }
  } catch (error) {
    // Reported when the epoch is read.
    if (!isUnreadable(error)) throw error
  }
}

async function* linesOf(segment: SegmentBytes, splitter: LineSplitter): AsyncGenerator<Line> {
  splitter.begin()
  for await (const chunk of segment.chunks()) {
    splitter.push(chunk)
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) yield line
  }
}

/** The first record of an epoch, with the hash of its bytes; undefined where the first line is none. */
export async function firstRecord(source: EpochBytes, tools: Tools): Promise<Arrival | undefined> {
  for await (const { read, leaf, spot } of openingRecords(source, tools)) {
    return { read, leaf, spot, reported: false, flaw: undefined }
  }
  return undefined
}

/** Whether the source says that something is there and cannot be read as bytes of a file. */
export function isUnreadable(error: unknown): error is AuditError {
  return error instanceof AuditError && error.code === 'JOURNAL_UNUSABLE'
}
