// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { afterAll, expect, it } from 'vitest'
import type { FuzzReport } from './fuzz.ts'
import { fuzz, reportLines } from './fuzz.ts'
import { readSamples } from './samples.ts'
import { verdictTargets } from './verdict-targets.ts'

const RUNS = process.env['SLOW'] === '1' ? 5_000 : 150

const reports: FuzzReport[] = []
afterAll(() => {
  process.stdout.write(reportLines(reports))
})

it.each(verdictTargets(await readSamples()))(
  `$name: none of ${RUNS} changed ones holds for other content, and none throws`,
  async (target) => {
    const report = await fuzz(target, RUNS)
    reports.push(report)
    expect(report.runs).toBe(Math.ceil(RUNS * (target.share ?? 1)))
  },
)
