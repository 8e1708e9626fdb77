// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'

/** A call that was under way where a head was taken. */
export interface HeldCall {
  /** Of its start. */
  readonly seq: number
  /** What its end has to be like: SHA-256, 64 hex digits. */
  readonly likeness: string
  /** An `epoch.close` lists it as open. */
  readonly listed: boolean
}

/** An epoch up to a head, and what it takes to go on from there without reading it again. */
export interface HeldEpoch {
  readonly head: Checkpoint
  /** The compact range [0, size): it gives the head's root. */
  readonly nodes: readonly string[]
  /** Of `epoch.open`, which is read again. */
  readonly openingLeaf: string
  /** Of the last record of its opening, which is read again: observations count only if they lead to it. */
  readonly openingEndLeaf: string
  /** Of the last record, which is read again. */
  readonly leaf: string
  /** The first `seq` in the name of the segment with the last record; undefined where it has none. */
  readonly segment?: number | undefined
  /** Of the last record's first byte in that segment. */
  readonly byteOffset: number
  /** Of the last record, 1-based. */
  readonly line: number
  /** Behind the last note that was read. */
  readonly notesByteOffset: number
  /** 1-based. */
  readonly notesLine: number
  /** The largest size whose signed root is that of the records. */
  readonly coveredSize: number
  readonly rev: number
  /** The last record's. */
  readonly at: string
  readonly monoNanos: string
  /** Of the wall clock against the monotonic one, milliseconds. */
  readonly skewMillis?: number | undefined
  /** How many records its opening has: `epoch.open`, and each `epoch.observed` behind it. */
  readonly openingSize: number
  readonly closed: boolean
  readonly expiredSize: number
  readonly calls: readonly HeldCall[]
  /** Open calls that the `epoch.close` counts without listing them. */
  readonly callsUnlisted: number
}

/** Heads that the caller kept, with what it takes to verify only what is new since. */
export interface HeadFile {
  readonly epochs: readonly HeldEpoch[]
  /** The tenant log's. */
  readonly tenant?: Checkpoint | undefined
}
