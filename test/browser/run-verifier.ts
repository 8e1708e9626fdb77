// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { DIST } from './verifier-page.ts'

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A Node to run the program with. */
export interface NodeHere {
  readonly version: string
  readonly path: string
}

/** The Node of the tests, and whichever others are on the path: one of each major version. */
export function nodesHere(): NodeHere[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = folders.map((folder) => join(folder, 'node')).filter((path) => existsSync(path))
  const majors = new Map<string, NodeHere>()
  for (const path of [process.execPath, ...found]) {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim()
    const major = version.split('.')[0] as string
    if (Number(major.slice(1)) >= 20 && !majors.has(major)) majors.set(major, { version, path })
  }
  return [...majors.values()]
}

/** Runs the built program; `cwd` is where relative paths begin. */
export function runVerifier(
  args: readonly string[],
  { cwd = DIST, node = process.execPath }: { cwd?: string; node?: string } = {},
): Promise<Outcome> {
  return new Promise((done, reject) => {
    const env = { PATH: process.env['PATH'], NO_COLOR: '1' }
    const child = spawn(node, [join(DIST, 'verify.mjs'), ...args], { cwd, env })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject).on('close', (status) => done({ status, stdout, stderr }))
  })
}
