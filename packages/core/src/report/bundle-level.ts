// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleVerdict } from '../bundle/bundle-verdict.ts'
import type { LevelText } from './statement.ts'

const NOT_COMPLETE = 'That there are no other records, or that what this one says is true.'

/** What a level says of one record, and what it does not. */
const LEVEL_TEXTS: Readonly<Record<BundleVerdict['level'], LevelText>> = {
  0: {
    name: 'there are faults',
    means: 'The proof does not fit together, or is not what you brought along vouches for.',
    notProved: 'Anything.',
  },
  1: {
    name: 'the record is in its checkpoint',
    means: 'Record, path and checkpoint fit together.',
    notProved:
      'Who made it. No key that you trust was compared: anybody can make a proof that reads like ' +
      `this one. ${NOT_COMPLETE}`,
  },
  2: {
    name: 'signed by a pinned key',
    means: 'A key that one of your keys vouches for signed a checkpoint that holds this record.',
    notProved:
      'That the signature is as old as it says, and that the key was not revoked since. ' +
      NOT_COMPLETE,
  },
  3: {
    name: 'in a log that was seen outside',
    means:
      'Signed, and the head that it leads to is one that you kept, or that your witnesses cosigned.',
    notProved: `When it was written, beyond what it says. ${NOT_COMPLETE}`,
  },
  4: {
    name: 'cosigned by witnesses',
    means:
      'Signed, and enough of your witnesses saw the log that holds it: nobody was shown another, ' +
      'unless they deceive you together.',
    notProved: `When it was written, beyond what it says. ${NOT_COMPLETE}`,
  },
  5: {
    name: 'cosigned and time-stamped',
    means: 'Signed, cosigned, and a time-stamp authority that you trust saw that log’s head.',
    notProved: NOT_COMPLETE,
  },
}

const MALFORMED: LevelText = {
  name: 'this is no proof bundle',
  means: 'The file is not of the form that a proof bundle has, or is cut short.',
  notProved: 'Anything.',
}

/** A bundle speaks of one record, never of a whole log. */
export function bundleLevel({ findings, level }: BundleVerdict): LevelText {
  return findings[0]?.code === 'malformed' ? MALFORMED : LEVEL_TEXTS[level]
}
