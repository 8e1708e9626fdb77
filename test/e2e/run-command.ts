// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

export const ROOT: string = resolve(import.meta.dirname, '../..')

export interface CommandResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a script of the repository under this Node, as a user would. */
export function runNode(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((done, reject) => {
    const env = { ...process.env, NO_COLOR: '1', ...options.env }
    const child = spawn(process.execPath, args, { cwd: options.cwd ?? ROOT, env })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject).on('close', (status) => done({ status, stdout, stderr }))
  })
}

/** The `spanseal` command, as `npx spanseal` runs it. */
export function spanseal(...args: string[]): Promise<CommandResult> {
  return runNode(['packages/cli/bin/spanseal.js', ...args])
}
