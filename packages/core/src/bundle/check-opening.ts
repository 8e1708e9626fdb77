// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Commitment } from '../commitment.ts'
import { commitmentAt, commitmentDigest } from '../opening.ts'
import type { AuditRecord } from '../record.ts'
import type { Envelope } from '../verify/read-record.ts'
import type { BundleOpening } from './bundle.ts'

/** Why an opening does not hold, or the commitment that it opens. */
export type OpeningOutcome = { readonly flaw: string } | { readonly commitment: Commitment }

/**
 * Recomputes the commitment at its place (`spec/bundle.md`, Opening); never throws.
 *
 * @param record of any revision
 */
export function checkOpening(record: Envelope, opening: BundleOpening): OpeningOutcome {
  const { enc, field, salt } = opening
  const placed = commitmentAt(record as AuditRecord, field)
  if (placed === undefined) return { flaw: 'there is no commitment' }
  const { commitment, place } = placed
  const { alg, c } = commitment
  if (commitment.enc !== enc) return { flaw: 'the commitment is over another encoding' }
  if (alg === 'sha256' && salt !== undefined) {
    return { flaw: 'the commitment is plain, and the opening has a salt' }
  }
  if (alg === 'blinded-sha256' && salt === undefined) {
    return { flaw: 'the commitment is blinded, and the opening has no salt' }
  }
  const body = Buffer.from(opening.value, 'base64')
  if (commitmentDigest({ enc, body }, place, salt) === c) return { commitment }
  return { flaw: 'value and salt give another one' }
}
