// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { parentPort, workerData } from 'node:worker_threads'
import { bytesTargets } from './bytes-targets.ts'
import { HOSTILE_SHAPES } from './hostile-shapes.ts'
import { readSamples } from './samples.ts'
import { textTargets } from './text-targets.ts'

/** A worker with little memory: gives every parser large inputs of all shapes, and says what it does. */

const { bytes } = workerData as { readonly bytes: number }
const samples = await readSamples()
for (const { name, seeds, run } of [...textTargets(samples), ...bytesTargets(samples)]) {
  for (const [shape, make] of Object.entries(HOSTILE_SHAPES)) {
    parentPort?.postMessage(`${name}: ${shape}`)
    try {
      await run(make(seeds[0] as Buffer, bytes))
    } catch {
      // What it throws is asserted elsewhere.
    }
  }
}
parentPort?.postMessage('done')
