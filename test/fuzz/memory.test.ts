// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'

const MEBIBYTE = 1024 * 1024
/** Node itself, our code and the samples take a third of it. */
const HEAP_MEBIBYTES_MAX = 64

it(`inputs of 1 MiB in every shape fit into ${HEAP_MEBIBYTES_MAX} MiB of heap, whatever the parser`, async () => {
  const worker = new Worker(new URL('large-inputs.fixture.ts', import.meta.url), {
    workerData: { bytes: MEBIBYTE },
    execArgv: ['--conditions=spanseal-source', '--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES_MAX },
  })
  let last = 'nothing'
  worker.on('message', (message: string) => void (last = message))
  const failed = await Promise.race([
    once(worker, 'exit').then(() => undefined),
    once(worker, 'error').then(([error]: unknown[]) => error),
  ]).catch((error: unknown) => error)
  expect({ last, failed }).toEqual({ last: 'done', failed: undefined })
})
