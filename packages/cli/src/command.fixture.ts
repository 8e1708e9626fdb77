// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { run } from './program.ts'
import { openTerminal } from './terminal.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

export interface CommandOutcome {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** The command as a process of its own, in an environment without our variables. */
export function startCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcessWithoutNullStreams {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ['--conditions=spanseal-source', MAIN, ...args], {
    env: { PATH, HOME, ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/**
 * A port of this machine where nobody listens: below those that the system hands out by itself, also
 * for the near end of a connection, so that none of the tests beside this one is given it meanwhile.
 */
export async function aClosedPort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

/** Brokers that are not there, as `--brokers` takes them. */
export async function brokersOff(): Promise<string> {
  return `127.0.0.1:${await aClosedPort()}`
}

/** What a started command printed and how it ended. */
export function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<CommandOutcome> {
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }))
  })
}

/** Runs the command as a process, to its end. */
export function runProcess(args: readonly string[]): Promise<CommandOutcome> {
  return outcomeOf(startCommand(args))
}

/** A stream that keeps what is written, and may say that it is a terminal. */
class Page extends Writable {
  text = ''
  readonly isTTY: boolean
  readonly columns: number | undefined

  constructor(columns: number | undefined) {
    super({ decodeStrings: false })
    this.isTTY = columns !== undefined
    this.columns = columns
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk
    done()
  }
}

/**
 * Runs the command in this process, which is quicker: the same program with other streams.
 *
 * @param terminalColumns the streams are a terminal of that width; default: they are none
 */
export async function runCommand(
  args: readonly string[],
  { terminalColumns, env = {} }: { terminalColumns?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Omit<CommandOutcome, 'signal'>> {
  const stdout = new Page(terminalColumns)
  const stderr = new Page(terminalColumns)
  const status = await run(args, openTerminal(stdout, stderr, env))
  return { status, stdout: stdout.text, stderr: stderr.text }
}
