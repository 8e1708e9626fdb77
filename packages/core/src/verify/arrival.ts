// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { OpenFinding, Place } from './findings.ts'
import type { ReadRecord } from './read-record.ts'

/** Where a line lies. */
export interface Spot {
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly byteOffset: number
}

/** A record as it comes out of the stream, not yet placed in its chain. */
export interface Arrival {
  readonly read: ReadRecord
  /** The hash of its bytes. */
  readonly leaf: string
  readonly spot: Spot
  /** It stands in the range of a finding, so what follows from it is not listed again. */
  reported: boolean
  /** What was found about it alone: it breaks the schema, or is an end unlike its start. */
  flaw: OpenFinding | undefined
}

/** The place of a record for a finding. */
export function placeOf({ read, spot }: Arrival): Place & { readonly seq: number } {
  const { epoch, seq } = read.envelope.chain
  return { ...spot, epoch, seq }
}
