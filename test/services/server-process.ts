// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { guardProcess, releaseProcess } from './guard.ts'

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Both outputs are appended to this file. */
  readonly logFile: string
  /** Asked every 25 ms after a start until it says true. */
  readonly ready: () => Promise<boolean>
  /** Default: 4 min, since a busy machine takes many times what a start takes. */
  readonly startTimeoutMillis?: number
}

/** Signals after which a process is still there. */
const PAUSING: readonly NodeJS.Signals[] = ['SIGSTOP', 'SIGCONT']

/** One server of a test: started, killed, started again with the same settings. */
export class ServerProcess {
  readonly #settings: ServerCommand
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()

  constructor(settings: ServerCommand) {
    this.#settings = settings
  }

  get running(): boolean {
    return this.#child !== undefined
  }

  /** Undefined when it is not running. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** All it has written so far. */
  log(): string {
    return readFileSync(this.#settings.logFile, 'utf8')
  }

  /**
   * Resolves when the server is ready.
   * @throws Error with the end of its output when it ends or is not ready in time.
   */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.#settings.command} is already running`)
    this.#spawn()
    const end = Date.now() + (this.#settings.startTimeoutMillis ?? 240_000)
    while (!(await this.#settings.ready())) {
      if (!this.#child) throw this.#failed('ended during its start')
      if (Date.now() > end) {
        await this.kill('SIGKILL')
        throw this.#failed('was not ready in time')
      }
      await sleep(25)
    }
    // Somebody else's server may have answered on the port while ours found it taken.
    if (!this.#child) throw this.#failed('ended during its start')
  }

  /** Sends the signal and, unless it only pauses or continues, waits until the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    if (!this.#child) throw new Error(`${this.#settings.command} is not running`)
    this.#child.kill(signal)
    if (!PAUSING.includes(signal)) await this.#ended
  }

  /** SIGTERM, and SIGKILL if it is still there after the time. Does nothing when not running. */
  async stop(graceMillis = 5_000): Promise<void> {
    const child = this.#child
    if (!child) return
    child.kill('SIGTERM')
    child.kill('SIGCONT')
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMillis)
    await this.#ended
    clearTimeout(timer)
  }

  #spawn(): void {
    const { command, args, env, logFile } = this.#settings
    const log = openSync(logFile, 'a')
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
      // A group of its own, so that Ctrl-C reaches the tests first and they can stop in order.
      detached: true,
    })
    closeSync(log)
    const { pid } = child
    if (pid !== undefined) guardProcess(pid)
    this.#child = child
    this.#ended = new Promise((resolve) => {
      const over = (): void => {
        if (pid !== undefined) releaseProcess(pid)
        if (this.#child === child) this.#child = undefined
        resolve()
      }
      child.once('exit', over)
      child.once('error', over)
    })
  }

  #failed(what: string): Error {
    return new Error(`${this.#settings.command} ${what}:\n${this.log().slice(-4000)}`)
  }
}
