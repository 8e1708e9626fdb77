// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ChainCheck } from './chain-check.ts'
import type { CheckpointCheck } from './checkpoint-check.ts'
import type { EpochPoint } from './epoch-outcome.ts'
import type { HeldRecords } from './record-check.ts'

/** Where the last record lies. */
export type LastRecord = Pick<EpochPoint, 'leaf' | 'segment' | 'byteOffset' | 'line'>

interface Reached {
  /** `<log>/<epoch>`. */
  readonly origin: string
  readonly expiredSize: number
  readonly chain: Pick<ChainCheck, 'nodes' | 'root' | 'size'>
  readonly records: HeldRecords
  readonly checkpoints: Pick<CheckpointCheck, 'coveredSize' | 'notesEnd'>
}

/** From where another verification can go on; undefined where the places of records are in doubt. */
export function pointOf(last: LastRecord, reached: Reached): EpochPoint | undefined {
  const { chain, checkpoints, expiredSize, origin, records } = reached
  const [root, nodes] = [chain.root(), chain.nodes()]
  if (root === undefined || nodes === undefined) return undefined
  const { clock, closed, openingEndLeaf, openingLeaf, openingSize, rev } = records
  const { coveredSize, notesEnd } = checkpoints
  return {
    head: { origin, size: chain.size, root },
    nodes,
    openingLeaf,
    openingEndLeaf,
    leaf: last.leaf,
    segment: last.segment,
    byteOffset: last.byteOffset,
    line: last.line,
    notesByteOffset: notesEnd.byteOffset,
    notesLine: notesEnd.line,
    coveredSize,
    rev,
    at: clock.at,
    monoNanos: clock.monoNanos,
    skewMillis: clock.skewMillis,
    openingSize,
    closed,
    expiredSize,
  }
}
