// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ObservedEpoch, RecordDraft } from '@spanseal/core'
import type { CreatedEpoch } from './create-epoch.ts'
import { createEpoch } from './create-epoch.ts'
import { gapDraft } from './gap.ts'
import { openJournalFolder, unusable } from './journal-path.ts'
import type { LeftGap } from './left-gaps.ts'
import { claimGap, leftGaps } from './left-gaps.ts'
import type { OwnEpochs } from './own-epochs.ts'
import { surveyJournal } from './survey.ts'
import type { WriterSettings } from './writer-options.ts'

/** `epoch.open` holds this many observations, further ones follow in `epoch.observed`. */
const OBSERVED_MAX = 64

export interface NextEpoch extends CreatedEpoch {
  /** What it opens with behind `epoch.open`: further observations, and gaps that others left. */
  readonly opening: readonly RecordDraft[]
  /** Those gaps. */
  readonly gaps: readonly LeftGap[]
  /** Epochs that need no observation any more, once these are durable. */
  readonly settled: readonly string[]
}

/**
 * Looks at the journal's other epochs, and creates one that names them.
 *
 * @param own epochs of the asking writer, which it closed or gave up; the new one is added as soon as
 * others can see it
 */
export function openNextEpoch(settings: WriterSettings, own: OwnEpochs): NextEpoch {
  const { journal, refuseInside, fs, keys, clock, durability } = settings
  // Again for every epoch: meanwhile it may have been removed, or replaced by a link.
  if (openJournalFolder(journal, refuseInside) !== journal) {
    throw unusable(journal, 'was replaced by a link')
  }
  const durable = durability !== 'none'
  const nowMillis = clock.wallMillis()
  const { observed, settled } = surveyJournal({
    ...{ journal, heads: keys.heads, fs, nowMillis, durable },
    ...{ own: own.ids, sizes: own.sizes },
  })
  const crashed = observed.filter(({ state }) => state === 'crashed').map(({ epoch }) => epoch)
  const over = [...new Set([...settled, ...crashed])].filter((epoch) => !own.ids.has(epoch))
  const { left, unsettled } = leftGaps({ journal, nowMillis, epochs: over })
  const first = observed.slice(0, OBSERVED_MAX)
  const onPublished = (epoch: string): void => void own.ids.add(epoch)
  const created = createEpoch({ ...settings, durable, observed: first, onPublished })
  const by = created.live.chain.epoch
  const gaps = left.filter(({ epoch }) => claimGap({ fs, journal, nowMillis, by }, epoch))
  const opening = [...furtherObserved(observed), ...gaps.map(({ gap }) => gapDraft(gap))]
  const isSettled = (epoch: string): boolean => !unsettled.has(epoch)
  return { ...created, opening, gaps, settled: settled.filter(isSettled) }
}

function furtherObserved(all: readonly ObservedEpoch[]): RecordDraft[] {
  const drafts: RecordDraft[] = []
  for (let i = OBSERVED_MAX; i < all.length; i += OBSERVED_MAX) {
    const detail = { observed: all.slice(i, i + OBSERVED_MAX) }
    drafts.push({ type: 'epoch.observed', severity: 'info', detail })
  }
  return drafts
}
