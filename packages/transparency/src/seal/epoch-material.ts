// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint, EpochBytes, EpochOpen, Line } from '@spanseal/core'
import {
  leafOf,
  MerkleFrontier,
  parseCheckpoint,
  parseNote,
  readNotes,
  readOpen,
  walkLines,
} from '@spanseal/core'

/** A checkpoint as it came, its signature not yet checked. */
export interface ShownCheckpoint extends Checkpoint {
  readonly note: string
}

/** What a sealer is shown of an epoch. */
export interface EpochMaterial {
  /** Named in refusals. */
  readonly source: string
  readonly epoch: string
  /** Whether checkpoints are only ever appended where it comes from, so that the last is the newest. */
  readonly inOrder: boolean
  /** Those that are none are left out and counted. */
  readonly checkpoints: readonly ShownCheckpoint[]
  readonly malformed: number
  /** @throws AuditError `JOURNAL_UNUSABLE` where it is not there */
  open(): Promise<EpochOpen>
  /** Shows the leaves from `from` on, as far as they are there without a gap. */
  leaves(from: number, visit: (leafHex: string) => 'go on' | 'stop'): Promise<void>
}

/**
 * The newest notes of an epoch that are looked at, in characters: some 50,000 of those that writers make.
 * One file must not end the sealing of all.
 */
const NOTES_LENGTH_MAX = 2 ** 24

/** How far an epoch's `checkpoints` were read: where the last whole note begins. */
export interface NotesRead {
  readonly byteOffset: number
  readonly line: number
  readonly last: string
}

/**
 * The material of an epoch in a journal; undefined where it shows no more notes than it did when
 * `read` was returned.
 */
export async function journalMaterial(
  bytes: EpochBytes,
  read: NotesRead | undefined,
): Promise<{ readonly material: EpochMaterial; readonly read: NotesRead | undefined } | undefined> {
  const since = read === undefined ? undefined : await notesOf(bytes, read)
  // The note that was the last one stands where it stood, and is still the last.
  if (since?.read?.last === read?.last && since?.first === read?.last && read !== undefined)
    return undefined
  const notes = await notesOf(bytes, undefined)
  const open = (): Promise<EpochOpen> => readOpen(bytes)
  const epoch = bytes.epoch ?? (await open()).chain.epoch
  const material: EpochMaterial = {
    source: bytes.name,
    epoch,
    inOrder: true,
    checkpoints: notes.checkpoints,
    malformed: notes.malformed,
    open,
    leaves: (from, visit) => walkFrom(bytes, from, visit),
  }
  return { material, read: notes.read }
}

interface Notes {
  readonly checkpoints: ShownCheckpoint[]
  readonly malformed: number
  readonly first: string | undefined
  readonly read: NotesRead | undefined
}

async function notesOf(bytes: EpochBytes, from: NotesRead | undefined): Promise<Notes> {
  const checkpoints: ShownCheckpoint[] = []
  let malformed = 0
  let length = 0
  let first: string | undefined
  let read: NotesRead | undefined
  for await (const framed of readNotes(bytes.checkpoints(from?.byteOffset), from)) {
    // A torn one may be whole the next time.
    if (framed.kind === 'torn') break
    const note = framed.kind === 'note' ? framed.text : undefined
    first ??= note
    const shown = note === undefined ? undefined : shownCheckpoint(note)
    if (shown === undefined) malformed++
    else {
      checkpoints.push(shown)
      length += shown.note.length
      if (length > 2 * NOTES_LENGTH_MAX) length = dropOldest(checkpoints, length)
    }
    if (note !== undefined) read = { byteOffset: framed.byteOffset, line: framed.line, last: note }
  }
  return { checkpoints, malformed, first, read }
}

/** Leaves the newest that are looked at, and says how long they are. */
function dropOldest(checkpoints: ShownCheckpoint[], length: number): number {
  let left = length
  let count = 0
  for (; left > NOTES_LENGTH_MAX; count++) left -= checkpoints[count]?.note.length ?? left
  checkpoints.splice(0, count)
  return left
}

/** Undefined where it is none. */
export function shownCheckpoint(note: string): ShownCheckpoint | undefined {
  try {
    return { ...parseCheckpoint(parseNote(note).text), note }
  } catch {
    return undefined
  }
}

async function walkFrom(
  bytes: EpochBytes,
  from: number,
  visit: (leafHex: string) => 'go on' | 'stop',
): Promise<void> {
  let next = from
  await walkLines(bytes, from, (line: Line, seq) => {
    if (seq < from) return 'go on'
    if (seq !== next++ || line.tooLong) return 'stop'
    return visit(leafOf(line))
  })
}

/** A tree of some of an epoch's first records. */
export interface GrownTree {
  readonly root: string
  /** The compact range. */
  readonly nodes: readonly string[]
}

/**
 * The trees over an epoch's records at the given sizes, as far as the records are there.
 *
 * @param base the tree to go on from; default: none
 */
export async function treesAt(
  material: EpochMaterial,
  sizes: readonly number[],
  base: MerkleFrontier = new MerkleFrontier(),
): Promise<Map<number, GrownTree>> {
  const wanted = new Set(sizes)
  const last = Math.max(...sizes)
  const trees = new Map<number, GrownTree>()
  if (last <= base.size) return trees
  await material.leaves(base.size, (leafHex) => {
    base.append(leafHex)
    if (wanted.has(base.size)) trees.set(base.size, { root: base.root(), nodes: base.nodes() })
    return base.size < last ? 'go on' : 'stop'
  })
  return trees
}
