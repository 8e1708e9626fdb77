// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ObservedEpoch } from '@spanseal/core'
import type { CreatedEpoch } from './create-epoch.ts'
import { createEpoch } from './create-epoch.ts'
import { openJournalFolder, unusable } from './journal-path.ts'
import type { OwnEpochs } from './own-epochs.ts'
import { surveyJournal } from './survey.ts'
import type { WriterSettings } from './writer-options.ts'

/** `epoch.open` holds this many observations, further ones follow in `epoch.observed`. */
export const OBSERVED_MAX = 64

export interface NextEpoch extends CreatedEpoch {
  /** Observations for which `epoch.open` had no place. */
  readonly unnamed: readonly ObservedEpoch[]
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
  const first = observed.slice(0, OBSERVED_MAX)
  const onPublished = (epoch: string): void => void own.ids.add(epoch)
  const created = createEpoch({ ...settings, durable, observed: first, onPublished })
  return { ...created, unnamed: observed.slice(OBSERVED_MAX), settled }
}
