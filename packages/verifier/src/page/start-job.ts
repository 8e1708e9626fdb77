// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Job, JobNews } from './job.ts'
import { runJob } from './job.ts'

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string }
}

/** The page lets no script be loaded but by this one rule: its own, from memory. */
function workerUrl(source: string): string {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes }
  policy ??= trustedTypes?.createPolicy('spanseal-worker', { createScriptURL: (each) => each })
  return policy === undefined ? url : policy.createScriptURL(url)
}

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined

/**
 * Starts a job in a worker made of `source`; where a browser refuses workers to pages from a disk,
 * in the page itself, which then gets a turn after each piece that is read.
 *
 * @returns stops it; nothing is told afterwards
 */
export function startJob(job: Job, source: string, tell: (news: JobNews) => void): () => void {
  let stopped = false
  let worker: Worker | undefined
  const pass = (news: JobNews): void => {
    if (!stopped) tell(news)
  }
  const runHere = (): void => {
    worker = undefined
    void runJob(job, pass, () => nextTurn(() => stopped))
  }
  try {
    worker = new Worker(workerUrl(source))
  } catch {
    runHere()
    return () => {
      stopped = true
    }
  }
  let answered = false
  worker.addEventListener('message', ({ data }: MessageEvent<JobNews>) => {
    answered = true
    pass(data)
    if (data.kind !== 'progress') worker?.terminate()
  })
  worker.addEventListener('error', (event) => {
    event.preventDefault()
    if (stopped || worker === undefined) return
    if (answered) pass({ kind: 'failed', code: 'UNEXPECTED', message: event.message })
    else runHere()
  })
  worker.postMessage(job)
  return () => {
    stopped = true
    worker?.terminate()
  }
}

function nextTurn(stopped: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => {
      // A job that was stopped is left where it waits.
      if (!stopped()) resolve()
    }, 0)
  })
}

/** The other end, in the worker. */
export function serveJobs(): void {
  globalThis.addEventListener('message', ({ data }: MessageEvent<Job>) => {
    void runJob(data, (news) => (globalThis as unknown as Worker).postMessage(news))
  })
}
