// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Verdict } from '@spanseal/core'

/** What a level says, and what it does not. */
export interface LevelWords {
  readonly name: string
  readonly means: string
  readonly notProved: string
}

type Level = Verdict['level']

const NEVER_RECORDED = 'What was never recorded is beyond any check.'

/** Of a journal. "Complete" is not said below level 3. */
export const JOURNAL_WORDS: Readonly<Record<Level, LevelWords>> = {
  0: {
    name: 'there are faults',
    means: 'The records do not fit together as their writer left them. See the faults below.',
    notProved: 'Anything about the records that are named below.',
  },
  1: {
    name: 'self-consistent',
    means:
      'Bytes, links, counts, calls and checkpoints agree with each other. A change that was not ' +
      'made to fit everywhere would show.',
    notProved:
      'Who wrote it: no key that you trust was compared. Whoever can write the files could have ' +
      `made all of them anew, keys included. ${NEVER_RECORDED}`,
  },
  2: {
    name: 'signed by a key you trust',
    means:
      'Up to the last checkpoint of each epoch these are the records that a key you gave has ' +
      'signed, in their order and without a gap between them.',
    notProved:
      'That nothing is absent at an end: an epoch may be cut back to one of its checkpoints, the ' +
      `newest epoch removed whole, and the records behind a last checkpoint edited. ${NEVER_RECORDED}`,
  },
  3: {
    name: 'complete up to the heads you gave',
    means: 'Every record up to the heads you gave is there, unchanged, in order and signed.',
    notProved: `What came after those heads, and when it was written. ${NEVER_RECORDED}`,
  },
  4: {
    name: 'complete, and cosigned by your witnesses',
    means: 'Beyond level 3, the witnesses saw one growing log: nobody was shown another.',
    notProved: `What came after those heads, and when it was written. ${NEVER_RECORDED}`,
  },
  5: {
    name: 'complete, cosigned and time-stamped',
    means: 'Beyond level 4, a time-stamp authority attests that it existed by a certain time.',
    notProved: `What came after those heads. ${NEVER_RECORDED}`,
  },
}

/** The records agree with each other, but not with what the examiner brought along. */
export const AGAINST_TRUSTED: LevelWords = {
  name: 'not what your keys and heads vouch for',
  means:
    'The records agree with each other, but not with what you brought along: they are other ones, ' +
    'or yours are not the right keys and heads.',
  notProved: `Who wrote it, and that nothing is absent. ${NEVER_RECORDED}`,
}

/** An empty folder, a foreign file. */
export const NOTHING_THERE: LevelWords = {
  name: 'nothing was checked',
  means: 'There is no record in what you gave, so there is nothing that could hold.',
  notProved: 'Anything.',
}

const NOT_THE_LOG = 'That the log it stands in is complete, or what else was recorded.'

/** Of a proof bundle: it speaks of one record, never of a whole log. */
export const BUNDLE_WORDS: Readonly<Record<Level, LevelWords>> = {
  0: {
    name: 'there are faults',
    means: 'The bundle does not show what it is meant to show. See the faults below.',
    notProved: 'Anything about the record.',
  },
  1: {
    name: 'the record is in the checkpoint',
    means: 'The record leads to the root of the checkpoint that came with it.',
    notProved: `Who signed that checkpoint: no key that you trust was compared. ${NOT_THE_LOG}`,
  },
  2: {
    name: 'signed by a key you trust',
    means: 'The record is in an epoch that a key you gave has signed.',
    notProved: `When it was written. ${NOT_THE_LOG}`,
  },
  3: {
    name: 'in a log whose head you have',
    means: 'The head that it leads to is one that you keep, or one that your witnesses have seen.',
    notProved: `When it was written. ${NOT_THE_LOG}`,
  },
  4: {
    name: 'in a log that your witnesses cosigned',
    means: 'Beyond level 3, your witnesses saw the log that it is in.',
    notProved: `When it was written. ${NOT_THE_LOG}`,
  },
  5: {
    name: 'cosigned and time-stamped',
    means: 'Beyond level 4, a time-stamp authority attests that it existed by a certain time.',
    notProved: NOT_THE_LOG,
  },
}

/** What a code of a finding means. */
export const CODE_WORDS: Readonly<Record<string, string>> = {
  edited: 'Bytes are not the ones that were written.',
  forged: 'The links fit, but a signature, a certificate, a root, an origin or a value does not.',
  forked: 'There are two different records for one place: the log was continued twice.',
  duplicated: 'The same record, or a second end of one call, is here twice.',
  missing: 'A record or an epoch that others name is not here.',
  truncated: 'An epoch is shorter than a checkpoint, a head or an observation says it was.',
  reordered: 'Records do not stand in the order of their seq.',
  schema: 'A line is no record of the revision that its epoch declares.',
  unanswered: 'A call was begun, and no end of it is recorded.',
  torn: 'There are bytes behind the last whole record or note.',
  unclosed: 'An epoch was not closed, so records may have been cut off its end.',
  unsigned: 'No checkpoint signs an epoch, or no key that you gave vouches for its key.',
  unverifiable: 'This version of the verifier cannot check it.',
  malformed: 'A file is not of the format that it should have.',
  clock: 'Times run backwards or apart; the order is that of seq, not of time.',
  expired: 'Records were removed when their retention had passed, or a certificate has run out.',
  newer_rev: 'Records of a newer revision: everything but their schema was checked.',
}
