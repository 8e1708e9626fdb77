// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleFindingCode } from '../bundle/bundle-verdict.ts'
import type { FindingCode } from '../verify/verdict.ts'

/** What the code of a journal's finding means; groups of findings are listed in this order. */
export const JOURNAL_CODES: Readonly<Record<FindingCode, string>> = {
  edited:
    'Bytes are not the ones that were written: a link does not fit, or what stands there is no ' +
    'record or note.',
  forged:
    'The links fit, but signature, certificate, root, origin or an observation do not, or the ' +
    'tenant log says otherwise.',
  forked: 'There are two different records for one place: the log was continued twice.',
  truncated: 'An epoch is shorter than a checkpoint, a head or an observation says it was.',
  missing: 'A record or an epoch that others name is not here.',
  duplicated: 'The same record, or a second end of one call, is here twice.',
  reordered: 'Records do not stand in the order of their seq.',
  schema: 'A line is no record of the revision that its epoch declares.',
  unanswered: 'A call was begun, and no end of it is recorded.',
  torn: 'There are bytes behind the last whole record or note.',
  unclosed:
    'An epoch was not closed, or nothing signs its end, so records may have been cut off or ' +
    'replaced there.',
  unsigned:
    'Something lacks a signature that you trust: an epoch, a stub, witnesses, a time-stamp; or the ' +
    'key that vouched for it was revoked.',
  unverifiable: 'It cannot be read, or not by this version.',
  gap: 'The log says itself that records could not be written, or calls were not made, and how many.',
  clock: 'Times run backwards or apart; the order is that of seq, not of time.',
  expired:
    'Records were removed when their retention had passed, and a stub stands for them; or a ' +
    'certificate was used outside its time.',
  newer_rev: 'Records of a newer revision: everything but their schema was checked.',
}

/** What the code of a bundle's finding means: of one record, and of what vouches for it. */
export const BUNDLE_CODES: Readonly<Record<BundleFindingCode, string>> = {
  malformed: 'The file does not have the form of a proof bundle.',
  edited: 'The record, or a part of its proof, is not what was signed.',
  forged: 'A signature, a certificate, an origin or an opened value does not fit.',
  forked: 'A head that you gave names other contents of the same size: the log was written twice.',
  schema: 'The record does not have the fields that its type asks for.',
  unsigned:
    'No key, witness or authority that you trust vouches for it, or the key that did was revoked.',
  unverifiable: 'It cannot be compared with what you gave, or not be read by this version.',
  clock: 'Times do not agree with each other.',
  expired: 'A certificate was used outside its time.',
  newer_rev: 'A record of a newer revision: everything but its schema was checked.',
}
