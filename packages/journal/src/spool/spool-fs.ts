// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { unlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { JournalFs } from '../journal-fs.ts'
import { nodeFs } from '../journal-fs.ts'

/** The calls by which a spool changes what is on disk; tests put faults in between. */
export interface SpoolFs extends JournalFs {
  unlinkSync(path: string): void
  /** Sets the times of access and change, in Unix milliseconds. */
  utimesSync(path: string, atMillis: number): void
}

export const nodeSpoolFs: SpoolFs = {
  ...nodeFs,
  unlinkSync,
  utimesSync: (path, atMillis) => utimesSync(path, atMillis / 1_000, atMillis / 1_000),
}

/** Where a file is written that shall appear whole; two who write it at once have each their own. */
export function draftPath(folder: string, name: string): string {
  return join(folder, `.${name}.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`)
}

/** Removes a draft after a failure; never throws. */
export function removeDraft(fs: SpoolFs, path: string): void {
  try {
    fs.unlinkSync(path)
  } catch {
    // It was not there yet; or it stays, is read by nobody, and is removed by a later run.
  }
}
