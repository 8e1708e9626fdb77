// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync, unlinkSync, utimesSync } from 'node:fs'
import type { JournalFs } from '../journal-fs.ts'
import { nodeFs } from '../journal-fs.ts'

/** The calls by which a spool changes what is on disk; tests put faults in between. */
export interface SpoolFs extends JournalFs {
  unlinkSync(path: string): void
  /** Sets both times, in Unix milliseconds. */
  utimesSync(path: string, atMillis: number): void
}

export const nodeSpoolFs: SpoolFs = {
  ...nodeFs,
  unlinkSync,
  utimesSync: (path, atMillis) => utimesSync(path, atMillis / 1_000, atMillis / 1_000),
}

/** Removes a draft of our own, or one that a crash left; never throws. */
export function removeDraft(path: string): void {
  rmSync(path, { force: true })
}
