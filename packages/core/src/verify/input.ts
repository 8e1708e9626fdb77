// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** What the verifier reads; it opens no files itself. */

/** One segment file, or another run of an epoch's bytes, in order. */
export interface SegmentBytes {
  /** Named in findings, for instance the path within the journal. */
  readonly file: string
  /** The `seq` that its name promises for its first record. */
  readonly firstSeq?: number
  /** The bytes in any cut; never kept. May be asked for again, and left before the end. */
  chunks(): AsyncIterable<Uint8Array>
}

/** One epoch as it lies in a folder, a file or a topic. */
export interface EpochBytes {
  /** Named in findings. */
  readonly name: string
  /** The id that the folder's name promises. */
  readonly epoch?: string
  /**
   * In ascending order of their first `seq`. Asked for twice: what epochs say of each other at their
   * beginning is read before everything else.
   */
  segments(): AsyncIterable<SegmentBytes>
  /** The `checkpoints` file: notes back to back, each after `<byte length>\n`. */
  checkpoints(): AsyncIterable<Uint8Array>
}
