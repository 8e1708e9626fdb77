// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'

/** Where a reader begins where nothing is committed; places are `<topic>/<partition>`. */
export type Beginning =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'end' }
  | { readonly kind: 'offsets'; readonly offsets: ReadonlyMap<string, bigint> }
  | { readonly kind: 'time'; readonly millis: number }

/** One partition as it was found. */
export interface FoundPartition {
  readonly place: string
  readonly low: bigint
  /** The offset of the next message to come. */
  readonly high: bigint
  /** The first offset at or after the time asked for, in decimal digits. */
  readonly found?: string | undefined
}

/**
 * The first offset to read. What has expired cannot be read: the partition is then read from its
 * lowest offset. A partition for which no offset is named is read from its beginning.
 *
 * @throws AuditError `INVALID_OPTION` for an offset behind the end: reading would begin at an
 * unforeseen place, or leave out what comes until then
 */
export function beginningOf(from: Beginning, { place, low, high, found }: FoundPartition): bigint {
  switch (from.kind) {
    case 'beginning':
      return low
    case 'end':
      return high
    case 'time':
      return found === undefined ? low : later(BigInt(found), low)
    case 'offsets': {
      const wanted = from.offsets.get(place) ?? low
      if (wanted <= high) return later(wanted, low)
      throw new AuditError(
        'INVALID_OPTION',
        `kafkaSource.from: ${place} ends at ${high}, before ${wanted}; give an offset up to that`,
        { details: { option: 'kafkaSource.from' } },
      )
    }
  }
}

/** @throws AuditError `INVALID_OPTION` for a partition that is named and does not exist */
export function assertPartitions(from: Beginning, places: ReadonlySet<string>): void {
  if (from.kind !== 'offsets') return
  const missing = [...from.offsets.keys()].find((place) => !places.has(place))
  if (missing === undefined) return
  throw new AuditError(
    'INVALID_OPTION',
    `kafkaSource.from: there is no partition ${missing}; give one of the ${places.size} there are`,
    { details: { option: 'kafkaSource.from' } },
  )
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
