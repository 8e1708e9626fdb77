// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from './errors.ts'
import { leafHashOfFrame } from './hash.ts'
import { MerkleFrontier } from './merkle.ts'
import { NO_PREV, RECORD_BYTES_MAX } from './record.ts'

const LF = 0x0a

/** One line, ready to be written: `bytes` is valid until the next call. */
export interface Frame {
  /** The line's UTF-8 and its LF. */
  readonly bytes: Buffer
  /** The line's RFC 6962 leaf hash, 64 hex digits. */
  readonly leaf: string
}

/**
 * The chain of one epoch: the place of the next record, the hash it links to, the tree over all
 * hashes. Two steps, so that a write that fails leaves the chain as it was: {@link frame}, then, once
 * the bytes are written, {@link advance}.
 */
export class EpochChain {
  readonly log: string
  readonly epoch: string
  readonly #tree = new MerkleFrontier()
  #prev = NO_PREV
  // One byte for the leaf prefix, the line, one for its LF.
  readonly #frame = Buffer.allocUnsafe(RECORD_BYTES_MAX + 2)

  constructor(log: string, epoch: string) {
    this.log = log
    this.epoch = epoch
  }

  /** Records so far, which is the `seq` of the next one. */
  get size(): number {
    return this.#tree.size
  }

  /** The leaf of the last record; 64 zeros before the first. */
  get prev(): string {
    return this.#prev
  }

  /** The RFC 6962 root over all records so far. */
  root(): string {
    return this.#tree.root()
  }

  /**
   * Encodes and hashes a line.
   *
   * @throws AuditError `RECORD_TOO_LARGE` when it has over 65,535 bytes
   */
  frame(line: string): Frame {
    // UTF-8 needs at most three bytes a UTF-16 code unit, so only long lines have to be measured.
    if (line.length * 3 > RECORD_BYTES_MAX && Buffer.byteLength(line) > RECORD_BYTES_MAX) {
      throw new AuditError(
        'RECORD_TOO_LARGE',
        `a record of ${Buffer.byteLength(line)} bytes; at most ${RECORD_BYTES_MAX} fit`,
        { details: { epoch: this.epoch, seq: this.size } },
      )
    }
    const end = 1 + this.#frame.write(line, 1)
    const leaf = leafHashOfFrame(this.#frame, end)
    this.#frame[end] = LF
    return { bytes: this.#frame.subarray(1, end + 1), leaf }
  }

  /** Takes the framed line into the chain. */
  advance(leaf: string): void {
    this.#tree.append(leaf)
    this.#prev = leaf
  }
}
