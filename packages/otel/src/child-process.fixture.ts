// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** Where `@spanseal/otel` and `@opentelemetry/api` are found. */
const folder = fileURLToPath(new URL('..', import.meta.url))

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  /** In front of the program. */
  readonly args?: readonly string[]
  readonly type?: 'module' | 'commonjs'
  /** Sent once the program has written a line. */
  readonly signal?: NodeJS.Signals
}

export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program under this Node, from the TypeScript sources, until it ends by itself. */
export function runProgram(program: string, options: ChildOptions = {}): Promise<ChildEnd> {
  const { env = {}, args = [], type = 'module', signal } = options
  const own = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env }
  const conditions = '--conditions=spanseal-source'
  const child = spawn(
    process.execPath,
    [conditions, ...args, `--input-type=${type}`, '--eval', program],
    { cwd: folder, env: own },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += String(chunk)
      if (signal !== undefined && stdout.includes('\n')) child.kill(signal)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += String(chunk)
    })
    child.on('error', reject)
    child.on('close', (code, by) => resolve({ code, signal: by, stdout, stderr }))
  })
}
