// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Admissions } from './admissions.ts'
import type { Spot } from './arrival.ts'
import type { EpochCalls } from './call-check.ts'
import type { EpochKey } from './epoch-open-check.ts'
import type { FindingsPart } from './findings.ts'
import type { HeldEpoch } from './head-file.ts'
import type { LoggedMismatch, NamedEpoch } from './named-epoch.ts'
import type { Observation, Opening } from './openings.ts'
import type { SeqRanges } from './seq-ranges.ts'

/** Bytes behind the last record. */
export interface TornTail {
  readonly bytes: number
  /** Known where an observer saw the epoch end. */
  readonly sha256: string | undefined
  readonly spot: Spot
}

/** What it takes to go on from here another time, but for open calls. */
export type EpochPoint = Omit<HeldEpoch, 'calls' | 'callsUnlisted'>

/**
 * What the run over one epoch found out: data that can be cloned, so that a run can take place
 * elsewhere. The one reference between runs is {@link EpochRun.prints}, for copies.
 */
export interface EpochResult {
  readonly findings: FindingsPart
  readonly calls: EpochCalls
  readonly doubts: SeqRanges
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
  /** What its records say against themselves. */
  readonly admissions: Admissions
  /** The largest size whose signed root is that of the records. */
  readonly coveredSize: number
  /** The largest size of a given head whose root is that of the records. */
  readonly headSize: number
  /** The root over all records; undefined where their places are in doubt. */
  readonly root: string | undefined
  /** The first checkpoint of the tenant log whose root the records do not have. */
  readonly loggedMismatch: LoggedMismatch | undefined
  /** Records that a trusted head stands for, and that were not read. */
  readonly heldSize: number
  /** Records up to here that are gone, and that a stub stands for; 0 without one. */
  readonly expiredSize: number
  /** Nothing is left of the epoch but its opening and a stub that holds. */
  readonly endExpired: boolean
  /** Undefined where something is in doubt. */
  readonly point: EpochPoint | undefined
  /** The largest size that checkpoints and given heads name. */
  readonly claimedSize: number
  readonly checkpointFaults: number
  /** Observations that its records bear out, by their place in the list that was given. */
  readonly confirmed: readonly number[]
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

/** An epoch that has been read, among the others. */
export interface EpochOutcome extends EpochResult {
  readonly opening: Opening
  /** Observations that its records bear out. */
  readonly observers: ReadonlySet<Observation>
  /** What the tenant log says of it. */
  readonly named: NamedEpoch | undefined
}
