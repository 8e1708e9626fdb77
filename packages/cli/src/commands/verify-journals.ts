// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { VerdictToHead } from '@spanseal/core'
import { verifyToHead } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { journalBytes, progressOf } from '../progress.ts'
import type { Terminal } from '../terminal.ts'
import type { Ignored, VerdictFrame } from '../verdict-text.ts'
import { defaultThreads, VerifyThreads } from '../verify-threads.ts'
import type { TrustOptions } from './verify-options.ts'
import { verifyOptions } from './verify-options.ts'

/** What lies beside a journal's files is named as far as a person would read. */
const IGNORED_MAX = 100

/** What a verification came to, and what its report says besides. */
export interface JournalsVerdict extends VerdictToHead {
  readonly frame: VerdictFrame
}

/** Verifies journals as they lie there, on threads where they are large, with a status line. */
export async function verifyJournals(
  paths: readonly string[],
  options: TrustOptions,
  terminal: Terminal,
): Promise<JournalsVerdict> {
  const given = verifyOptions(paths, options)
  // Of what a head stands for only the end is read.
  const total = given.since === undefined ? journalBytes(paths) : 0
  const progress = progressOf('verifying', total, terminal)
  const ignored: Ignored[] = []
  const onIgnored = (path: string, reason: string): void => {
    if (ignored.length < IGNORED_MAX) ignored.push({ path, reason })
  }
  const threads = options.threads ?? defaultThreads(total)
  const runner = threads > 1 ? new VerifyThreads(threads) : undefined
  try {
    const outcome = await verifyToHead(readJournal(paths, { onIgnored }), {
      ...given,
      ...(runner !== undefined && { runner }),
      onProgress: (bytes) => progress.reach(bytes),
    })
    const { bytes, millis } = progress
    const keysPinned = given.keys?.length ?? 0
    const headsGiven = given.heads?.length ?? 0
    return { ...outcome, frame: { paths, keysPinned, headsGiven, ignored, bytes, millis } }
  } finally {
    await runner?.close()
    terminal.clearStatus()
  }
}
