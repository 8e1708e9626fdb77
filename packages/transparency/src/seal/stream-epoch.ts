// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochBytes, EpochOpen, SealedCheckpoint, SealedRecord } from '@spanseal/core'
import { AuditError, leafHash, readOpen } from '@spanseal/core'
import type { EpochMaterial, ShownCheckpoint } from './epoch-material.ts'
import { shownCheckpoint } from './epoch-material.ts'

/** An epoch's records at most (spec/chain.md rolls it there), so that nothing grows without end. */
const LEAVES_MAX = 1_048_576
const CHECKPOINTS_MAX = 4_096

/** An epoch as a stream of records and checkpoints shows it: in order, with duplicates. */
export class StreamEpoch {
  readonly #epoch: string
  readonly #topic: string
  /** Leaves from `#base` on; those before are in the log. */
  #leaves: string[] = []
  #base = 0
  readonly #sealedSize: number
  #open: Uint8Array | undefined
  #checkpoints: ShownCheckpoint[] = []
  #malformed = 0
  /** The first place with two records. */
  #forkAt: number | undefined
  /** Something came since the last time. */
  isNew = false

  /** @param sealedSize where it may begin too: older records may be gone from the stream */
  constructor(topic: string, epoch: string, sealedSize: number) {
    this.#topic = topic
    this.#epoch = epoch
    this.#sealedSize = sealedSize
  }

  get forkAt(): number | undefined {
    return this.#forkAt
  }

  take({ line, seq }: SealedRecord): void {
    // Of the line, whatever the one who read it says: the lines are the evidence.
    const leaf = leafHash(line)
    if (seq === 0) this.#open ??= line
    if (this.#leaves.length === 0 && this.#base === 0 && seq === this.#sealedSize) this.#base = seq
    const place = seq - this.#base
    const held = this.#leaves[place]
    if (held !== undefined && held !== leaf) this.#forkAt ??= seq
    // What comes too early is sent again after a restart; a gap stays one.
    if (place !== this.#leaves.length || place >= LEAVES_MAX) return
    this.#leaves.push(leaf)
    this.isNew = true
  }

  takeCheckpoint({ note }: SealedCheckpoint): void {
    const shown = shownCheckpoint(note)
    this.isNew = true
    if (shown === undefined) this.#malformed++
    else this.#checkpoints.push(shown)
    // The newest stay, so that many that hold nothing keep none away that does.
    if (this.#checkpoints.length > CHECKPOINTS_MAX) this.#checkpoints.shift()
  }

  /** Forgets what the log holds by now. */
  forgetBelow(size: number): void {
    this.#leaves = this.#leaves.slice(Math.max(0, size - this.#base))
    this.#base = Math.max(size, this.#base)
    this.#checkpoints = this.#checkpoints.filter((one) => one.size > size)
  }

  material(): EpochMaterial {
    const material: EpochMaterial = {
      source: this.#topic,
      epoch: this.#epoch,
      inOrder: false,
      checkpoints: this.#checkpoints,
      malformed: this.#malformed,
      open: () => this.#readOpen(),
      leaves: async (from, visit) => {
        if (from < this.#base) return
        for (let i = from - this.#base; i < this.#leaves.length; i++) {
          if (visit(this.#leaves[i] as string) === 'stop') return
        }
      },
    }
    this.#malformed = 0
    return material
  }

  /** Whether the records reach as far as a checkpoint says. */
  reaches(size: number): boolean {
    return size <= this.#base + this.#leaves.length
  }

  async #readOpen(): Promise<EpochOpen> {
    const line = this.#open
    if (line === undefined) {
      throw new AuditError(
        'JOURNAL_UNUSABLE',
        `epoch ${this.#epoch}: its first record did not come`,
      )
    }
    const bytes: EpochBytes = {
      name: this.#topic,
      async *segments() {
        yield { file: 'first record', chunks: () => onlyChunk(line) }
      },
      checkpoints: () => nothing(),
    }
    return readOpen(bytes)
  }
}

async function* onlyChunk(line: Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.concat([line, Buffer.from('\n')])
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
