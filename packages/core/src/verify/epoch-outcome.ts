// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Spot } from './arrival.ts'
import type { EpochKey } from './epoch-open-check.ts'
import type { Observation, Opening } from './openings.ts'
import type { SeqRanges } from './seq-ranges.ts'

/** Bytes behind the last record. */
export interface TornTail {
  readonly bytes: number
  /** Known where an observer saw the epoch end. */
  readonly sha256: string | undefined
  readonly spot: Spot
}

/** What became of one epoch. */
export interface EpochOutcome {
  readonly opening: Opening
  /** The id that its place promises, else that of its first record. */
  readonly epoch: string | undefined
  readonly log: string | undefined
  /** How far the chain reaches. */
  readonly size: number
  /** Records that were checked. */
  readonly checked: number
  /** There is an `epoch.close`. */
  readonly closed: boolean
  readonly key: EpochKey | undefined
  readonly openedAtMillis: number
  /** Its checkpoints were signed before their records were durable. */
  readonly unsynced: boolean
  /** The largest size whose signed root is that of the records. */
  readonly coveredSize: number
  /** The largest size of a given head whose root is that of the records. */
  readonly headSize: number
  /** The largest size that checkpoints and given heads name. */
  readonly claimedSize: number
  readonly checkpointFaults: number
  /** Observations that its records bear out. */
  readonly observers: ReadonlySet<Observation>
  readonly forked: boolean
  /** Bytes behind the last record, where there are any. */
  readonly torn: TornTail | undefined
  /** Records follow where an observer saw the epoch end. */
  readonly pastEnd: boolean
  /** Of a version that is not known here: nothing was checked. */
  readonly unverifiable: boolean
  /** Lines that are records of other epochs. */
  readonly foreignCount: number
  /** The last line that was read. */
  readonly lastSpot: Spot | undefined
  /** Records that may have ended any call; shared with the check of calls. */
  readonly lostEnds: SeqRanges
}
