// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { availableParallelism } from 'node:os'
import type { TestProjectInlineConfiguration } from 'vitest/config'
import { defineConfig } from 'vitest/config'
import { inCi } from './test/in-ci.ts'
import type { FileSuite } from './test/suites.ts'
import { suites } from './test/suites.ts'

const SLOW = process.env['SLOW'] === '1'
const DEFAULT_TEST_TIMEOUT_MILLIS = 10_000
/**
 * What is slow on purpose, or on a busy machine, may take as long as it needs: a test that passes does
 * not pay for patience, and the runner has a limit for the whole.
 */
const PATIENCE = SLOW ? 10 : inCi ? 4 : 1
/** Of `expect.poll`, where it names no time: 1 s of its own would be an assertion about time. */
const POLL_TIMEOUT_MILLIS = 8_000

/**
 * The private export condition leads from `@spanseal/*` to the TypeScript source. The list replaces
 * Vite's own, and Vite keeps one for `resolve` and one for `ssr`: with only one of them set, tests
 * silently run against `dist`. Without `module`: OpenTelemetry 2.x has such a build for bundlers only,
 * with imports that Node cannot resolve.
 */
const conditions = ['spanseal-source', 'node', 'development']

function project(suite: FileSuite): TestProjectInlineConfiguration {
  const timeoutMillis = (suite.testTimeoutMillis ?? DEFAULT_TEST_TIMEOUT_MILLIS) * PATIENCE
  return {
    extends: true,
    test: {
      name: suite.name,
      include: [...suite.files],
      exclude: ['**/node_modules/**', '**/dist/**', ...(suite.without ?? [])],
      setupFiles: [
        './test/setup/fast-check.ts',
        ...(suite.sharesProcesses ? ['./test/setup/shared-process.ts'] : []),
      ],
      testTimeout: timeoutMillis,
      hookTimeout: timeoutMillis,
      expect: { poll: { timeout: POLL_TIMEOUT_MILLIS * PATIENCE } },
      isolate: suite.sharesProcesses !== true,
    },
  }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    // By default one core stays idle, of two that is half: Vitest itself has little to do meanwhile.
    maxWorkers: availableParallelism(),
    // For what the tests load outside Vite: workers, `import()` of a package, forked children.
    execArgv: ['--conditions=spanseal-source'],
    projects: suites.filter((suite) => 'files' in suite).map(project),
  },
})
