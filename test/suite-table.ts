// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Suite } from './suites.ts'
import { suites } from './suites.ts'

const SECONDS_FILE = join(import.meta.dirname, '../node_modules/.cache/spanseal/suite-seconds.json')

/** Seconds that each suite took when it last passed on this machine, by its name. */
type SuiteSeconds = Readonly<Record<string, number>>

/** The table of CONTRIBUTING.md: suite × (check, test, SLOW=1, CI), with times of this machine. */
export function suiteTable(): string {
  const seconds = readSeconds()
  const head = '| suite | what | `check` | `test` | `SLOW=1` | CI | needs | seconds |'
  const rows = suites.map((suite) => row(suite, seconds[suite.name]))
  return [head, head.replace(/[^|]+/g, '---'), ...rows].join('\n')
}

function row(suite: Suite, seconds: number | undefined): string {
  const slowOnly = suite.tier === 'slow'
  const cells = [
    suite.name,
    suite.what,
    suite.tier === 'check' ? 'yes' : '',
    slowOnly ? '' : 'yes',
    'yes',
    slowOnly ? 'with SLOW=1' : (suite.optionalInCi ?? 'mandatory'),
    suite.need ?? '',
    seconds === undefined ? '' : seconds.toFixed(1),
  ]
  return `| ${cells.join(' | ')} |`
}

export function rememberSeconds(name: string, seconds: number): void {
  mkdirSync(dirname(SECONDS_FILE), { recursive: true })
  writeFileSync(SECONDS_FILE, JSON.stringify({ ...readSeconds(), [name]: seconds }))
}

function readSeconds(): SuiteSeconds {
  try {
    return JSON.parse(readFileSync(SECONDS_FILE, 'utf8')) as SuiteSeconds
  } catch {
    return {} // Nothing measured yet, or a file cut short: only the column of times is lost.
  }
}
