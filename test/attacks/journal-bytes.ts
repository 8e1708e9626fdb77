// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Verdict, VerifyOptions } from '@spanseal/core'
import { isEpochId, verify } from '@spanseal/core'
import type { JournalFiles } from '../vectors/journal-files.ts'
import { epochsOf } from '../vectors/journal-files.ts'

/** What is evidence in a journal, by path, for changes too many to be made on a disk. */
export function journalBytes(journal: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const epoch of readdirSync(journal).filter(isEpochId).sort()) {
    for (const name of readdirSync(join(journal, epoch)).sort()) {
      if (!name.endsWith('.jsonl') && name !== 'checkpoints') continue
      files.set(`${epoch}/${name}`, readFileSync(join(journal, epoch, name)))
    }
  }
  return files
}

/** The verdict on a journal of which one file has other bytes. */
export function verifyWith(
  files: JournalFiles,
  change: { readonly path: string; readonly bytes: Uint8Array },
  options: VerifyOptions,
): Promise<Verdict> {
  return verify(epochsOf(new Map([...files, [change.path, change.bytes]])), options)
}
