// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { EpochProgress, EpochResult, EpochRunner } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import type { ThreadAnswer, ThreadRequest } from './verify-thread.ts'

/** Below this a second thread costs more than it saves: each compiles the checks anew, some 100 ms. */
const THREADS_BYTES_MIN = 64 * 1024 * 1024
/** The disk, not the processor, is what more would wait for. */
const THREADS_DEFAULT_MAX = 8
/** So that a thread always finds the next epoch waiting, however unlike they are in size. */
const EPOCHS_PER_THREAD = 4

/** How many threads `verify` takes unless it is told. */
export function defaultThreads(journalBytes: number): number {
  if (journalBytes < THREADS_BYTES_MIN) return 1
  return Math.min(availableParallelism(), THREADS_DEFAULT_MAX)
}

/** Threads that check epochs side by side. One epoch is always one thread's work. */
export class VerifyThreads implements EpochRunner {
  readonly concurrency: number
  readonly #max: number
  readonly #idle: Worker[] = []
  readonly #all: Worker[] = []
  readonly #waiting: ((worker: Worker) => void)[] = []

  constructor(threads: number) {
    this.#max = threads
    this.concurrency = threads * EPOCHS_PER_THREAD
  }

  async run(
    { name: path }: Parameters<EpochRunner['run']>[0],
    task: ThreadRequest['task'],
    progress: EpochProgress,
  ): Promise<EpochResult> {
    const worker = await this.#free()
    try {
      return await ask(worker, { path, task }, progress)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#idle.push(worker)
      else next(worker)
    }
  }

  /** Ends all threads, whatever they are at. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()))
  }

  #free(): Promise<Worker> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return Promise.resolve(idle)
    if (this.#all.length === this.#max) {
      return new Promise((resolve) => this.#waiting.push(resolve))
    }
    // The compiler rewrites the ending in imports, not in addresses.
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`./verify-thread.${ending}`, import.meta.url))
    // What a run waits for is told to it; in between nobody listens.
    worker.on('error', () => undefined)
    this.#all.push(worker)
    return Promise.resolve(worker)
  }
}

function ask(
  worker: Worker,
  request: ThreadRequest,
  progress: EpochProgress,
): Promise<EpochResult> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      worker.off('message', hear).off('error', fail).off('exit', gone)
      settle()
    }
    const hear = (answer: ThreadAnswer): void => {
      if (answer.kind === 'read') progress(answer.bytes)
      else if (answer.kind === 'done') end(() => resolve(answer.result))
      else end(() => reject(failureOf(answer)))
    }
    const fail = (error: unknown): void => end(() => reject(error as Error))
    const gone = (): void => fail(new Error('a thread ended before its epoch was checked'))
    worker.on('message', hear).on('error', fail).on('exit', gone)
    worker.postMessage(request)
  })
}

function failureOf({ code, details, message }: Extract<ThreadAnswer, { kind: 'failed' }>): Error {
  return code === undefined
    ? new Error(message)
    : new AuditError(code, message, { details: details ?? {} })
}
