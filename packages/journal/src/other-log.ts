// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { AuditError, isLogName } from '@spanseal/core'
import { linesFrom } from './file-lines.ts'
import { isShortage } from './journal-fs.ts'
import { listEpochs, listSegments } from './journal-layout.ts'
import { parseLineHead } from './line-head.ts'
import { openSegment } from './segment-file.ts'

/** So many epochs, from the newest on, are asked for their log; most journals answer at the first. */
const ASKED_MAX = 8

/**
 * One folder, one log: epochs observe each other, and those of another log would look forged.
 *
 * @throws AuditError `JOURNAL_UNUSABLE` naming both logs
 */
export function refuseOtherLog(journal: string, log: string): void {
  for (const epoch of listEpochs(journal).slice(-ASKED_MAX).reverse()) {
    const found = logOf(join(journal, epoch), epoch)
    if (found === log) return
    if (found === undefined) continue
    throw new AuditError(
      'JOURNAL_UNUSABLE',
      `journal: ${journal} holds the log ${found} (epoch ${epoch}), and a journal holds one log ` +
        `only; name another folder for ${log}`,
      { details: { option: 'journal', file: journal } },
    )
  }
}

/** The log that an epoch's first record names, or undefined where there is no such record. */
function logOf(folder: string, epoch: string): string | undefined {
  try {
    const [segment] = listSegments(folder)
    if (segment === undefined) return undefined
    const file = openSegment(segment)
    try {
      const line = linesFrom(file, 0).next()
      const head = line.done === true ? undefined : parseLineHead(line.value.bytes)
      const isOpen = head?.type === 'epoch.open' && head.epoch === epoch
      return isOpen && isLogName(head.log) ? head.log : undefined
    } finally {
      file.close()
    }
  } catch (error) {
    if (isShortage(error)) throw error
    return undefined
  }
}
