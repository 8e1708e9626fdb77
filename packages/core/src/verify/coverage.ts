// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochOutcome } from './epoch-outcome.ts'
import type { Observation } from './openings.ts'

/**
 * How many records of each epoch trusted signatures answer for: its own checkpoints, and those of later
 * epochs, whose signed beginning names the leaf of a record of this one and so all before it. An
 * epoch that died before its first checkpoint is held by the one that found it.
 *
 * Linear: each observation is followed once.
 */
export function signedCoverage(
  outcomes: readonly EpochOutcome[],
  trusts: (outcome: EpochOutcome) => boolean,
): Map<EpochOutcome, number> {
  const covered = new Map<EpochOutcome, number>()
  const madeBy = new Map<Observation, EpochOutcome>()
  for (const outcome of outcomes) {
    covered.set(outcome, trusts(outcome) ? outcome.coveredSize : 0)
    for (const seen of outcome.observers) madeBy.set(seen, outcome)
  }
  const followed = new Map<EpochOutcome, number>()
  const queue = [...outcomes]
  for (let observer = queue.pop(); observer !== undefined; observer = queue.pop()) {
    const upTo = covered.get(observer) ?? 0
    const { observations } = observer.opening
    let next = followed.get(observer) ?? 0
    for (; next < observations.length; next++) {
      const seen = observations[next] as Observation
      if (seen.seq >= upTo) break
      const target = madeBy.get(seen)
      if (target === undefined || seen.size <= (covered.get(target) ?? 0)) continue
      covered.set(target, seen.size)
      queue.push(target)
    }
    followed.set(observer, next)
  }
  return covered
}
