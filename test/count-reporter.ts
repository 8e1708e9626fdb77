// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** What one Vitest run writes for the suite runner, as JSON, into the file named by the environment. */
export interface TestCounts {
  readonly passed: number
  /** Failed tests, files that could not be loaded, and errors outside of any test. */
  readonly failed: number
  readonly skipped: readonly SkippedTest[]
}

export interface SkippedTest {
  readonly name: string
  /** The reason given to `skip(reason)`. */
  readonly reason?: string
}

export const COUNTS_FILE_VARIABLE = 'SPANSEAL_TEST_COUNTS_FILE'

/** A Vitest reporter: unlike the one for JSON it keeps the reasons of skipped tests. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env[COUNTS_FILE_VARIABLE]
    if (file) writeFileSync(file, JSON.stringify(count(modules, errors.length)))
  }
}

function count(modules: readonly TestModule[], errorsOutside: number): TestCounts {
  let passed = 0
  let failed = errorsOutside
  const skipped: SkippedTest[] = []
  for (const module of modules) {
    failed += module.errors().length
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'passed') passed += 1
      else if (result.state === 'skipped') skipped.push(skippedTest(test.fullName, result.note))
      else failed += 1
    }
    for (const suite of module.children.allSuites()) failed += suite.errors().length
  }
  return { passed, failed, skipped }
}

function skippedTest(name: string, reason: string | undefined): SkippedTest {
  return reason === undefined ? { name } : { name, reason }
}
