// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesTargets } from './bytes-targets.ts'
import { fileTargets } from './file-targets.ts'
import type { FuzzReport } from './fuzz.ts'
import { fuzz, reportLines } from './fuzz.ts'
import { readSamples } from './samples.ts'
import { textTargets } from './text-targets.ts'

const RUNS = process.env['SLOW'] === '1' ? 10_000 : 600

const samples = await readSamples()
const files = await fileTargets(samples)
afterAll(() => rmSync(files.folder, { recursive: true, force: true }))
const targets = [...textTargets(samples), ...bytesTargets(samples), ...files.targets]

describe('hostile inputs, guided by coverage', () => {
  const reports: FuzzReport[] = []
  afterAll(() => {
    process.stdout.write(reportLines(reports))
  })

  it.each(targets)(
    '$name: a value that is written as it was read, or a coded error',
    async (target) => {
      const report = await fuzz(target, RUNS)
      reports.push(report)
      expect(report.runs).toBe(Math.ceil(RUNS * (target.share ?? 1)))
    },
  )
})
