// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { SignedSizes } from './signed-sizes.ts'

/** Certificates of one epoch that are taken from a tenant log; a sealer adds one. */
export const CERTIFICATES_MAX = 16

/** A certificate entry of a tenant log. */
export interface LoggedCertificate {
  /** SHA-256 of the note, 64 hex digits. */
  readonly digest: string
  /** Of the entry. */
  readonly index: number
}

/** What a tenant log says of an epoch. */
export interface NamedEpoch {
  readonly certificates: LoggedCertificate[]
  /** The checkpoint entries; `line` is the entry's index. */
  readonly sizes: SignedSizes
  /** Of its first entry. */
  readonly firstIndex: number
  /** The largest size below the head up to which completeness is claimed. */
  anchoredSize: number
}

export function namedEpoch(firstIndex: number): NamedEpoch {
  return { certificates: [], sizes: new SignedSizes(1), firstIndex, anchoredSize: 0 }
}

/** A checkpoint entry whose root the records do not have. */
export interface LoggedMismatch {
  readonly size: number
  /** Of the entry. */
  readonly index: number
}
