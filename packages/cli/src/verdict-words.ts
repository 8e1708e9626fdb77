// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { FindingCode, Verdict } from '@spanseal/core'

/** What a level says and what it does not. */
export interface LevelText {
  readonly name: string
  readonly means: string
  readonly notProved: string
}

const NEVER_RECORDED = 'What was never recorded is beyond any check.'

/** "Complete" is not said below level 3. */
export const LEVEL_TEXTS: Readonly<Record<Verdict['level'], LevelText>> = {
  0: {
    name: 'there are faults',
    means:
      'The records do not fit together as their writer left them, or nothing was there to check. ' +
      'Do not rely on what the faults below name.',
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
      'signed, in their order and without a gap between them.',
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
export const AGAINST_GIVEN: LevelText = {
  name: 'not what the keys and heads you gave vouch for',
  means:
    'The records agree with each other, as at level 1, but not with what you brought along: they ' +
    'are other ones, or yours are not the right keys and heads.',
  notProved: `Who wrote it, and that nothing is absent. ${NEVER_RECORDED}`,
}

/** An empty folder, a foreign file, a journal of another program. */
export const NOTHING_CHECKED: LevelText = {
  name: 'nothing was checked',
  means: 'There is no record at what you named, so there is nothing that could hold.',
  notProved: 'Anything.',
}

/** What is there agrees, and it ends as a crash leaves it, or a writer at work. */
export const OPEN_END: LevelText = {
  name: 'the end is not accounted for',
  means:
    'What is there agrees with itself, and ends as a crash leaves it, or a writer at work. ' +
    'Whoever cuts records off the end leaves the same.',
  notProved: `That nothing followed. ${NEVER_RECORDED}`,
}

/** What a code means, and what to do about a fault of it. */
export interface FindingText {
  readonly means: string
  readonly next?: string
}

const KEEP =
  'Keep the folder as it is (copy it, read-only) before anybody repairs it, and compare it with ' +
  'another copy: the topic audit.records.v1, a backup.'
const REVIEW_KEYS =
  'Ask who had access to the issuer key and the host; compare the key with its owner.'

/** In the order in which findings are listed. */
export const FINDING_TEXTS: Readonly<Record<FindingCode, FindingText>> = {
  edited: { means: 'A record is not the one that its successor links to.', next: KEEP },
  forged: {
    means:
      'The links fit, but signature, certificate, root, origin or an observation do not, or the ' +
      'tenant log says otherwise.',
    next: REVIEW_KEYS,
  },
  forked: {
    means: 'There are two different records for one place: the log was continued twice.',
    next: KEEP,
  },
  truncated: {
    means: 'An epoch is shorter than a checkpoint, a head or an observation says it was.',
    next: KEEP,
  },
  missing: {
    means: 'A record or an epoch that others name is not here.',
    next: KEEP,
  },
  duplicated: { means: 'The same record, or a second end of one call, is here twice.' },
  reordered: { means: 'Records do not stand in the order of their seq.', next: KEEP },
  schema: { means: 'A line is no record of the revision that its epoch declares.' },
  unanswered: {
    means: 'A call was begun, and no end of it is recorded.',
    next: 'Look at the calls without an end: spanseal timeline <trace id> --journal <folder>.',
  },
  torn: {
    means: 'There are bytes behind the last whole record or note.',
    next: 'Start the writer once more on the folder: it observes what a crash left, and says so.',
  },
  unclosed: {
    means:
      'An epoch was not closed, or nothing signs its end, so records may have been cut off or ' +
      'replaced there.',
    next:
      'If a writer is at work now, verify with --live. If one crashed, the next start of the ' +
      'agent on this folder observes and names the end.',
  },
  unsigned: {
    means:
      'Something lacks a signature that you trust: an epoch, a stub, witnesses, a time-stamp; or the ' +
      'key that vouched for it was revoked.',
    next:
      'Compare the keys: every host has an issuer of its own, and a new one every 90 days; ' +
      '`spanseal keys show` lists all of a host, and each is given with a --key of its own.',
  },
  unverifiable: {
    means: 'It cannot be read, or not by this version.',
    next:
      'Verify with the release that knows this record version; of what cannot be read, find out who ' +
      'put it there.',
  },
  clock: { means: 'Times run backwards or apart; the order is that of seq, not of time.' },
  expired: {
    means:
      'Records were removed when their retention had passed, and a stub stands for them; or a ' +
      'certificate was used outside its time.',
  },
  newer_rev: {
    means: 'Records of a newer revision: everything but their schema was checked.',
  },
}
