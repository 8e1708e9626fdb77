// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { constants } from 'node:os'
import { parseArgs } from 'node:util'
import type { SuiteResult } from './run-suite.ts'
import { runSuite, stopRunning } from './run-suite.ts'
import { rememberSeconds, suiteTable } from './suite-table.ts'
import type { Suite } from './suites.ts'
import { suites } from './suites.ts'

const usage = `usage: npm test -- [suite…]      run all suites, or those named
       npm test -- --list        print the suites as a Markdown table
       npm run check             format, lint, types and unit tests only

SLOW=1 runs the slow variants too; CI=true makes every mandatory suite fail where it cannot run.
Suites: ${suites.map((suite) => suite.name).join(', ')}`

/** More skipped tests of one suite than this are summed up. */
const SKIPPED_SHOWN_MAX = 20
const NAME_WIDTH = Math.max(...suites.map((suite) => suite.name.length))

let interruptedBy: NodeJS.Signals | undefined

async function main(): Promise<void> {
  const flag = { type: 'boolean' } as const
  const options = { check: flag, list: flag, help: flag }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  if (values.help) return console.log(usage)
  if (values.list) return console.log(suiteTable())
  const unknown = positionals.find((name) => !suites.some((suite) => suite.name === name))
  if (unknown !== undefined) {
    console.error(`no suite is called ${unknown}\n\n${usage}`)
    process.exitCode = 2
    return
  }
  const results: SuiteResult[] = []
  for (const suite of chosen(positionals, values.check ?? false)) {
    results.push(await run(suite))
    if (interruptedBy !== undefined) {
      process.exitCode = 128 + constants.signals[interruptedBy]
      return
    }
  }
  summarise(results)
}

function chosen(names: readonly string[], check: boolean): readonly Suite[] {
  if (names.length > 0) return suites.filter((suite) => names.includes(suite.name))
  return check ? suites.filter((suite) => suite.tier === 'check') : suites
}

async function run(suite: Suite): Promise<SuiteResult> {
  const name = suite.name.padEnd(NAME_WIDTH)
  if (process.stdout.isTTY) process.stdout.write(`  ${name}  …`)
  const result = await runSuite(suite)
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K')
  if (interruptedBy !== undefined) return result
  const failed = result.failed > 0
  const time = `${result.seconds.toFixed(1)} s`.padStart(8)
  console.log(`${failed ? '✗' : ' '} ${name} ${time}  ${describe(result)}`)
  if (failed && result.output !== '') console.log(`${result.output.trimEnd()}\n`)
  if (!failed && result.passed > 0) rememberSeconds(suite.name, result.seconds)
  return result
}

function describe(result: SuiteResult): string {
  const { passed, failed, skipped, reason } = result
  if (passed === 0 && failed === 0 && reason !== undefined) return `skipped: ${reason}`
  const counts = [`${passed} passed`]
  if (failed > 0) counts.push(`${failed} failed`)
  if (skipped.length > 0) counts.push(`${skipped.length} skipped`)
  return counts.join(', ') + (reason === undefined ? '' : ` (${reason})`)
}

function summarise(results: readonly SuiteResult[]): void {
  console.log()
  for (const result of results) for (const line of skippedLines(result)) console.log(line)
  const failing = results.filter((result) => result.failed > 0).map((result) => result.suite.name)
  if (failing.length > 0) console.log(`failed: ${failing.join(', ')}`)
  const total = (count: (result: SuiteResult) => number): number =>
    results.reduce((sum, result) => sum + count(result), 0)
  const failed = total((result) => result.failed)
  const passed = total((result) => result.passed)
  console.log(`${passed} passed, ${failed} failed, ${total((r) => r.skipped.length)} skipped`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}

function skippedLines({ suite, skipped }: SuiteResult): string[] {
  // Tests that are skipped as a group have the reason in their name.
  const lines = skipped.map(({ name, reason }) => {
    const why = reason ?? (name.includes('(skipped: ') ? undefined : 'no reason given')
    return `skipped: ${suite.name}: ${name}${why === undefined ? '' : `: ${why}`}`
  })
  if (lines.length <= SKIPPED_SHOWN_MAX) return lines
  const hidden = lines.length - SKIPPED_SHOWN_MAX
  return [...lines.slice(0, SKIPPED_SHOWN_MAX), `skipped: ${suite.name}: ${hidden} more`]
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interruptedBy = signal
    console.error(`\n${signal}: stopping`)
    void stopRunning(signal)
    process.once('SIGINT', () => process.exit(130)) // a second Ctrl-C does not wait
  })
}

await main()
