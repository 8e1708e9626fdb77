// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Vitest setup file of suites whose test files share processes: no file shall notice which one ran
 * before it. OpenTelemetry's globals are taken back; whatever else a process has only once must be as
 * the file found it, or the file fails.
 */

import { deepStrictEqual } from 'node:assert/strict'
import { context, diag, metrics, propagation, trace } from '@opentelemetry/api'
import { afterAll } from 'vitest'

const EVENTS = [
  ...['SIGINT', 'SIGTERM', 'SIGHUP', 'exit', 'beforeExit'],
  ...['uncaughtException', 'unhandledRejection'],
]

function whatFilesShare(): object {
  const listeners = EVENTS.map((event) => [event, process.listenerCount(event)])
  return { cwd: process.cwd(), umask: process.umask(), listeners }
}

// Setup files run anew for each test file.
const before = whatFilesShare()
const env = { ...process.env }

afterAll(() => {
  for (const api of [trace, context, propagation, metrics, diag]) api.disable()
  deepStrictEqual(whatFilesShare(), before)
  // Names only: values may be secrets.
  const names = new Set([...Object.keys(env), ...Object.keys(process.env)])
  const changed = [...names].filter((name) => process.env[name] !== env[name])
  deepStrictEqual({ changed }, { changed: [] })
})
