// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import { MerkleFrontier } from '../merkle.ts'
import { hashOfLikeness } from './call-likeness.ts'
import type { EpochOutcome } from './epoch-outcome.ts'
import { epochOfOrigin } from './given-heads.ts'
import type { HeadFile, HeldEpoch } from './head-file.ts'

/**
 * The epochs of a head file, by id.
 *
 * @throws AuditError `MALFORMED_HEAD` when a head does not follow from what stands with it, or an epoch
 * is there twice
 */
export function checkHeld(file: HeadFile | undefined): ReadonlyMap<string, HeldEpoch> {
  const held = new Map<string, HeldEpoch>()
  for (const one of file?.epochs ?? []) {
    const { origin, root, size } = one.head
    const epoch = epochOfOrigin(origin)
    const tree = MerkleFrontier.resume(size, one.nodes)
    if (size > 0 && tree?.root() === root && !held.has(epoch)) {
      held.set(epoch, one)
      continue
    }
    const why = held.has(epoch) ? 'is there twice' : 'does not follow from what stands with it'
    throw new AuditError('MALFORMED_HEAD', `the head of ${JSON.stringify(origin)} ${why}`)
  }
  return held
}

/** Those from which to go on: where the head ends within the opening, reading it anew is as cheap. */
export function resumable(held: ReadonlyMap<string, HeldEpoch>): ReadonlyMap<string, HeldEpoch> {
  return new Map([...held].filter(([, { head, openingSize }]) => openingSize < head.size))
}

/** What it takes to go on behind these epochs another time. */
export function heldEpochs(outcomes: readonly EpochOutcome[]): HeldEpoch[] {
  return outcomes.flatMap(({ calls, point }) => {
    if (point === undefined) return []
    const open = [...calls.open].map(([seq, { likeness, listed }]) => ({
      seq,
      likeness: hashOfLikeness(likeness),
      listed,
    }))
    return [{ ...point, calls: open, callsUnlisted: calls.unlisted }]
  })
}
