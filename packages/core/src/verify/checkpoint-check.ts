// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import { AuditError } from '../errors.ts'
import type { Note, NoteKey } from '../note.ts'
import { noteSignedBy, parseNote } from '../note.ts'
import type { Findings, OpenFinding, Place } from './findings.ts'
import type { LoggedMismatch } from './named-epoch.ts'
import type { BadFraming, FramedNote, TornNote } from './note-stream.ts'
import { readNotes } from './note-stream.ts'
import type { SignedSize } from './signed-sizes.ts'
import { SignedSizes } from './signed-sizes.ts'

/** One for each record of the largest epoch; a file with more is no work of a writer. */
export const CHECKPOINTS_MAX = 1_048_576

/** A head that the caller brought along. */
export interface GivenHead extends Checkpoint {
  /** Its signed note, where the caller gave one. */
  readonly note?: Note
}

/** A place in a `checkpoints` file. */
export interface NotesPoint {
  readonly line: number
  readonly byteOffset: number
}

/** What is known of an epoch's checkpoints before any is read. */
export interface CheckpointStart {
  /** What the tenant log says; `line` is the entry's index. */
  readonly logged: SignedSizes
  /** Where notes are read from: the beginning, or behind those that a trusted head held. */
  readonly notes: NotesPoint
  readonly coveredSize: number
}

/** What a chain answers about itself. */
export interface ChainState {
  /** Undefined where the places of records are in doubt. */
  root(): string | undefined
  readonly firstDoubt: number
}

/** The epoch whose checkpoints these are, as far as it is known. */
export interface CheckpointOwner {
  readonly epoch: string | undefined
  readonly log: string | undefined
  /** Undefined where `epoch.open` does not say. */
  readonly key: NoteKey | undefined
}

/**
 * The check `checkpoint` of one epoch: notes are read before the records that they cover, and
 * compared with the tree as it grows.
 */
export class CheckpointCheck {
  readonly #findings: Findings
  readonly #file: string
  readonly #signed = new SignedSizes()
  readonly #logged: SignedSizes
  #loggedRank = 0
  #owner: CheckpointOwner | undefined
  #rank = 0
  #heads: GivenHead[] = []
  #largestHead = 0
  #rootReported = false
  /** The next size at which there is something to compare. */
  nextSize: number = Infinity
  /** The largest size that a note names whose signature cannot be checked for want of the key. */
  unsignedSize = 0
  /** Faults of the notes themselves. */
  faults = 0
  /** The largest size whose signed root is that of the records. */
  coveredSize = 0
  /** The largest size of a given head whose root is that of the records. */
  headSize = 0
  /** The first checkpoint of the tenant log whose root the records do not have. */
  loggedMismatch: LoggedMismatch | undefined
  /** Where the next note would begin. */
  notesEnd: NotesPoint

  constructor(findings: Findings, file: string, from: CheckpointStart) {
    this.#findings = findings
    this.#file = file
    this.#logged = from.logged
    this.coveredSize = from.coveredSize
    this.notesEnd = from.notes
  }

  /** The largest size that a valid signature or a given head names. */
  get largestSize(): number {
    return Math.max(this.#signed.largest, this.#largestHead)
  }

  /** Reads all notes, and takes the given heads of this epoch. */
  async read(
    chunks: AsyncIterable<Uint8Array>,
    owner: CheckpointOwner,
    heads: readonly GivenHead[],
  ): Promise<void> {
    this.#owner = owner
    let malformed = false
    for await (const framed of readNotes(chunks, this.notesEnd)) {
      if (framed.kind !== 'note') {
        this.#unframed(framed, malformed)
      } else {
        malformed = !this.#take(framed, owner)
        this.notesEnd = framed.next
      }
      if (this.#signed.count === CHECKPOINTS_MAX) {
        const message = `More than ${CHECKPOINTS_MAX} checkpoints; those that follow are not checked.`
        this.#fault({ code: 'unverifiable', message }, framed)
        break
      }
    }
    this.#heads = heads.filter((head) => this.#isOurs(head, owner))
    this.#heads.sort((a, b) => a.size - b.size)
    this.#largestHead = this.#heads.at(-1)?.size ?? 0
    this.#setNext()
  }

  /** Compares the checkpoints and heads of this size with the tree that has just reached it. */
  reached(size: number, chain: ChainState): void {
    if (size < this.nextSize) return
    const root = chain.root()
    const due: SignedSize[] = []
    for (let next = this.#signed.at(this.#rank); next !== undefined && next.size <= size; ) {
      // More than two of one size say no more than two do.
      if (next.size === size && due.length < 2 && due[0]?.root !== next.root) due.push(next)
      next = this.#signed.at(++this.#rank)
    }
    if (due.some((signed) => signed.root === root)) this.coveredSize = size
    const [first, other] = due
    if (other !== undefined) this.#conflict(other)
    else if (first !== undefined && first.root !== root) this.#wrongRoot(first, chain)
    for (; (this.#heads[0]?.size ?? Infinity) <= size; this.#heads.shift()) {
      const head = this.#heads[0] as GivenHead
      if (head.size === size) this.#compareHead(head, root, chain)
    }
    this.#compareLogged(size, root, chain)
    this.#setNext()
  }

  #setNext(): void {
    const signed = this.#signed.at(this.#rank)?.size ?? Infinity
    const logged = this.#logged.at(this.#loggedRank)?.size ?? Infinity
    this.nextSize = Math.min(signed, logged, this.#heads[0]?.size ?? Infinity)
  }

  #compareLogged(size: number, root: string | undefined, chain: ChainState): void {
    for (let next = this.#logged.at(this.#loggedRank); next !== undefined && next.size <= size; ) {
      const differs = next.size === size && next.root !== root
      if (differs && chain.firstDoubt >= size) {
        this.loggedMismatch ??= { size, index: next.line }
      }
      next = this.#logged.at(++this.#loggedRank)
    }
  }

  #take(framed: FramedNote, owner: CheckpointOwner): boolean {
    const parsed = framed.text === undefined ? undefined : parseSigned(framed.text)
    if (parsed === undefined) {
      this.#fault({ code: 'edited', message: 'This is not a signed checkpoint.' }, framed)
      return false
    }
    const { note, checkpoint } = parsed
    const { origin, size, root } = checkpoint
    if (!isOrigin(origin, owner)) {
      const message = `A checkpoint of ${origin}.`
      this.#fault({ code: 'forged', message }, framed)
    } else if (owner.key !== undefined && !noteSignedBy(note, owner.key)) {
      const message = `The checkpoint of size ${size} is not signed by the key of its epoch.`
      this.#fault({ code: 'forged', message }, framed)
    } else if (size === 0) {
      this.#fault({ code: 'forged', message: 'A checkpoint of no records.' }, framed)
    } else if (owner.key === undefined) {
      this.unsignedSize = Math.max(this.unsignedSize, size)
    } else {
      this.#signed.add({ size, root, line: framed.line, byteOffset: framed.byteOffset })
    }
    return true
  }

  #unframed({ kind, line, byteOffset }: TornNote | BadFraming, malformed: boolean): void {
    const place = this.#place({ line, byteOffset })
    if (kind === 'torn') {
      const message = 'The last checkpoint was not written to its end.'
      this.#findings.notice({ code: 'torn', check: 'checkpoint', message }, place)
    } else if (!malformed) {
      const message = 'From here on the file cannot be cut into checkpoints.'
      this.#fault({ code: 'edited', message }, { line, byteOffset })
    }
  }

  #conflict(due: SignedSize): void {
    const message = `There are two signed checkpoints of size ${due.size} with different roots.`
    this.#fault({ code: 'forked', message }, due)
  }

  #wrongRoot(due: SignedSize, chain: ChainState): void {
    // What was found in the records before explains this, and one wrong root all that follow.
    if (this.#rootReported || chain.firstDoubt < due.size) return
    this.#rootReported = true
    const message = `The records do not have the root that the checkpoint of size ${due.size} signs: at least one of those since record ${this.coveredSize} was replaced.`
    const range = { seq: this.coveredSize, lastSeq: due.size - 1 }
    this.#fault({ code: 'forged', message }, { ...due, ...range })
  }

  #compareHead(head: GivenHead, root: string | undefined, chain: ChainState): void {
    if (root === head.root) {
      this.headSize = head.size
    } else if (!this.#rootReported && chain.firstDoubt >= head.size) {
      this.#rootReported = true
      this.#headFault(`The records do not have the root of the given head of size ${head.size}.`, {
        lastSeq: head.size - 1,
      })
    }
  }

  #isOurs(head: GivenHead, owner: CheckpointOwner): boolean {
    if (!isOrigin(head.origin, owner)) return false
    if (head.note === undefined || owner.key === undefined || noteSignedBy(head.note, owner.key)) {
      return true
    }
    this.#headFault(
      `The given head of size ${head.size} is not signed by the key of its epoch.`,
      {},
    )
    return false
  }

  #headFault(message: string, range: { readonly lastSeq?: number }): void {
    const place = {
      epoch: this.#owner?.epoch,
      ...(range.lastSeq !== undefined && { seq: 0, ...range }),
    }
    this.#findings.fault({ code: 'forged', check: 'checkpoint', message, outside: true }, place)
  }

  #fault(
    {
      code,
      message,
    }: { readonly code: 'edited' | 'forged' | 'forked' | 'unverifiable'; readonly message: string },
    at: {
      readonly line: number
      readonly byteOffset: number
      readonly seq?: number
      readonly lastSeq?: number
    },
  ): OpenFinding {
    this.faults++
    return this.#findings.fault({ code, check: 'checkpoint', message }, this.#place(at))
  }

  #place({ line, byteOffset, seq, lastSeq }: Place): Place {
    return { file: this.#file, line, byteOffset, epoch: this.#owner?.epoch, seq, lastSeq }
  }
}

/** An epoch none of whose records can be read has no log to compare. */
function isOrigin(origin: string, { epoch, log }: CheckpointOwner): boolean {
  if (epoch === undefined) return false
  return log === undefined ? origin.endsWith(`/${epoch}`) : origin === `${log}/${epoch}`
}

function parseSigned(text: string): { note: Note; checkpoint: Checkpoint } | undefined {
  try {
    const note = parseNote(text)
    return { note, checkpoint: parseCheckpoint(note.text) }
  } catch (error) {
    if (error instanceof AuditError) return undefined
    throw error
  }
}
