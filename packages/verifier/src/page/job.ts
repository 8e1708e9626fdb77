// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isEpochId, notesIn, printableJson } from '@spanseal/core'
import type { Trusted } from '../examine.ts'
import { examine } from '../examine.ts'
import { headsIn, keysIn, witnessKeysIn } from '../given-text.ts'
import type { TitledStatement } from '../statement.ts'
import { statementsOf } from '../statement.ts'
import type { PageFile } from './page-files.ts'
import { givenFile } from './page-files.ts'

const PROGRESS_PAUSE_MILLIS = 50

/** What the page asks for, as it was typed. */
export interface Job {
  readonly files: readonly PageFile[]
  readonly keys: string
  readonly heads: string
  readonly witnesses: string
  readonly revocations: string
  readonly threshold: string
  readonly live: boolean
}

/** What the page is told. */
export type JobNews =
  | { readonly kind: 'progress'; readonly bytes: number; readonly totalBytes: number }
  | {
      readonly kind: 'done'
      readonly ok: boolean
      readonly json: string
      readonly statements: readonly TitledStatement[]
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** Does the job; never rejects. */
export async function runJob(
  job: Job,
  tell: (news: JobNews) => void,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  let toldAt = -PROGRESS_PAUSE_MILLIS
  try {
    const trusted = trustedOf(job)
    const files = job.files.map((file) => givenFile(file, between))
    const report = await examine(files, trusted, {
      onProgress(bytes, totalBytes) {
        const now = performance.now()
        if (now - toldAt < PROGRESS_PAUSE_MILLIS) return
        toldAt = now
        tell({ kind: 'progress', bytes, totalBytes })
      },
    })
    const statements = statementsOf(report, trusted)
    tell({ kind: 'done', ok: report.ok, json: printableJson(report, 2), statements })
  } catch (error) {
    const { code, message = String(error) } = error as { code?: unknown; message?: string }
    tell({ kind: 'failed', code: typeof code === 'string' ? code : 'UNREADABLE', message })
  }
}

function trustedOf({ files, heads, keys, live, revocations, threshold, witnesses }: Job): Trusted {
  return {
    keys: keysIn(keys),
    heads: headsIn(heads),
    witnesses: witnessKeysIn(witnesses),
    revocations: notesIn(revocations),
    ...(threshold.trim() === '' ? {} : { threshold: Number(threshold) }),
    live,
    // Who names single epochs knows of the others.
    partial: files.every(({ path }) => /^\d{12}\.jsonl$/.test(path) || isEpochId(topOf(path))),
  }
}

function topOf(path: string): string {
  return path.split('/')[0] ?? ''
}
