// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** What the verifier reads; it opens no files itself. */

/** One segment file, or another run of an epoch's bytes, in order. */
export interface SegmentBytes {
  /** Named in findings, for instance the path within the journal. */
  readonly file: string
  /** The `seq` that its name promises for its first record. */
  readonly firstSeq?: number
  /**
   * The bytes in any cut, from `fromByte` (default 0) on; never kept. May be asked for again, and left
   * before the end. Only verification from a head file asks for another byte than the first.
   */
  chunks(fromByte?: number): AsyncIterable<Uint8Array>
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
  /** The `checkpoints` file, from `fromByte` (default 0) on: notes back to back, each after `<byte length>\n`. */
  checkpoints(fromByte?: number): AsyncIterable<Uint8Array>
  /**
   * The `stub` file of an epoch whose first records have expired: the stub's note and the retention
   * certificate's, framed like `checkpoints`. Undefined where there is none.
   */
  stub?(): Promise<string | undefined>
  /**
   * The newest file `delivered-<size>.json` of an epoch whose records were removed once they had been delivered;
   * undefined where there is none. It is never believed: what it claims is said beside what is missing.
   */
  delivered?(): Promise<string | undefined>
}

/** A tenant log as it is served: the log of epoch checkpoints that witnesses cosign. */
export interface TenantLogBytes {
  /** Named in findings. */
  readonly name: string
  /** Its newest checkpoint, a signed note, with the cosignatures that have arrived. */
  checkpoint(): Promise<string>
  /**
   * The first `size` entries, in order. May end early, or throw AuditError `MALFORMED_TILE` or
   * `NOT_FOUND`: then the log is not whole, and a finding says so.
   */
  entries(size: number): AsyncIterable<Uint8Array>
  /** RFC 3161 TimeStampResp in DER over SHA-256 of the checkpoint's text; none or some. */
  timestamps(): AsyncIterable<Uint8Array>
}
