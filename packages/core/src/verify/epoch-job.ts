// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { OpenCall } from './call-check.ts'
import type { CheckpointStart, GivenHead, NotesPoint } from './checkpoint-check.ts'
import type { HeldEpoch } from './head-file.ts'
import type { EpochBytes } from './input.ts'
import type { LeafPrints } from './leaf-prints.ts'
import type { LineSplitter } from './lines.ts'
import type { NamedEpoch } from './named-epoch.ts'
import type { Observation } from './openings.ts'
import type { RecordReader } from './read-record.ts'
import type { RecordChecks } from './record-check.ts'

/** What the caller of a verification gave, the same for all epochs; can be cloned. */
export type RunContext = Omit<RecordChecks, 'findings'>

/** What runs of one thread share: buffers and caches, nothing that is known of epochs. */
export interface RunTools {
  readonly splitter: LineSplitter
  readonly reader: RecordReader
  readonly progress: (bytes: number, records: number) => void
}

const PROGRESS_BYTES = 1 << 20

/** Tells of progress each MiB, and when asked to. */
export class ByteProgress {
  readonly #tools: RunTools
  #unsaid = 0

  constructor(tools: RunTools) {
    this.#tools = tools
  }

  add(bytes: number, records: number): void {
    this.#unsaid += bytes
    if (this.#unsaid >= PROGRESS_BYTES) this.say(records)
  }

  say(records: number): void {
    this.#tools.progress(this.#unsaid, records)
    this.#unsaid = 0
  }
}

/** One epoch to be read, and what is known of it from elsewhere. */
export interface EpochJob {
  readonly source: EpochBytes
  /** What the beginnings of other epochs say of it. */
  readonly observed: readonly Observation[]
  /** Another copy of it that was read before. */
  readonly twin: LeafPrints | undefined
  /** The heads of this epoch that the caller gave. */
  readonly heads: readonly GivenHead[]
  /** What the tenant log says of it. */
  readonly named: NamedEpoch | undefined
  /** The trusted head from which to go on. */
  readonly held: HeldEpoch | undefined
}

const NOTES_START: NotesPoint = { line: 1, byteOffset: 0 }

/** From where the notes of an epoch are read. */
export function notesStart(held: HeldEpoch | undefined): Omit<CheckpointStart, 'logged'> {
  if (held === undefined) return { notes: NOTES_START, coveredSize: 0 }
  const { notesByteOffset: byteOffset, notesLine: line, coveredSize } = held
  return { notes: { byteOffset, line }, coveredSize }
}

/** The calls that were under way at a held head. */
export function heldCalls(held: HeldEpoch | undefined): {
  open: Map<number, OpenCall>
  unlisted: number
} {
  const open = new Map<number, OpenCall>()
  for (const { seq, likeness, listed } of held?.calls ?? []) {
    open.set(seq, { likeness, spot: undefined, listed })
  }
  return { open, unlisted: held?.callsUnlisted ?? 0 }
}
