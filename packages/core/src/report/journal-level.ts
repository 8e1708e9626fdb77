// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Verdict } from '../verify/verdict.ts'
import type { LevelText } from './statement.ts'

const NEVER_RECORDED = 'What was never recorded is beyond any check.'

/** What a level of a journal's verdict says, and what it does not. "Complete" is not said below 3. */
const LEVEL_TEXTS: Readonly<Record<Verdict['level'], LevelText>> = {
  0: {
    name: 'there are faults',
    means:
      'The records do not fit together as their writer left them. Do not rely on what the faults ' +
      'below name.',
    notProved: 'Anything about the records that are named below.',
  },
  1: {
    name: 'self-consistent',
    means:
      'Bytes, links, counts, calls and checkpoints agree with each other. A record that was ' +
      'changed, removed or put in afterwards would show, had it not been made to fit.',
    notProved:
      'Who wrote it. No key that you trust was compared: whoever can write the folder could have ' +
      `made all of it anew, keys included. ${NEVER_RECORDED}`,
  },
  2: {
    name: 'signed by a pinned key',
    means:
      'Records up to the last checkpoint of each epoch are the ones that a key you pinned has ' +
      'signed, in their order, and none was taken out between them.',
    notProved:
      'That nothing is absent at an end. Whoever can write the folder can edit the records behind ' +
      'the last checkpoint, cut an epoch back to one of its checkpoints until another epoch or a ' +
      `head outside names it, and remove the newest epoch whole. ${NEVER_RECORDED}`,
  },
  3: {
    name: 'complete up to the heads you gave',
    means:
      'Every record and epoch up to the heads you gave is there, unchanged, in order and signed. ' +
      'A head of the tenant log stands for all epochs that it names.',
    notProved:
      'What came after those heads, when it was written, and that you and others were shown the ' +
      `same log. ${NEVER_RECORDED}`,
  },
  4: {
    name: 'complete up to a head that witnesses cosigned',
    means:
      'Beyond level 3, the witnesses you named saw one and the same growing log: nobody was shown ' +
      'another, unless as many of them as you ask for deceive you together.',
    notProved:
      'What came after that head, what was sealed late or never, and when it was written but for ' +
      `what the witnesses say. ${NEVER_RECORDED}`,
  },
  5: {
    name: 'complete up to a head that was cosigned and time-stamped',
    means:
      'Beyond level 4, a time-stamp authority that you trust attests that all of it existed by the ' +
      'time shown; nothing of it can have been written later.',
    notProved:
      'What came after that head, and that it was not written earlier or otherwise than it says: ' +
      `a time-stamp bounds from above. ${NEVER_RECORDED}`,
  },
}

/** The records agree with each other, but not with the keys and heads that were given. */
const AGAINST_GIVEN: LevelText = {
  name: 'not what the keys and heads you gave vouch for',
  means:
    'The records agree with each other, as at level 1, but not with what you brought along: they ' +
    'are other ones, or yours are not the right keys and heads.',
  notProved: `Who wrote it, and that nothing is absent. ${NEVER_RECORDED}`,
}

/** An empty folder, a foreign file, a journal of another program. */
const NOTHING_CHECKED: LevelText = {
  name: 'nothing was checked',
  means: 'There is no record at what you named, so there is nothing that could hold.',
  notProved: 'Anything.',
}

/** What is there agrees, and it ends as a crash leaves it, or a writer at work. */
const OPEN_END: LevelText = {
  name: 'the end is not accounted for',
  means:
    'What is there agrees with itself, and ends as a crash leaves it, or a writer at work. ' +
    'Whoever cuts records off the end leaves the same.',
  notProved: `That nothing followed. ${NEVER_RECORDED}`,
}

const OPEN_END_CODES: ReadonlySet<string> = new Set(['torn', 'unanswered', 'unclosed'])

/** Faults may lie in the records, at their end only, or between them and what was given. */
export function journalLevel(verdict: Verdict): LevelText {
  const { checked, findings, heldByHead, level, ok, selfConsistent } = verdict
  if (ok) return LEVEL_TEXTS[level]
  if (checked + heldByHead === 0) return NOTHING_CHECKED
  if (selfConsistent) return AGAINST_GIVEN
  const faults = findings.filter(({ kind }) => kind === 'fault')
  const openEnd = faults.length > 0 && faults.every(({ code }) => OPEN_END_CODES.has(code))
  return openEnd ? OPEN_END : LEVEL_TEXTS[level]
}
