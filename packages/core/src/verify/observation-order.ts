// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Findings } from './findings.ts'
import type { Observation, Opening } from './openings.ts'

/**
 * Epochs observe what was there before them, so observations never lead back to where they begin;
 * where they do, one of the epochs was made up. Each circle is reported once, at the observation
 * that closes it. Depth-first without recursion: chains of observations are as long as a journal.
 */
export function checkObservationOrder(openings: readonly Opening[], findings: Findings): void {
  const byEpoch = new Map<string, Opening>()
  for (const opening of openings) {
    if (opening.epoch !== undefined) byEpoch.set(opening.epoch, opening)
  }
  const state = new Map<Opening, 'entered' | 'left'>()
  for (const opening of openings) {
    if (state.has(opening)) continue
    state.set(opening, 'entered')
    const path = [{ opening, next: 0 }]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const seen = top.opening.observations[top.next++]
      const target = seen && byEpoch.get(seen.epoch)
      if (seen === undefined) {
        state.set(top.opening, 'left')
        path.pop()
      } else if (target !== undefined && state.get(target) === 'entered') {
        reportCircle(seen, findings)
      } else if (target !== undefined && !state.has(target)) {
        state.set(target, 'entered')
        path.push({ opening: target, next: 0 })
      }
    }
  }
}

function reportCircle({ epoch, by, seq, spot }: Observation, findings: Findings): void {
  const message =
    epoch === by
      ? 'The epoch says that it was there before itself.'
      : `The epoch says that epoch ${epoch} was there before it, and that one says the opposite.`
  const place = { ...spot, epoch: by, seq }
  findings.fault({ code: 'forged', check: 'epoch', message }, place)
}
