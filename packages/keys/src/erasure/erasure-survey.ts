// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditRecord, ErasureDetail } from '@spanseal/core'
import { commitmentsOf } from '@spanseal/core'
import type { PeriodKey } from '../period-keys.ts'

/** What a journal says about a kid. */
export interface ErasureSurvey {
  /** Commitments that name it. */
  readonly closed: number
  readonly openable: ErasureDetail['openable']
}

/**
 * Looks through records for what a key closed, and for what stays openable of its person.
 *
 * @param records at least those that mention the kid
 * @param periods the period keys that are there
 */
export async function surveyErasure(
  kid: string,
  records: AsyncIterable<AuditRecord>,
  periods: readonly PeriodKey[],
): Promise<ErasureSurvey> {
  const untilOf = new Map(periods.map(({ keys, until }) => [keys[0].kid, until]))
  // An end repeats its start's input: that is one commitment.
  const closed = new Set<string>()
  const openable = new Set<string>()
  let until = 0
  for await (const record of records) {
    const isNamed = namesPerson(record, `p1:${kid}`)
    for (const { commitment } of commitmentsOf(record)) {
      if (commitment.alg === 'sha256') continue
      const kids = [commitment.kid].flat()
      const end = untilOf.get(kids[0] ?? '')
      if (kids.includes(kid)) closed.add(commitment.c)
      else if (isNamed && end !== undefined) {
        openable.add(commitment.c)
        until = Math.max(until, end)
      }
    }
  }
  return {
    closed: closed.size,
    openable: {
      count: openable.size,
      ...(openable.size > 0 && { until: new Date(until).toISOString() }),
    },
  }
}

function namesPerson(record: AuditRecord, ref: string): boolean {
  if (!('actor' in record)) return false
  const { actor, context } = record
  return (
    actor.user.ref === ref ||
    actor.on_behalf_of?.includes(ref) === true ||
    context.subjects?.refs.includes(ref) === true
  )
}
