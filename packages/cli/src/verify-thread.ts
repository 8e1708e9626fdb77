// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { parentPort } from 'node:worker_threads'
import type { EpochBytes, EpochResult, EpochTask, ErrorCode, ErrorDetails } from '@spanseal/core'
import { AuditError, runEpoch } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'

/** A thread of `spanseal verify`: runs the checks over one epoch after the other. */

/** What a thread is asked: an epoch by its path. */
export interface ThreadRequest {
  readonly path: string
  readonly task: EpochTask
}

/** What it answers: how far it is, and in the end one of the others. */
export type ThreadAnswer =
  | { readonly kind: 'read'; readonly bytes: number }
  | { readonly kind: 'done'; readonly result: EpochResult }
  | {
      readonly kind: 'failed'
      readonly message: string
      /** Undefined for what is no AuditError. */
      readonly code?: ErrorCode
      readonly details?: ErrorDetails
    }

async function epochAt(path: string): Promise<EpochBytes> {
  for await (const epoch of readJournal(path)) return epoch
  throw new AuditError('NOT_FOUND', `${path}: there is no epoch any more`)
}

async function answer({ path, task }: ThreadRequest): Promise<ThreadAnswer> {
  try {
    const read = (bytes: number): void => say({ kind: 'read', bytes })
    return { kind: 'done', result: await runEpoch(await epochAt(path), task, read) }
  } catch (error) {
    if (error instanceof AuditError) {
      const { code, details, message } = error
      return { kind: 'failed', code, details, message }
    }
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
}

function say(message: ThreadAnswer): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', (request: ThreadRequest) => {
  void answer(request).then(say)
})
