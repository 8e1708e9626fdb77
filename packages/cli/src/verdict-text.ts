// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { JournalFrame, StatementHints, Verdict } from '@spanseal/core'
import { journalStatement, printable } from '@spanseal/core'
import type { Sheet } from './statement-text.ts'
import { statementText } from './statement-text.ts'

/** A file or folder that was not read. */
export type Ignored = JournalFrame['ignored'][number]

/** What the verdict is about and how it was come by. */
export interface VerdictFrame extends Omit<JournalFrame, 'effort' | 'hints'> {
  readonly paths: readonly string[]
  readonly bytes: number
  readonly millis: number
}

/** The verdict on a journal for a person at a terminal. */
export function verdictText(verdict: Verdict, frame: VerdictFrame, sheet: Sheet): string {
  const { bytes, millis, paths } = frame
  const effort = { bytes, millis }
  return statementText(
    journalStatement(verdict, { ...frame, effort, hints: hintsFor(paths[0] ?? '<folder>') }),
    sheet,
  )
}

function hintsFor(folder: string): StatementHints {
  return {
    key: '--key <vkey>',
    heads: '--head <file>',
    log: '--log <folder> --witness k/n',
    live: 'verify with --live',
    json: '--json',
    showKeys: `spanseal keys show --journal ${printable(folder)}`,
    everyKey: '`spanseal keys show` lists all of a host, each takes a --key of its own',
    showCalls: 'spanseal timeline <trace id> --journal <folder>',
  }
}
