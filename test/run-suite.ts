// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestCounts } from './count-reporter.ts'
import { COUNTS_FILE_VARIABLE } from './count-reporter.ts'
import { inCi } from './in-ci.ts'
import { needs } from './needs.ts'
import type { FileSuite, Suite } from './suites.ts'

export interface SuiteResult extends TestCounts {
  readonly suite: Suite
  readonly seconds: number
  /** Why the whole suite was skipped, or failed without a failed test. */
  readonly reason?: string
  /** What its processes wrote. */
  readonly output: string
}

/** A suite that hangs is ended after this time. */
const SUITE_LIMIT_MILLIS = 30 * 60_000
const SLOW_SUITE_LIMIT_MILLIS = 180 * 60_000
/** Time to stop servers and remove folders after Ctrl-C. */
const STOP_GRACE_MILLIS = 5_000

const root = join(import.meta.dirname, '..')
const SLOW = process.env['SLOW'] === '1'
/** Process groups, so that what a test started ends with it. */
const GROUPS = process.platform !== 'win32'

const COLOURS = process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }

const running = new Set<ChildProcess>()

/** Runs one suite to its end; what goes wrong is in the result, it never rejects. */
export async function runSuite(suite: Suite): Promise<SuiteResult> {
  const started = performance.now()
  const outcome = await attempt(suite)
  return { suite, ...outcome, seconds: (performance.now() - started) / 1_000 }
}

/** Ends what runs: first asks, then kills. */
export async function stopRunning(signal: NodeJS.Signals): Promise<void> {
  for (const child of running) signalGroup(child, signal)
  const deadline = performance.now() + STOP_GRACE_MILLIS
  while (running.size > 0 && performance.now() < deadline) await sleep(50)
  for (const child of running) signalGroup(child, 'SIGKILL')
}

type Outcome = Omit<SuiteResult, 'suite' | 'seconds'>

async function attempt(suite: Suite): Promise<Outcome> {
  if (suite.tier === 'slow' && !SLOW) return skippedSuite('set SLOW=1')
  const missing = suite.need && (await needs[suite.need]())
  if (missing !== undefined) return withoutNeed(suite, missing)
  return 'steps' in suite ? runStepSuite(suite.steps) : runFileSuite(suite)
}

function withoutNeed(suite: Suite, missing: string): Outcome {
  const optional = !inCi || suite.optionalInCi !== undefined
  return optional ? skippedSuite(missing) : failedSuite(`mandatory in CI: ${missing}`)
}

function skippedSuite(reason: string): Outcome {
  return { passed: 0, failed: 0, skipped: [{ name: 'all of it', reason }], reason, output: '' }
}

function failedSuite(reason: string, output = ''): Outcome {
  return { passed: 0, failed: 1, skipped: [], reason, output }
}

async function runStepSuite(steps: FileSuite['before'] & {}): Promise<Outcome> {
  let output = ''
  for (const step of steps) {
    const end = await runNode(step)
    output += end.output
    if (end.problem !== undefined) return failedSuite(end.problem, output)
  }
  return { passed: 1, failed: 0, skipped: [], output }
}

async function runFileSuite(suite: FileSuite): Promise<Outcome> {
  const prepared = await runStepSuite(suite.before ?? [])
  if (prepared.failed > 0) return prepared
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-suite-'))
  try {
    const countsFile = join(folder, 'counts.json')
    const reporters = ['--reporter=default', '--reporter=./test/count-reporter.ts']
    const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', suite.name, ...reporters]
    if (suite.serial) args.push('--no-file-parallelism')
    // What an interrupted test leaves in its temporary folder goes with ours.
    const end = await runNode(args, { [COUNTS_FILE_VARIABLE]: countsFile, TMPDIR: folder })
    return judge(suite, end, countsFile)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function judge(suite: FileSuite, end: End, countsFile: string): Outcome {
  if (!existsSync(countsFile)) return failedSuite(end.problem ?? 'no test was run', end.output)
  const counts = JSON.parse(readFileSync(countsFile, 'utf8')) as TestCounts
  const ran = counts.passed + counts.failed
  if (end.problem !== undefined && counts.failed === 0) {
    const reason = ran === 0 && counts.skipped.length === 0 ? 'no test was found' : end.problem
    return { ...counts, failed: 1, reason, output: end.output }
  }
  if (ran > 0) return { ...counts, output: end.output }
  const silent = counts.skipped.length === 0
  const mandatory = inCi && suite.optionalInCi === undefined
  if (silent) return failedSuite('no test was found', end.output)
  if (mandatory)
    return failedSuite('mandatory in CI, and all of its tests were skipped', end.output)
  return { ...counts, output: end.output }
}

interface End {
  readonly output: string
  /** How it ended, unless it ended well. */
  readonly problem?: string
}

function runNode(args: readonly string[], env: Record<string, string> = {}): Promise<End> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...COLOURS, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: GROUPS,
    })
    running.add(child)
    const limitMillis = SLOW ? SLOW_SUITE_LIMIT_MILLIS : SUITE_LIMIT_MILLIS
    const limit = setTimeout(() => signalGroup(child, 'SIGKILL'), limitMillis)
    const finish = (problem: string | undefined): void => {
      clearTimeout(limit)
      running.delete(child)
      const output = Buffer.concat(chunks).toString()
      resolve(problem === undefined ? { output } : { output, problem })
    }
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) => finish(error.message))
    child.on('close', (code, signal) =>
      finish(code === 0 ? undefined : `ended with ${signal ?? `exit status ${code}`}`),
    )
  })
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(GROUPS ? -child.pid : child.pid, signal)
  } catch {
    // It has just ended by itself.
  }
}
