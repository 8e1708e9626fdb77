// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process'

export interface CommandOptions {
  readonly cwd?: string
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** The command is killed after this time. Default: 2 min; 0 for no limit. */
  readonly timeoutMillis?: number
}

/** Of a busy machine, too: what answers in time does not pay for it. */
const TIMEOUT_MILLIS = 120_000

export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a command to its end and returns what it wrote.
 * @throws Error with the command line and both outputs when it cannot be run or fails.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const settings = {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      timeout: options.timeoutMillis ?? TIMEOUT_MILLIS,
      killSignal: 'SIGKILL' as const,
      maxBuffer: 64 * 1024 * 1024,
    }
    execFile(command, args, settings, (error, stdout, stderr) => {
      if (!error) return resolve({ stdout, stderr })
      const line = [command, ...args].join(' ')
      reject(new Error(`${line}: ${error.message}\n${stdout}${stderr}`, { cause: error }))
    })
  })
}

/** Whether the command can be run and succeeds. */
export async function succeeds(
  command: string,
  args: readonly string[],
  options?: CommandOptions,
): Promise<boolean> {
  return runCommand(command, args, options).then(
    () => true,
    () => false,
  )
}
