// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isLogName } from '@spanseal/core'
import { JournalTail } from './journal-tail.ts'
import { parseLine } from './record-lines.ts'

/** The names of the logs that a journal's newest records say they belong to, sorted. */
export function logsOfJournal(folder: string): string[] {
  const lines = new JournalTail(folder).newest(1).flat()
  const logs = lines.map((line) => {
    const record = parseLine(line) as { readonly chain?: { readonly log?: unknown } } | undefined
    return record?.chain?.log
  })
  return [...new Set(logs.filter((log) => typeof log === 'string'))].filter(isLogName).sort()
}
