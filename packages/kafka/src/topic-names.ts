// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { textOption } from './option-guards.ts'

/** The topics of one log. */
export interface TopicNames {
  /** Records: key = epoch, value = the canonical line. */
  readonly records: string
  /** Checkpoints: key = epoch, value = the signed note. */
  readonly checkpoints: string
  /** Messages of the two other topics that could not be read. */
  readonly deadLetters: string
}

/**
 * The names of the topics: `audit.records.v1`, `audit.checkpoints.v1`, `audit.dead-letters.v1`, each
 * after `prefix`.
 *
 * @param prefix up to 150 letters, digits, `.`, `_` and `-`, for instance `acme.`
 * @throws AuditError `INVALID_OPTION`
 */
export function topicNames(prefix?: string): TopicNames {
  const start = textOption('topicPrefix', prefix, {
    pattern: /^[A-Za-z0-9._-]{0,150}$/,
    expected: 'up to 150 letters, digits, ".", "_" and "-"',
    fallback: '',
  })
  return {
    records: `${start}audit.records.v1`,
    checkpoints: `${start}audit.checkpoints.v1`,
    deadLetters: `${start}audit.dead-letters.v1`,
  }
}
