// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Statement, StatementHints } from '@spanseal/core'
import { bundleStatement, journalStatement, printable } from '@spanseal/core'
import type { Report, Trusted } from './examine.ts'

/** What one of several verdicts says, and what it is about. */
export interface TitledStatement extends Statement {
  readonly subject: string
}

/** What a report says: of the journal first, then of each bundle. */
export function statementsOf(
  { bundles, ignored, journal }: Report,
  { heads, keys }: Trusted,
  hints: StatementHints = {},
): TitledStatement[] {
  const given = { keysPinned: keys.length, headsGiven: heads.length, hints }
  return [
    ...(journal === undefined
      ? []
      : [{ subject: 'Journal', ...journalStatement(journal, { ...given, ignored }) }]),
    ...bundles.map(({ file, verdict }) => ({
      subject: printable(`Bundle ${file}`),
      ...bundleStatement(verdict, given),
    })),
  ]
}
